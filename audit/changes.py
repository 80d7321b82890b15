"""Which changes of which models django-auditlog records, and for whom."""

from auditlog.middleware import AuditlogMiddleware
from auditlog.registry import auditlog
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse
from django_otp.plugins.otp_totp.models import TOTPDevice

from apikeys.client_address import client_address
from apikeys.models import ApiKey, Suspension

ADMIN_PATH = "/admin/"


def register_models() -> None:
    """Have the changes of keys, staff and groups recorded, each field before and after, but for secrets."""
    hashes = [field.name for field in ApiKey._meta.fields if "hash" in field.name]
    auditlog.register(ApiKey, exclude_fields=[*hashes, "last_used"])
    auditlog.register(Suspension, exclude_fields=["learner"])  # the log keeps for ever what it is told
    # That a password was changed is on record; nothing of its hash is. A login is an event of its own.
    auditlog.register(
        User,
        exclude_fields=["last_login"],
        mask_fields=["password"],
        mask_callable="audit.changes.mask",
        m2m_fields={"groups", "user_permissions"},
    )
    auditlog.register(Group, m2m_fields={"permissions"})
    auditlog.register(TOTPDevice, include_fields=["user", "name", "confirmed"])


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
