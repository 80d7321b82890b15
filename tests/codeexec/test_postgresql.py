"""A PostgreSQL that hangs, and how many may wait for it: a real one, without the service around it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from codeexec import gunicorn
from codeexec.postgresql import base
from codeexec.postgresql.base import BoundedConnection
from tests.servers import PostgreSQL
from tests.waiting import eventually

pytestmark = pytest.mark.server

Connect = Callable[[], psycopg.Connection[Any]]


@pytest.fixture
def connect(postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Return how to connect. A short time for answers: none of these waits for one that comes later."""
    monkeypatch.setattr(BoundedConnection, "answer_seconds", 1)
    place: dict[str, Any] = {"host": "127.0.0.1", "port": postgresql.port, "user": "code", "dbname": "code"}
    with ExitStack() as stack:
        yield lambda: stack.enter_context(BoundedConnection.connect(**place, autocommit=True, connect_timeout=3))


@pytest.fixture
def two_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "places", threading.BoundedSemaphore(2))


def no_place_is_left() -> bool:
    if not base.places.acquire(blocking=False):
        return True
    base.places.release()
    return False


def test_who_waits_for_a_server_that_hangs_gives_up(connect: Connect, postgresql: PostgreSQL) -> None:
    connection = connect()
    postgresql.pause()
    try:
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            connection.execute("SELECT 1")
        assert connection.closed
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            connect()
    finally:
        postgresql.resume()
    assert connect().execute("SELECT 1").fetchall() == [(1,)]


def test_a_transaction_that_hangs_is_given_up(connect: Connect, postgresql: PostgreSQL) -> None:
    connection = connect()
    connection.autocommit = False
    connection.execute("SELECT 1")
    postgresql.pause()
    try:
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            connection.commit()
    finally:
        postgresql.resume()
    assert connection.closed


def test_what_the_server_itself_refuses_ends_no_connection(connect: Connect) -> None:
    connection = connect()
    connection.execute("SET statement_timeout = 100")
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("SELECT pg_sleep(10)")
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.usefixtures("two_places")
def test_no_more_than_so_many_wait(connect: Connect, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedConnection, "answer_seconds", 30)
    *waiting, other = [connect() for _ in range(3)]
    with ThreadPoolExecutor(2) as threads:
        postgresql.pause()
        try:
            answers = [threads.submit(connection.execute, "SELECT 1") for connection in waiting]
            assert eventually(no_place_is_left)
            with pytest.raises(psycopg.OperationalError, match="too many"):
                other.execute("SELECT 1")
            with pytest.raises(psycopg.OperationalError, match="too many"):
                connect()
        finally:
            postgresql.resume()
        assert [answer.result().fetchall() for answer in answers] == [[(1,)]] * 2
    assert other.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.usefixtures("two_places")
def test_who_holds_a_lock_is_kept_out_by_none_who_wait_for_it(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedConnection, "answer_seconds", 30)
    holder, *waiting = [connect() for _ in range(3)]
    holder.execute("CREATE TABLE place (taken int)")
    with ThreadPoolExecutor(2) as threads:
        with holder.transaction():
            holder.execute("LOCK TABLE place")
            answers = [threads.submit(connection.execute, "SELECT * FROM place") for connection in waiting]
            assert eventually(no_place_is_left)
            holder.execute("INSERT INTO place VALUES (1)")
        assert [answer.result().fetchall() for answer in answers] == [[(1,)]] * 2


def test_threads_are_left_when_all_that_may_wait_do(settings: Any) -> None:
    assert gunicorn.threads - base.MOST_AT_ONCE - settings.SANDBOX_MAX_INTERACTIVE >= 4
