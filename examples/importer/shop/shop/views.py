import json
import logging

from django.db import connection
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

log = logging.getLogger(__name__)


@require_GET
def index(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_timestamp")
        name, now = cursor.fetchone()
    return HttpResponse(f"{name}: {now}\n", content_type="text/plain")


@require_GET
def feed(request):
    return JsonResponse({"orders": []})


@csrf_exempt  # the daemon of the worker tier posts from the instance itself, with no session
@require_POST
def tasks(request):
    try:
        task = json.loads(request.body)
    except ValueError:
        return HttpResponseBadRequest("not JSON\n")  # is tried again, and ends in the dead-letter queue
    log.info("task %s", task)
    return HttpResponse()


@require_GET
def health(request):
    """The process, its middleware and its URLs work. Whether the database does is no reason to replace an instance."""
    return HttpResponse("ok\n", content_type="text/plain")
