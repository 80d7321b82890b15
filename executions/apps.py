"""The app of the executions."""

from django.apps import AppConfig
from django.core.checks import register

from codeexec.checks import check_settings


class ExecutionsConfig(AppConfig):
    """What was run."""

    name = "executions"

    def ready(self) -> None:
        """Have Django check our settings with its own."""
        register(check_settings)
