"""Says what the app makes of a health check: its settings, and where in Django the request ends.

Runs in place of the server that the Procfile names, so with the same environment, directory and interpreter. Writes JSON
into the file BEANPOLE_FACTS, once before the request and once after it.
"""
import faulthandler
import io
import json
import os
import re
import sys
import traceback
import types

FACTS = os.environ.pop("BEANPOLE_FACTS")
REQUEST = json.loads(os.environ.pop("BEANPOLE_REQUEST"))
SHIMS = os.environ.pop("BEANPOLE_SHIMS")
os.environ["PATH"] = os.pathsep.join(p for p in os.environ.get("PATH", "").split(os.pathsep) if p != SHIMS)

facts = {}


def save():
    with open(FACTS + ".new", "w") as f:
        json.dump(facts, f, default=str)
    os.replace(FACTS + ".new", FACTS)


def tail(text, most):
    """The last whole lines of a text."""
    return text if len(text) <= most else text[-most:].partition("\n")[2]


def describe(error):
    kind = type(error)
    lines = traceback.format_exception(kind, error, error.__traceback__)
    name = kind.__name__ if kind.__module__ in ("builtins", None) else kind.__module__ + "." + kind.__qualname__
    return {
        "type": name,
        "message": str(error)[:2000],
        "bases": [c.__module__ + "." + c.__name__ for c in kind.__mro__],
        "missing_module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "traceback": tail("".join(lines), 6000),
    }


def application(arguments):
    """The module:object among a server's arguments, and the directory that it changes to."""
    found, chdir, skip = None, None, False
    for i, a in enumerate(arguments):
        if a in ("--chdir", "--app-dir") and i + 1 < len(arguments):
            chdir = arguments[i + 1]
        elif a.startswith(("--chdir=", "--app-dir=")):
            chdir = a.split("=", 1)[1]
        if a.startswith("-"):
            skip = "=" not in a
            continue
        if re.match(r"^[A-Za-z_]\w*(\.\w+)*(:[A-Za-z_][\w.]*(\(.*\))?)?$", a):
            certain = ":" in a or "wsgi" in a or "asgi" in a or "." in a
            if certain or (not skip and found is None):
                found = a
        skip = False
    return found, chdir


def witnesses(paths):
    """A middleware between each two of the project's own: the deepest that a request reaches says who answered it."""
    module = types.ModuleType("beanpole_rehearsal")
    sys.modules[module.__name__] = module
    reached = {"depth": -1, "view": None, "route": ""}

    def witness(depth):
        class Witness:
            sync_capable, async_capable = True, False

            def __init__(self, get_response):
                self.get_response = get_response

            def __call__(self, request):
                reached["depth"] = max(reached["depth"], depth)
                return self.get_response(request)

            if depth == len(paths):
                def process_view(self, request, view, args, kwargs):
                    reached["route"] = getattr(request.resolver_match, "route", "")
                    view = getattr(view, "view_class", None) or getattr(view, "cls", None) or view
                    reached["view"] = "%s.%s" % (getattr(view, "__module__", "?"), getattr(view, "__qualname__", type(view).__name__))

        return Witness

    mixed = []
    for depth in range(len(paths) + 1):
        setattr(module, "Witness%d" % depth, witness(depth))
        mixed.append("beanpole_rehearsal.Witness%d" % depth)
        if depth < len(paths):
            mixed.append(paths[depth])
    return mixed, reached


def ask(settings):
    import django.core.handlers.exception as handlers
    from django.core.wsgi import get_wsgi_application

    raised = []
    respond = handlers.response_for_exception

    def record(request, error):
        raised.append(describe(error))
        return respond(request, error)

    handlers.response_for_exception = record
    paths = list(settings.MIDDLEWARE)
    settings.MIDDLEWARE, reached = witnesses(paths)
    handler = get_wsgi_application()
    path, _, query = REQUEST["path"].partition("?")
    host, _, port = REQUEST["host"].partition(":")
    environ = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query, "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": REQUEST["port"], "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": host, "HTTP_CONNECTION": "upgrade", "HTTP_X_REAL_IP": host, "HTTP_X_FORWARDED_FOR": host,
        "HTTP_USER_AGENT": "ELB-HealthChecker/2.0", "HTTP_ACCEPT_ENCODING": "gzip, compressed",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }
    answer = {}

    def start_response(status, headers, exc_info=None):
        answer["status"] = int(status.split()[0])
        answer["location"] = dict((k.lower(), v) for k, v in headers).get("location", "")

    facts["asked"] = True
    save()
    hang = open(FACTS + ".hang", "w")
    faulthandler.dump_traceback_later(REQUEST["patience"], exit=True, file=hang)
    try:
        for _ in handler(environ, start_response):
            pass
    except Exception as error:  # that no page could be made of
        raised.append(describe(error))
    finally:
        faulthandler.cancel_dump_traceback_later()
        facts.update(answer)
        facts["raised"] = raised
        facts["view"], facts["route"] = reached["view"], reached["route"]
        depth = reached["depth"]
        if reached["view"] is None and 0 <= depth < len(paths):
            facts["answered_by"] = paths[depth]


def main():
    server, arguments = sys.argv[1], sys.argv[2:]
    target, chdir = application(arguments)
    facts.update(server=server, application=target, asked=False)
    facts["address_in"] = sorted(k for k, v in os.environ.items() if REQUEST["address"] in v.replace(",", " ").split())
    if chdir:
        os.chdir(chdir)
    sys.path[0] = os.getcwd()
    sys.argv = [server] + arguments
    save()
    try:
        try:
            if target:
                __import__(target.split(":")[0])
        except BaseException as error:
            facts["import_error"] = describe(error)
        from django.conf import ENVIRONMENT_VARIABLE, settings
        import django

        facts["django"] = django.get_version()
        facts["settings_module"] = os.environ.get(ENVIRONMENT_VARIABLE, "")
        save()
        if not facts["settings_module"]:
            return
        hosts = settings.ALLOWED_HOSTS
        facts.update(
            allowed_hosts=[h if isinstance(h, str) else repr(h) for h in hosts] if isinstance(hosts, (list, tuple, set)) else [repr(hosts)],
            debug=bool(settings.DEBUG),
            append_slash=bool(settings.APPEND_SLASH),
            prepend_www=bool(settings.PREPEND_WWW),
            ssl_redirect=bool(settings.SECURE_SSL_REDIRECT),
            ssl_host=settings.SECURE_SSL_HOST or "",
            redirect_exempt=[str(p) for p in settings.SECURE_REDIRECT_EXEMPT],
            middleware=list(settings.MIDDLEWARE),
            root_urlconf=str(getattr(settings, "ROOT_URLCONF", "")),
            databases=[
                {"alias": k, "engine": str(v.get("ENGINE") or ""), "host": str(v.get("HOST") or ""), "port": str(v.get("PORT") or "")}
                for k, v in settings.DATABASES.items()
            ],
        )
        save()
        ask(settings)
    except BaseException as error:
        facts.setdefault("import_error", describe(error))
    finally:
        save()


main()
