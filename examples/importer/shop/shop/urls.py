from django.conf import settings
from django.urls import path

from shop import views

urlpatterns = [
    path("", views.index),
    path("feed/", views.feed),
    path("tasks/", views.tasks),
    path(settings.HEALTH_CHECK_PATH.lstrip("/"), views.health),
]
