import time

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path


def health(request):
    return HttpResponse("ok", content_type="text/plain")


def broken(request):
    raise ValueError("the answer is not 42")


def slow(request):
    time.sleep(10)
    return health(request)


def elsewhere(request):
    return redirect("/login/")


urlpatterns = [
    path("healthz/", health),
    path("broken/", broken),
    path("slow/", slow),
    path("elsewhere/", elsewhere),
]
