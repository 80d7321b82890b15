"""`manage.py migrate`, one at a time: services that start together on one database wait for each other.

On PostgreSQL, a service may serve meanwhile. To change a table, a migration must lock it, and every later statement
waits behind it, even while the migration itself waits for a backup that has read the table. So it waits for a second,
lets the others go first, and tries again.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg.errors import LockNotAvailable

from codeexec.postgresql.base import DatabaseWrapper as PostgreSQL

LOCK_NUMBER = 0x636F646565786563
"""The advisory lock of PostgreSQL that a migration holds: "codeexec" in ASCII. Django uses none itself."""


LOCK_MILLISECONDS = 1000
"""How long a statement of a migration waits for a lock: less than those of requests, which then wait behind it."""

ATTEMPTS = 200
PAUSE_SECONDS = 2.0
"""Between two attempts. All of them take ten minutes."""

LOOK_SECONDS = 0.5
"""How often to look whether another migration has ended."""


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with alone(connections[options.get("database") or DEFAULT_DB_ALIAS]):
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    super().handle(*args, **options)
                    return
                except OperationalError as error:  # the migration is rolled back, those before it stay
                    if not isinstance(error.__cause__, LockNotAvailable) or attempt == ATTEMPTS:
                        raise
                    self.stdout.write(f"A table is in use; trying again in {PAUSE_SECONDS:.0f} s.")
                    time.sleep(PAUSE_SECONDS)


@contextmanager
def alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Wait until nobody else migrates the database, and keep others waiting. The lock ends with this process, too."""
    if isinstance(connection, PostgreSQL):
        connection.lift_time_limits()  # to index a million executions takes longer than a request may
        with connection.cursor() as cursor:
            while not _try_to_lock(cursor):
                time.sleep(LOOK_SECONDS)
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [str(LOCK_MILLISECONDS)])
        try:
            yield
        except BaseException:  # whatever it is, others may migrate now
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


def _try_to_lock(cursor: CursorWrapper) -> bool:
    """Return whether nobody else migrates. It does not wait, as CREATE INDEX CONCURRENTLY would then wait for it."""
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_NUMBER])
    return bool(cursor.fetchone() == (True,))
