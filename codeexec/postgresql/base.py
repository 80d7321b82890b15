"""Django's backend for PostgreSQL, with bounds of our own: a server that hangs must not hang the service.

`statement_timeout` is the server's. One that is frozen, or behind a network that swallows everything, keeps to none.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

ANSWER_SECONDS = 6
"""For an answer of the server. It gives up by itself before that (`statement_timeout` in the settings)."""

MOST_AT_ONCE = settings.SANDBOX_MAX_CONCURRENT + settings.SANDBOX_QUEUE_LENGTH + 4
"""Threads that may wait for the server. There are more (codeexec/gunicorn.py): some must be left to tell how we are."""

PLACE_SECONDS = 0.5
"""How long to wait to be one of them. A server that answers lets the next one in within milliseconds."""

places = threading.BoundedSemaphore(MOST_AT_ONCE)


@contextmanager
def place() -> Iterator[None]:
    """Be one of those who wait for the server, if there are not too many. Raises OperationalError."""
    if not places.acquire(timeout=PLACE_SECONDS):
        raise psycopg.OperationalError("too many wait for the database already")
    try:
        yield
    finally:
        places.release()


class BoundedConnection(psycopg.Connection[Any]):
    """A connection on which nobody waits for ever: it is closed when an answer has not come in time."""

    answer_seconds: float | None = ANSWER_SECONDS

    @classmethod
    def connect(cls, *arguments: Any, **options: Any) -> Any:
        """Connect, within `connect_timeout`."""
        with place():
            return super().connect(*arguments, **options)

    def wait(self, *arguments: Any, **options: Any) -> Any:
        """Wait for the server, as all that psycopg does on a connection."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            return self._wait(*arguments, **options)  # others may wait for what this transaction has locked
        with place():
            return self._wait(*arguments, **options)

    def _wait(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().wait(*arguments, **{"timeout": self.answer_seconds} | options)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:  # no answer: nothing more can be asked
                self.close()
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    """What Django takes for the database."""

    Database = SimpleNamespace(**vars(psycopg) | {"connect": BoundedConnection.connect})  # type: ignore[assignment]

    def lift_bounds(self) -> None:
        """Let statements on the present connection take any time, as those of a migration may need."""
        with self.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        self.connection.answer_seconds = None
