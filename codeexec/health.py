"""`GET /health`: whether programs can be run. For monitors and proxies; needs no key."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from executions.executor import get_executor


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Answer from what the executor last saw; waits for nothing."""
    state = get_executor().health()
    body = {
        "status": "healthy" if state.ready else "unhealthy",
        "docker": state.engine,
        "pool": {"idle": state.idle, "in_use": state.in_use, "waiting": state.waiting},
    }
    return JsonResponse(body, status=200 if state.ready else 503)
