"""The app of the staff, and the admin as a site of ours."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    """Django's admin with our site in place of its own."""

    default_site = "staff.site.StaffSite"


class StaffConfig(AppConfig):
    """Who looks after the service: accounts, groups, and the second factor of their logins."""

    name = "staff"

    def ready(self) -> None:
        """Have changes of accounts, groups and devices recorded, each field before and after, but for secrets."""
        from auditlog.registry import auditlog
        from django.contrib.auth.models import Group, User
        from django_otp.plugins.otp_totp.models import TOTPDevice

        # A login is an event of its own. That a password was changed is recorded; nothing of its hash is.
        auditlog.register(
            User,
            exclude_fields=["last_login"],
            mask_fields=["password"],
            mask_callable="audit.changes.mask",
            m2m_fields={"groups", "user_permissions"},
        )
        auditlog.register(Group, m2m_fields={"permissions"})
        auditlog.register(TOTPDevice, include_fields=["user", "name", "confirmed"])
