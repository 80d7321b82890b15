"""For whom django-auditlog records changes. Each app registers its own models with it."""

from auditlog.middleware import AuditlogMiddleware
from django.http import HttpRequest, HttpResponse

from web.client_address import client_address

ADMIN_PATH = "/admin/"


def mask(value: str) -> str:
    """Return what the log shows of a secret: nothing, not even its length."""
    return "(secret)" if value else ""


class AuditMiddleware(AuditlogMiddleware):  # type: ignore[misc]
    """Says who changes what in the admin. All other requests pass: asking who they are would cost a query."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve the request."""
        if not request.path_info.startswith(ADMIN_PATH):
            response: HttpResponse = self.get_response(request)
            return response
        audited: HttpResponse = super().__call__(request)
        return audited

    @staticmethod
    def _get_remote_addr(request: HttpRequest) -> str | None:
        return client_address(request)  # django-auditlog's own believes whatever X-Forwarded-For says

    @staticmethod
    def _get_remote_port(request: HttpRequest) -> None:
        return None
