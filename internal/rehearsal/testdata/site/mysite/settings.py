"""The settings of a production site as far as a health check meets them, each from the environment."""

import os
import re


def flag(name):
    return os.environ.get(name, "").lower() == "true"


SECRET_KEY = os.environ["SECRET_KEY"]
HEALTH_CHECK_PATH = os.environ.get("HEALTH_CHECK_PATH", "/healthz/")
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "").split() + os.environ.get("INSTANCE_IP", "").split()
ROOT_URLCONF = "mysite.urls"
WSGI_APPLICATION = "mysite.wsgi.application"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
DATABASES = {}
SECURE_SSL_REDIRECT = flag("SECURE_SSL_REDIRECT")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [rf"^{re.escape(HEALTH_CHECK_PATH.lstrip('/'))}$"]
