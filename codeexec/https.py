"""What comes over plain http when the service is reached over https (HTTPS=true)."""

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.middleware.security import SecurityMiddleware

from codeexec.errors import error_body


class HttpsMiddleware(SecurityMiddleware):
    """Sends readers to https, and refuses everything else: a redirect would lose its body, and hide the mistake.

    Whatever was sent has crossed the network in the clear, its key too. The sender has to know.
    """

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:  # type: ignore[override]
        """Answer what did not come over https, but for the paths that are exempt."""
        redirect = super().process_request(request)
        if redirect is None or request.method in ("GET", "HEAD"):
            return redirect
        return JsonResponse(error_body("Send this over https.", "https_required"), status=403)
