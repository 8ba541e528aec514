from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def health(request):
    """Answer the load balancer.

    The request has come through the proxy, all middleware and the URLconf, so 200 means that the site can serve. The
    database is not asked: it is the same for all instances, and one fault in it would take every instance out of service.
    """
    return HttpResponse("ok", content_type="text/plain")
