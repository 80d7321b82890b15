"""The app of the audit log."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Who did what, when and from where. The table itself is django-auditlog's."""

    name = "audit"

    def ready(self) -> None:
        """Listen to the logins."""
        from axes.signals import user_locked_out
        from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

        from audit import logins

        user_logged_in.connect(logins.record_login)
        user_logged_out.connect(logins.record_logout)
        user_login_failed.connect(logins.record_failure)
        user_locked_out.connect(logins.record_lockout)
