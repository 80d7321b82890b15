"""The app of the staff."""

from django.apps import AppConfig
from django.core.checks import register

from codeexec.checks import check_deployment


class StaffConfig(AppConfig):
    """Who looks after the service: accounts, groups, and the second factor of their logins."""

    name = "staff"

    def ready(self) -> None:
        """Have `check --deploy` ask for the second factor."""
        register(check_deployment, deploy=True)
