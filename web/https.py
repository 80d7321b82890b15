"""What comes over plain http when the service is reached over https (HTTPS=true)."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from web.errors import error_body


class PlainHttpMiddleware:
    """Refuses over http whatever Django would redirect without its body. GET is left to Django's SecurityMiddleware.

    A redirect would also hide the mistake: what was sent has crossed the network in the clear, its key too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request."""
        if not settings.SECURE_SSL_REDIRECT or request.is_secure() or request.method in ("GET", "HEAD"):
            return self.get_response(request)
        return JsonResponse(error_body("Send this over https.", "https_required"), status=403)
