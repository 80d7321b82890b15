"""`manage.py migrate`, one at a time: services that start together on one database wait for each other."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from codeexec.postgresql.base import DatabaseWrapper as PostgreSQL

LOCK_NUMBER = 0x636F646565786563
"""The advisory lock of PostgreSQL that a migration holds: "codeexec" in ASCII. Django uses none itself."""


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with alone(connections[options.get("database") or DEFAULT_DB_ALIAS]):
            super().handle(*args, **options)


@contextmanager
def alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Wait until nobody else migrates the database, and keep others waiting. The lock ends with this process, too."""
    if isinstance(connection, PostgreSQL):
        connection.lift_time_limits()  # to index a million executions takes longer than a request may
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK_NUMBER])
        try:
            yield
        except BaseException:
            connection.close()  # which unlocks: no pool keeps a connection without time limits
            raise
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_NUMBER])
        return
    name = str(connection.settings_dict["NAME"])
    if name == ":memory:" or name.startswith("file:"):
        yield
        return
    directory = os.open(Path(name).resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)
