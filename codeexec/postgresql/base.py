"""Django's backend for PostgreSQL, with limits so that a hanging server does not hang the service.

`statement_timeout` is enforced by the server: one that is frozen, or unreachable without an error, does not enforce it.
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

MAX_WAITING = settings.SANDBOX_MAX_CONCURRENT + settings.SANDBOX_QUEUE_LENGTH + 4
"""Threads that may wait for the server. There are more (codeexec/gunicorn.py), so that some can answer `/health`."""

SLOT_SECONDS = 0.5
"""How long to wait for permission to wait. A healthy server answers another thread within milliseconds."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that closes if the server does not answer in time, and refuses to wait if too many threads do."""

    answer_seconds: float | None = 6  # a healthy server gives up earlier: `statement_timeout` in the settings
    slots = threading.BoundedSemaphore(MAX_WAITING)

    @classmethod
    def connect(cls, *arguments: Any, **options: Any) -> Any:
        """Connect within `connect_timeout`. Raises OperationalError."""
        with cls._slot():
            return super().connect(*arguments, **options)

    def wait(self, *arguments: Any, **options: Any) -> Any:
        """Wait for the server. psycopg calls this for everything on a connection."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            return self._wait(*arguments, **options)  # others may be waiting for this transaction's locks
        with self._slot():
            return self._wait(*arguments, **options)

    def _wait(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().wait(*arguments, **{"timeout": self.answer_seconds} | options)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:  # still unanswered: unusable
                self.close()
            raise

    @classmethod
    @contextmanager
    def _slot(cls) -> Iterator[None]:
        if not cls.slots.acquire(timeout=SLOT_SECONDS):
            raise psycopg.OperationalError("too many threads are waiting for the database")
        try:
            yield
        finally:
            cls.slots.release()


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend, as Django imports it."""

    Database = SimpleNamespace(**vars(psycopg) | {"connect": BoundedConnection.connect})  # type: ignore[assignment]

    def lift_time_limits(self) -> None:
        """Let statements on the current connection take any time, as migrations may need."""
        with self.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        self.connection.answer_seconds = None
