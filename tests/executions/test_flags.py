"""The flags that mark executions for staff to review."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys.models import ApiKey, DailyUse
from executions.models import Execution, ExecutionFlag
from executions.sandbox.results import Flag, Run, RunStatus
from tests.conftest import Page
from tests.fakes import FakeExecutor

LONG = Run(RunStatus.TIMEOUT, cpu_seconds=1.25)


def flags(response: Any) -> set[str]:
    """Return the flags of the answered execution."""
    execution = Execution.objects.get(public_id=response.json()["id"])
    return set(execution.flags.values_list("kind", flat=True))


def test_usual_execution_gets_no_flag_and_needs_no_query(page: Page) -> None:
    page.run()
    with CaptureQueriesContext(connection) as queries:
        assert flags(page.run()) == set()
    assert not [query for query in queries if "INSERT" in query["sql"] and "flag" in query["sql"]]


@pytest.mark.parametrize(
    ("run", "flag"),
    [
        (Run(RunStatus.MEMORY_LIMIT), "memory_kill"),
        (Run(RunStatus.OUTPUT_LIMIT), "output_flood"),
        (Run(RunStatus.ERROR, flags=frozenset({Flag.FORK_STORM})), "fork_storm"),
        (Run(RunStatus.SUCCESS, flags=frozenset({Flag.NETWORK_ATTEMPT})), "network_attempt"),
        (Run(RunStatus.SUCCESS, flags=frozenset({Flag.FORBIDDEN_CALL})), "forbidden_call"),
    ],
)
def test_run_sets_its_flags(page: Page, executor: FakeExecutor, run: Run, flag: str) -> None:
    executor.main = run
    assert flags(page.run()) == {flag}


def test_test_case_sets_its_flags_once(page: Page, executor: FakeExecutor) -> None:
    executor.main = executor.test = Run(RunStatus.MEMORY_LIMIT, flags=frozenset({Flag.NETWORK_ATTEMPT}))
    found = flags(page.run(test_cases=[{"code": "1"}, {"code": "2"}]))
    assert found == {"memory_kill", "network_attempt"}
    assert ExecutionFlag.objects.count() == 2


def test_third_timeout_in_a_row_is_flagged(page: Page, executor: FakeExecutor) -> None:
    executor.main = LONG
    assert [flags(page.run()) for _ in range(4)] == [set(), set(), {"repeated_timeouts"}, {"repeated_timeouts"}]
    executor.main = Run(RunStatus.SUCCESS)
    page.run()
    executor.main = LONG
    assert [flags(page.run()) for _ in range(3)] == [set(), set(), {"repeated_timeouts"}]


def test_timeouts_of_others_do_not_count(page: Page, executor: FakeExecutor) -> None:
    executor.main = LONG
    for learner in ("ada", "bob", "ada", "bob", ""):
        assert flags(page.run(learner=learner)) == set()
    elsewhere = Page(page.key, page.token, Client(REMOTE_ADDR="192.0.2.1"))
    assert flags(elsewhere.run()) == flags(elsewhere.run()) == set()
    assert flags(page.run(learner="ada")) == {"repeated_timeouts"}


def from_addresses(page: Page, count: int, code: str) -> set[str]:
    """Run the same code from `count` addresses; return the flags of the last execution."""
    for number in range(count):
        response = Page(page.key, page.token, Client(REMOTE_ADDR=f"192.0.2.{number}")).run(code)
    return flags(response)


def test_costly_code_from_many_addresses_is_flagged(page: Page, executor: FakeExecutor) -> None:
    executor.main = Run(RunStatus.SUCCESS, cpu_seconds=1.0)
    ApiKey.objects.update(rate="1000/h")
    assert from_addresses(page, 9, "mine()") == set()
    assert from_addresses(page, 10, "mine()") == {"shared_code"}
    assert from_addresses(page, 9, "mine_otherwise()") == set()


def test_cheap_code_from_many_addresses_is_not_flagged(page: Page) -> None:
    ApiKey.objects.update(rate="1000/h")
    assert from_addresses(page, 12, "print('Hello')") == set()


def test_code_from_days_ago_is_not_compared(page: Page, executor: FakeExecutor) -> None:
    executor.main = Run(RunStatus.SUCCESS, cpu_seconds=1.0)
    from_addresses(page, 9, "mine()")
    Execution.objects.update(created=timezone.now() - timedelta(days=2))
    assert from_addresses(page, 10, "mine()") == {"shared_code"}
    Execution.objects.update(created=timezone.now() - timedelta(days=2))
    assert from_addresses(page, 9, "mine()") == set()


def test_learner_who_uses_a_tenth_of_the_keys_cpu_is_flagged(page: Page, executor: FakeExecutor) -> None:
    ApiKey.objects.update(cpu_seconds_per_day=100)
    executor.main = Run(RunStatus.SUCCESS, cpu_seconds=0.25)
    page.run()
    DailyUse.objects.filter(who="address:127.0.0.1").update(cpu_seconds=9.75)
    assert flags(page.run()) == set()
    assert flags(page.run()) == {"cpu_budget"}
    elsewhere = Page(page.key, page.token, Client(REMOTE_ADDR="192.0.2.1"))
    assert flags(elsewhere.run()) == set()
