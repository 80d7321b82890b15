"""Who made the changes that django-auditlog records. Each app registers its own models with it."""

from auditlog.middleware import AuditlogMiddleware
from django.http import HttpRequest, HttpResponse

from web.connection import client_address

ADMIN_PATH = "/admin/"


def mask(value: str) -> str:
    """Return a placeholder for a secret, which hides even its length."""
    return "(secret)" if value else ""


class AuditMiddleware(AuditlogMiddleware):  # type: ignore[misc]
    """Records who makes changes in the admin. For other requests, finding out would cost a query."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve the request."""
        if not request.path_info.startswith(ADMIN_PATH):
            response: HttpResponse = self.get_response(request)
            return response
        audited: HttpResponse = super().__call__(request)
        return audited

    @staticmethod
    def _get_remote_addr(request: HttpRequest) -> str | None:
        return client_address(request)  # django-auditlog's own method trusts any X-Forwarded-For

    @staticmethod
    def _get_remote_port(request: HttpRequest) -> None:
        return None
