import io
import os
import runpy
import sys
from pathlib import Path
from unittest import mock

from django.contrib.staticfiles import finders
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError
from django.test import SimpleTestCase, TestCase, override_settings

SETTINGS = Path(__file__).with_name("settings.py")
ADDRESS = "10.0.1.23"


def settings_of(**environ):
    """The settings of an environment with exactly these variables."""
    with mock.patch.dict(os.environ, environ, clear=True), mock.patch.object(sys, "argv", ["gunicorn"]):
        return {name: value for name, value in runpy.run_path(str(SETTINGS)).items() if name.isupper()}


def environment(**environ):
    """Tests under the settings of an environment, but with the database of the tests."""
    values = settings_of(**{"SECRET_KEY": "test", "ALLOWED_HOSTS": f"www.example.com {ADDRESS}"} | environ)
    del values["DATABASES"], values["LOGGING"]
    return override_settings(**values)


http = environment(SECURE_SSL_REDIRECT="false")
https = environment(SECURE_SSL_REDIRECT="true")


class SettingsTests(SimpleTestCase):
    def test_production_needs_a_secret_key(self):
        with self.assertRaisesMessage(ImproperlyConfigured, "SECRET_KEY"):
            settings_of()
        self.assertEqual(settings_of(SECRET_KEY="s")["SECRET_KEY"], "s")
        self.assertTrue(settings_of(DEBUG="true")["SECRET_KEY"])

    def test_debug_is_off_unless_asked_for(self):
        self.assertIs(settings_of(SECRET_KEY="s")["DEBUG"], False)
        with self.assertRaisesMessage(ImproperlyConfigured, "DEBUG"):
            settings_of(DEBUG="yes")

    def test_hosts_are_separated_by_white_space(self):
        values = settings_of(SECRET_KEY="s", ALLOWED_HOSTS=f"www.example.com\texample.com  {ADDRESS}\n")
        self.assertEqual(values["ALLOWED_HOSTS"], ["www.example.com", "example.com", ADDRESS])
        self.assertEqual(settings_of(SECRET_KEY="s")["ALLOWED_HOSTS"], [])

    def test_everything_secure_follows_from_https(self):
        on = settings_of(SECRET_KEY="s", SECURE_SSL_REDIRECT="true")
        off = settings_of(SECRET_KEY="s", SECURE_SSL_REDIRECT="false")
        for name in ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"):
            self.assertIs(on[name], True, name)
            self.assertIs(off[name], False, name)
        self.assertEqual(on["SECURE_PROXY_SSL_HEADER"], ("HTTP_X_FORWARDED_PROTO", "https"))
        self.assertIsNone(off["SECURE_PROXY_SSL_HEADER"])
        self.assertGreater(on["SECURE_HSTS_SECONDS"], 0)
        self.assertEqual(off["SECURE_HSTS_SECONDS"], 0)

    def test_database(self):
        def database(url):
            return settings_of(SECRET_KEY="s", DATABASE_URL=url)["DATABASES"]["default"]

        self.assertEqual(database("sqlite:////var/data/db.sqlite3")["NAME"], "/var/data/db.sqlite3")
        server = database("postgres://user:p%40ss@db.example.com:5432/site")
        self.assertEqual(server["ENGINE"], "django.db.backends.postgresql")
        self.assertEqual(
            [server[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")],
            ["user", "p@ss", "db.example.com", 5432, "site"],
        )
        with self.assertRaisesMessage(ImproperlyConfigured, "DATABASE_URL"):
            database("mysql://localhost/site")
        self.assertTrue(settings_of(SECRET_KEY="s")["DATABASES"]["default"]["NAME"].endswith("/mysite/db.sqlite3"))

    @https
    def test_deployment_checks(self):
        call_command("check", deploy=True, fail_level="ERROR", stderr=io.StringIO())


class HealthTests(SimpleTestCase):
    def check(self, path="/healthz/", host=ADDRESS):
        return self.client.get(path, headers={"host": host, "user-agent": "ELB-HealthChecker/2.0"})

    def assertHealthy(self, response):
        self.assertEqual((response.status_code, response.content), (200, b"ok"))
        self.assertEqual(response["Content-Type"], "text/plain")

    @https
    def test_over_http_behind_https(self):
        self.assertHealthy(self.check())
        self.assertHealthy(self.check(host=f"{ADDRESS}:80"))

    @http
    def test_without_https(self):
        self.assertHealthy(self.check())

    @https
    def test_an_address_that_is_not_allowed(self):
        with self.assertLogs("django.security.DisallowedHost", "ERROR") as logs:
            self.assertEqual(self.check(host="10.0.1.24").status_code, 400)
        self.assertIn("10.0.1.24", logs.output[0])

    @https
    def test_only_the_path_itself_is_exempt(self):
        for path in ("/healthz", "/healthz/more", "/x/healthz/"):
            response = self.check(path)
            self.assertEqual((response.status_code, response["Location"]), (301, f"https://{ADDRESS}{path}"))

    @https
    def test_the_middleware_runs(self):
        response = self.check()
        self.assertEqual(response["X-Frame-Options"], "DENY")
        self.assertEqual(response["X-Content-Type-Options"], "nosniff")
        self.assertIn("no-store", response["Cache-Control"])

    @https
    def test_only_reading(self):
        with self.assertLogs("django.request", "WARNING"):
            self.assertEqual(self.client.post("/healthz/", headers={"host": ADDRESS}).status_code, 405)

    def test_another_path(self):
        values = settings_of(SECRET_KEY="s", HEALTH_CHECK_PATH="/up.html")
        self.assertEqual(values["SECURE_REDIRECT_EXEMPT"], [r"^up\.html\Z"])


class PageTests(TestCase):
    def get(self, secure=True, **headers):
        forwarded = {"x-forwarded-proto": "https"} if secure else {}
        return self.client.get("/", headers={"host": "www.example.com"} | forwarded | headers)

    @https
    def test_over_https(self):
        response = self.get()
        self.assertContains(response, "The beanpole stands.")
        self.assertContains(response, "over https")
        self.assertEqual(response["X-Frame-Options"], "DENY")
        self.assertEqual(response["Strict-Transport-Security"], "max-age=3600")

    @https
    def test_over_http_it_redirects(self):
        response = self.get(secure=False)
        self.assertEqual((response.status_code, response["Location"]), (301, "https://www.example.com/"))

    @http
    def test_without_https_there_is_no_redirect(self):
        response = self.get(secure=False)
        self.assertEqual(response.status_code, 200)
        self.assertNotIn("Strict-Transport-Security", response)

    @https
    def test_an_unknown_host(self):
        with self.assertLogs("django.security.DisallowedHost", "ERROR"):
            self.assertEqual(self.get(host="evil.example").status_code, 400)

    @https
    def test_cookies_are_secure(self):
        self.client.get("/admin/login/", headers={"host": "www.example.com", "x-forwarded-proto": "https"})
        self.assertTrue(self.client.cookies["csrftoken"]["secure"])

    @http
    def test_without_a_database_the_page_says_so(self):
        with mock.patch("notes.views.Note.objects.all", side_effect=DatabaseError):
            self.assertContains(self.get(secure=False), "does not answer")

    def test_the_style_sheet_is_found(self):
        self.assertTrue(finders.find("notes/site.css"))


class MigrationTests(TestCase):
    def test_nothing_is_missing(self):
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
