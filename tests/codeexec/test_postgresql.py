"""Our database backend with a real PostgreSQL server that hangs."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from codeexec import gunicorn
from codeexec.postgresql.base import MAX_WAITING, BoundedConnection
from tests.servers import PostgreSQL
from tests.waiting import eventually

pytestmark = pytest.mark.server

Connect = Callable[[type[BoundedConnection]], psycopg.Connection[Any]]


class Impatient(BoundedConnection):
    """A connection that waits only a second for an answer."""

    answer_seconds = 1


class TwoWaiting(BoundedConnection):
    """A connection that lets two threads wait for a long time."""

    answer_seconds = 30
    slots = threading.BoundedSemaphore(2)


@pytest.fixture
def connect(postgresql: PostgreSQL) -> Iterator[Connect]:
    """Return a function that connects with a class of connections."""
    address: dict[str, Any] = {"host": "127.0.0.1", "port": postgresql.port, "user": "code", "dbname": "code"}
    with ExitStack() as stack:
        yield lambda kind: stack.enter_context(kind.connect(**address, autocommit=True, connect_timeout=3))


def all_slots_are_taken() -> bool:
    if not TwoWaiting.slots.acquire(blocking=False):
        return True
    TwoWaiting.slots.release()
    return False


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


def test_a_third_thread_is_refused_while_two_wait(connect: Connect, postgresql: PostgreSQL) -> None:
    *waiting, other = [connect(TwoWaiting) for _ in range(3)]
    with ThreadPoolExecutor(2) as threads:
        postgresql.pause()
        try:
            answers = [threads.submit(connection.execute, "SELECT 1") for connection in waiting]
            assert eventually(all_slots_are_taken)
            with pytest.raises(psycopg.OperationalError, match="too many"):
                other.execute("SELECT 1")
            with pytest.raises(psycopg.OperationalError, match="too many"):
                connect(TwoWaiting)
        finally:
            postgresql.resume()
        assert [answer.result().fetchall() for answer in answers] == [[(1,)]] * 2
    assert other.execute("SELECT 1").fetchall() == [(1,)]


def test_a_transaction_continues_while_others_wait_for_its_lock(connect: Connect) -> None:
    holder, *waiting = [connect(TwoWaiting) for _ in range(3)]
    holder.execute("CREATE TABLE lockable (number int)")
    with ThreadPoolExecutor(2) as threads:
        with holder.transaction():
            holder.execute("LOCK TABLE lockable")
            answers = [threads.submit(connection.execute, "SELECT * FROM lockable") for connection in waiting]
            assert eventually(all_slots_are_taken)
            holder.execute("INSERT INTO lockable VALUES (1)")
        assert [answer.result().fetchall() for answer in answers] == [[(1,)]] * 2


def test_threads_remain_when_all_that_may_wait_do(settings: Any) -> None:
    assert gunicorn.threads - MAX_WAITING - settings.SANDBOX_MAX_INTERACTIVE >= 4
