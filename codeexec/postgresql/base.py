"""Django's backend for PostgreSQL, with a pool of connections, and limits so that a hanging server hangs no request.

`statement_timeout` is enforced by the server: one that is frozen, or unreachable without an error, does not enforce it.
"""

import select
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

WAIT_SECONDS = 3.0
"""How long to wait for a connection. A healthy server needs a few milliseconds for what a request asks."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that closes if the server does not answer in time."""

    answer_seconds: float | None = 6  # a healthy server gives up earlier: `statement_timeout` in the settings

    def wait(self, *arguments: Any, **options: Any) -> Any:
        """Wait for the server. psycopg calls this for everything on a connection."""
        try:
            return super().wait(*arguments, **{"timeout": self.answer_seconds} | options)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:  # still unanswered: unusable
                self.close()
            raise

    @property
    def is_reusable(self) -> bool:
        """Whether another thread may use the connection: open, outside of a transaction, with its time limits."""
        is_idle = self.pgconn.transaction_status == TransactionStatus.IDLE
        return is_idle and self.answer_seconds == type(self).answer_seconds

    @property
    def has_ended(self) -> bool:
        """Whether the server has closed the connection: an idle server sends nothing else."""
        if self.closed:
            return True
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return bool(poll.poll(0))


class Pool:
    """At most `size` connections, each of which one thread uses at a time. For many threads.

    Unlike psycopg_pool, it connects in the thread that asks: while the server is down, each request fails at once, with
    the server's reason, and the first after that succeeds (docs/decisions/0016-faults.md).
    """

    def __init__(self, size: int, wait_seconds: float = WAIT_SECONDS) -> None:
        self._free = threading.BoundedSemaphore(size)
        self._idle: deque[BoundedConnection] = deque()
        self._wait_seconds = wait_seconds

    def take(self, connect: Callable[[], BoundedConnection]) -> BoundedConnection:
        """Return an idle connection, or what `connect` returns. Raises OperationalError, also if all are in use."""
        if not self._free.acquire(timeout=self._wait_seconds):
            raise psycopg.OperationalError("all connections to the database are in use")
        try:
            while (connection := self._pop_idle()) is not None:
                if not connection.has_ended:
                    return connection
                connection.close()
            return connect()
        except BaseException:  # whatever it is, the caller gets no connection, so it is free for others
            self._free.release()
            raise

    def give_back(self, connection: BoundedConnection) -> None:
        """Keep the connection for another thread, or close it if it cannot be reused."""
        if connection.is_reusable:
            self._idle.append(connection)
        else:
            connection.close()
        self._free.release()

    def _pop_idle(self) -> BoundedConnection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend, as Django imports it. Closing a connection gives it back to the pool of its database."""

    Database = SimpleNamespace(**vars(psycopg) | {"connect": BoundedConnection.connect})  # type: ignore[assignment]
    pools: defaultdict[str, Pool] = defaultdict(partial(Pool, settings.DATABASE_CONNECTIONS))

    def get_new_connection(self, conn_params: Any) -> Any:
        """Take a connection from the pool."""
        return self._pool().take(partial(super().get_new_connection, conn_params))

    def _close(self) -> None:
        if self.connection is not None:
            with self.wrap_database_errors:
                self._pool().give_back(self.connection)

    def _pool(self) -> Pool:
        return self.pools[str(self.settings_dict["NAME"])]

    def lift_time_limits(self) -> None:
        """Let statements on the current connection take any time, as migrations may need."""
        with self.cursor() as cursor:
            cursor.execute(
                "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0"
            )
        self.connection.answer_seconds = None
