"""The app of the audit log."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Who did what, when and from where. The table itself belongs to django-auditlog."""

    name = "audit"

    def ready(self) -> None:
        """Connect the receivers of logins."""
        import audit.logins  # noqa: F401
