"""The page at `/`, for people who open the service's address in a browser. It is public, and shows nothing internal."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from executions.running.backend import get_backend
from web.connection import client_address, is_in_networks


@require_safe
@never_cache
def landing(request: HttpRequest) -> HttpResponse:
    """Return the page. It links only to pages that open for this client."""
    is_staff_address = is_in_networks(client_address(request), tuple(settings.ADMIN_ALLOWED_IPS))
    context = {
        "is_ready": get_backend().health().ready,
        "has_playground": settings.PLAYGROUND == "public" or (settings.PLAYGROUND == "staff" and is_staff_address),
        "has_admin": is_staff_address,
    }
    return render(request, "landing.html", context)
