"""Our database backend with a real PostgreSQL server that hangs."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from codeexec.postgresql.base import BoundedConnection, Pool
from tests.servers import PostgreSQL
from tests.waiting import eventually

pytestmark = pytest.mark.server

Connect = Callable[[type[BoundedConnection]], psycopg.Connection[Any]]


class Impatient(BoundedConnection):
    """A connection that waits only a second for an answer."""

    answer_seconds = 1


@pytest.fixture
def connect(postgresql: PostgreSQL) -> Iterator[Connect]:
    """Return a function that connects with a class of connections."""
    address: dict[str, Any] = {"host": "127.0.0.1", "port": postgresql.port, "user": "code", "dbname": "code"}
    with ExitStack() as stack:
        yield lambda kind: stack.enter_context(kind.connect(**address, autocommit=True, connect_timeout=3))


def test_waiting_for_a_hanging_server_times_out(connect: Connect, postgresql: PostgreSQL) -> None:
    connection = connect(Impatient)
    postgresql.pause()
    try:
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            connection.execute("SELECT 1")
        assert connection.closed
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            connect(Impatient)
    finally:
        postgresql.resume()
    assert connect(Impatient).execute("SELECT 1").fetchall() == [(1,)]


def test_a_hanging_transaction_times_out(connect: Connect, postgresql: PostgreSQL) -> None:
    connection = connect(Impatient)
    connection.autocommit = False
    connection.execute("SELECT 1")
    postgresql.pause()
    try:
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            connection.commit()
    finally:
        postgresql.resume()
    assert connection.closed


def test_a_statement_refused_by_the_server_leaves_the_connection_open(connect: Connect) -> None:
    connection = connect(Impatient)
    connection.execute("SET statement_timeout = 100")
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("SELECT pg_sleep(10)")
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_a_transaction_that_does_nothing_is_ended_by_the_server(
    connect_any: Callable[[], BoundedConnection],
) -> None:
    """Else what it has locked stays locked, and nothing that was deleted since can be vacuumed."""
    connection = connect_any()
    connection.execute("SET idle_in_transaction_session_timeout = 100")
    connection.autocommit = False
    connection.execute("SELECT 1")
    assert eventually(lambda: connection.has_ended)
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        connection.execute("SELECT 1")
    assert connection.closed


@pytest.fixture
def pool() -> Pool:
    return Pool(2, wait_seconds=0.2)


@pytest.fixture
def connect_any(connect: Connect) -> Callable[[], BoundedConnection]:
    def connect_with_limits() -> BoundedConnection:
        connection = connect(BoundedConnection)
        assert isinstance(connection, BoundedConnection)
        return connection

    return connect_with_limits


def no_more() -> BoundedConnection:
    raise AssertionError("no connection is made")


def test_a_pool_lends_as_many_connections_as_it_has(pool: Pool, connect_any: Callable[[], BoundedConnection]) -> None:
    first, second = pool.take(connect_any), pool.take(connect_any)
    assert first is not second
    with pytest.raises(psycopg.OperationalError, match="all connections to the database are in use"):
        pool.take(no_more)
    pool.give_back(first)
    assert pool.take(no_more) is first


def test_a_connection_is_given_to_the_thread_that_waits(
    pool: Pool, connect_any: Callable[[], BoundedConnection]
) -> None:
    first, _ = pool.take(connect_any), pool.take(connect_any)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(pool.take, no_more)
        assert not waiting.done()
        pool.give_back(first)
        assert waiting.result() is first


def test_a_connection_that_cannot_be_reused_is_closed(pool: Pool, connect_any: Callable[[], BoundedConnection]) -> None:
    in_transaction, unlimited = pool.take(connect_any), pool.take(connect_any)
    in_transaction.autocommit = False
    in_transaction.execute("SELECT 1")
    unlimited.answer_seconds = None
    for connection in (in_transaction, unlimited):
        pool.give_back(connection)
        assert connection.closed
    for _ in range(2):
        assert pool.take(connect_any).execute("SELECT 1").fetchall() == [(1,)]


def test_a_restart_of_the_server_is_noticed_before_a_connection_is_used(
    pool: Pool, connect_any: Callable[[], BoundedConnection], postgresql: PostgreSQL
) -> None:
    lent = [pool.take(connect_any) for _ in range(2)]
    for connection in lent:
        pool.give_back(connection)
    postgresql.stop()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        pool.take(connect_any)
    postgresql.start()
    again = [pool.take(connect_any) for _ in range(2)]  # the failure has not used up a place
    assert [connection.execute("SELECT 1").fetchall() for connection in again] == [[(1,)]] * 2
    assert not set(again) & set(lent)
