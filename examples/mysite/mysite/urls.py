from django.conf import settings
from django.contrib import admin
from django.urls import path

from mysite.health import health
from notes.views import index

urlpatterns = [
    path("", index, name="index"),
    path(settings.HEALTH_CHECK_PATH.lstrip("/"), health, name="health"),
    path("admin/", admin.site.urls),
]
