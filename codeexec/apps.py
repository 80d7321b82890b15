"""The project as an app: it checks the settings and lifts time limits for migrations."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db import connections
from django.db.models.signals import pre_migrate

from codeexec.checks import check_deployment, check_settings
from codeexec.postgresql.base import DatabaseWrapper as PostgreSQL


class CodeExecConfig(AppConfig):
    """The composition root. It has no models."""

    name = "codeexec"

    def ready(self) -> None:
        """Register our checks, and lift the time limits of statements before migrations."""
        register(check_settings)
        register(check_deployment, deploy=True)
        pre_migrate.connect(lift_time_limits)


def lift_time_limits(sender: object, using: str, **kwargs: Any) -> None:
    """Let statements of a migration take any time: indexing a million executions takes longer than a request may."""
    connection = connections[using]
    if isinstance(connection, PostgreSQL):
        connection.lift_time_limits()
