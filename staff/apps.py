"""The staff app, and our own admin site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    """Django's admin, with our site as its default."""

    default_site = "staff.site.StaffSite"


class StaffConfig(AppConfig):
    """Staff accounts, their groups, and the second factor of their logins."""

    name = "staff"

    def ready(self) -> None:
        """Record changes of accounts, groups and devices in the audit log, without secrets."""
        from auditlog.registry import auditlog
        from django.contrib.auth.models import Group, User
        from django_otp.plugins.otp_totp.models import TOTPDevice

        # A login is recorded as an event. A changed password is recorded, but nothing of its hash.
        auditlog.register(
            User,
            exclude_fields=["last_login"],
            mask_fields=["password"],
            mask_callable="audit.changes.mask",
            m2m_fields={"groups", "user_permissions"},
        )
        auditlog.register(Group, m2m_fields={"permissions"})
        auditlog.register(TOTPDevice, include_fields=["user", "name", "confirmed"])
