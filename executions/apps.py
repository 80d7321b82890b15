"""The app of the executions."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db import connections
from django.db.models.signals import pre_migrate

from codeexec.checks import check_settings
from codeexec.postgresql.base import DatabaseWrapper as PostgreSQL


class ExecutionsConfig(AppConfig):
    """What was run."""

    name = "executions"

    def ready(self) -> None:
        """Have Django check our settings with its own, and let migrations take their time."""
        register(check_settings)
        pre_migrate.connect(lift_bounds, sender=self)


def lift_bounds(sender: object, using: str, **kwargs: Any) -> None:
    """Bound no statement of a migration: to index a million executions takes longer than anybody may wait otherwise."""
    connection = connections[using]
    if isinstance(connection, PostgreSQL):
        connection.lift_bounds()
