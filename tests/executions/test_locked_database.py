"""Requests while another connection holds a real lock on the database."""

import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from executions.models import Execution
from executions.sandbox.results import SandboxBusy
from tests.conftest import Page
from tests.fakes import FakeExecutor

pytestmark = pytest.mark.django_db(transaction=True)


class Lock:
    """Lock the whole database against all other readers and writers."""

    def __init__(self) -> None:
        name = connection.settings_dict["NAME"]
        self._connection = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)

    def take(self) -> None:
        self._connection.execute("BEGIN EXCLUSIVE")
        # The tests' database is in memory, where a write locks its table.
        self._connection.execute("DELETE FROM executions_execution WHERE code = 'none has it'")
        self._connection.execute("DELETE FROM apikeys_apikey WHERE name = 'none has it'")

    def give_back(self) -> None:
        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def lock(page: Page) -> Iterator[Lock]:
    lock = Lock()
    yield lock
    lock.close()


def assert_unavailable(response: Any) -> None:
    assert response.status_code == 503
    assert response.json()["code"] == "unavailable"
    assert int(response["Retry-After"]) >= 1
    assert "locked" not in response.content.decode()


def test_nothing_runs_while_the_database_is_locked(page: Page, executor: FakeExecutor, lock: Lock) -> None:
    lock.take()
    assert_unavailable(page.run())
    assert executor.submissions == []
    assert page.client.get("/health").status_code == 200
    lock.give_back()
    assert page.run().status_code == 200
    assert Execution.objects.get().status == "success"


def take_for_a_moment(lock: Lock) -> None:
    lock.take()
    threading.Timer(0.05, lock.give_back).start()


def test_a_result_is_recorded_when_the_lock_is_gone(page: Page, executor: FakeExecutor, lock: Lock) -> None:
    executor.meanwhile = lambda: take_for_a_moment(lock)
    assert page.run().json()["output"] == "Hello\n"
    assert Execution.objects.get().status == "success"


def test_a_refusal_is_recorded_when_the_lock_is_gone(page: Page, executor: FakeExecutor, lock: Lock) -> None:
    def refuse() -> None:
        take_for_a_moment(lock)
        raise SandboxBusy("full")

    executor.meanwhile = refuse
    assert_unavailable(page.run())
    assert Execution.objects.get().status == "refused"
