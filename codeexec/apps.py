"""The project itself as an app: it checks the settings, and lets migrations take their time."""

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
        """Have Django check our settings with its own, and lift the bounds of statements for migrations."""
        register(check_settings)
        register(check_deployment, deploy=True)
        pre_migrate.connect(lift_bounds)


def lift_bounds(sender: object, using: str, **kwargs: Any) -> None:
    """Bound no statement of a migration: to index a million executions takes longer than a request may wait."""
    connection = connections[using]
    if isinstance(connection, PostgreSQL):
        connection.lift_bounds()
