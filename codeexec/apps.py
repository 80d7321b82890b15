"""The project as an app: it checks the settings, and has the command that migrates the database."""

from django.apps import AppConfig
from django.core.checks import register

from codeexec.checks import check_deployment, check_settings


class CodeExecConfig(AppConfig):
    """The composition root. It has no models."""

    name = "codeexec"

    def ready(self) -> None:
        """Register our checks."""
        register(check_settings)
        register(check_deployment, deploy=True)
