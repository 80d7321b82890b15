"""A key's daily and concurrent quotas, and what is never charged."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apikeys.keys import create_key
from apikeys.models import ApiKey, DailyUse
from executions.models import Execution
from executions.records.servers import recover_interrupted
from executions.sandbox.results import Run, RunLost, RunStatus, SandboxBusy, SandboxError, SandboxUnavailable
from tests.conftest import ORIGIN, Page
from tests.fakes import FakeExecutor

TEST = {"input": "add(5, 3)", "expected_output": "8"}


def use(who: str = "") -> tuple[int, float]:
    """Return today's executions and CPU seconds."""
    row = DailyUse.objects.filter(day=timezone.now().date(), who=who).first()
    return (0, 0.0) if row is None else (row.executions, row.cpu_seconds)


def running(key: ApiKey, count: int, age: timedelta = timedelta()) -> None:
    """Create executions that have not ended."""
    rows = [Execution(key=key, code="1", timeout=5, client_address="192.0.2.1") for _ in range(count)]
    for row in Execution.objects.bulk_create(rows):
        Execution.objects.filter(pk=row.pk).update(created=timezone.now() - age)


def test_execution_is_charged_the_cpu_time_of_all_its_runs(page: Page) -> None:
    page.run(test_cases=[TEST, TEST])  # 0.125 seconds for the program, 0.25 for each test case
    assert use() == use("address:127.0.0.1") == (1, 0.625)
    assert Execution.objects.get().total_cpu_seconds == 0.625
    page.run()
    assert use() == (2, 0.75)


@pytest.mark.parametrize("status", [RunStatus.ERROR, RunStatus.TIMEOUT, RunStatus.MEMORY_LIMIT, RunStatus.OUTPUT_LIMIT])
def test_failing_program_is_charged(page: Page, executor: FakeExecutor, status: RunStatus) -> None:
    executor.main = Run(status, cpu_seconds=1.25)
    page.run()
    assert use() == (1, 1.25)


@pytest.mark.parametrize("error", [SandboxBusy("x"), SandboxUnavailable("x"), RunLost("x"), ValueError("a bug")])
def test_failure_of_the_service_is_not_charged(page: Page, executor: FakeExecutor, error: SandboxError) -> None:
    executor.error = error
    assert page.run().status_code in (500, 503)
    assert use() == use("address:127.0.0.1") == (0, 0)


def test_refused_request_is_not_charged(page: Page) -> None:
    ApiKey.objects.update(rate="1/d")
    page.run()
    for refused in (page.run(), page.run(""), page.post({"code": "1"}, origin="https://evil.example")):
        assert refused.status_code in (400, 403, 429)
    assert use() == (1, 0.125)


def test_execution_that_died_with_its_process_is_not_charged(page: Page) -> None:
    ApiKey.objects.update(executions_per_day=2)
    running(page.key, 2)
    assert page.run().status_code == 429
    recover_interrupted()
    assert [page.run().status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    ("limits", "code", "policy", "sentence"),
    [
        ({"executions_per_day": 2}, "executions_used_up", '"executions";q=2;w=86400', "its 2 executions for today"),
        (
            {"cpu_seconds_per_day": 1},
            "cpu_used_up",
            '"cpu";q=1;w=86400;qu="cpu-seconds"',
            "its 1 CPU seconds for today",
        ),
    ],
)
def test_used_up_daily_quota_is_a_429_with_the_remaining_time(
    page: Page, executor: FakeExecutor, limits: dict[str, int], code: str, policy: str, sentence: str
) -> None:
    ApiKey.objects.update(**limits)
    executor.main = Run(RunStatus.SUCCESS, cpu_seconds=0.5)
    assert [page.run().status_code for _ in range(2)] == [200, 200]
    response = page.run()
    assert (response.status_code, response.json()["code"]) == (429, code)
    assert sentence in response.json()["detail"]
    assert response["RateLimit-Policy"] == policy
    left = datetime.combine(timezone.now().date() + timedelta(days=1), datetime.min.time(), UTC) - timezone.now()
    assert abs(int(response["Retry-After"]) - left.total_seconds()) < 10
    assert len(executor.submissions) == 2
    assert Execution.objects.count() == 2


def test_quota_is_full_again_at_midnight_utc(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    ApiKey.objects.update(executions_per_day=1)
    midnight = datetime(2027, 3, 28, tzinfo=UTC)  # the night in which European clocks change
    answers = []
    for seconds in (-7200, -1, 0, 3600, 86399, 86400):
        monkeypatch.setattr(timezone, "now", lambda seconds=seconds: midnight + timedelta(seconds=seconds))
        answers.append(page.run().status_code)
    assert answers == [200, 429, 200, 429, 429, 200]


def test_execution_is_charged_to_the_day_on_which_it_began(
    page: Page, executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([datetime(2027, 1, 1, 0, 0, tzinfo=UTC) + timedelta(hours=hours) for hours in range(24)])
    before = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    executor.meanwhile = lambda: monkeypatch.setattr(timezone, "now", lambda: next(times))
    monkeypatch.setattr(timezone, "now", lambda: before)
    page.run()
    assert set(DailyUse.objects.values_list("day", "executions")) == {(before.date(), 1)}


def test_more_concurrent_requests_than_the_limit_are_a_429(page: Page) -> None:
    ApiKey.objects.update(max_concurrent=3)
    running(page.key, 2)
    assert page.run().status_code == 200
    running(page.key, 1)
    response = page.run()
    assert (response.status_code, response.json()["code"]) == (429, "concurrency_limited")
    assert response["RateLimit-Policy"] == '"concurrent";q=3;qu="concurrent-requests"'
    assert 5 <= int(response["Retry-After"]) <= 8  # within its time limit of 5 seconds, one of them ends


def test_execution_without_a_recorded_end_stops_counting(page: Page) -> None:
    ApiKey.objects.update(max_concurrent=1)
    running(page.key, 5, timedelta(minutes=7))
    assert page.run().status_code == 200


def test_other_keys_have_their_own_quotas(page: Page) -> None:
    ApiKey.objects.update(max_concurrent=1, executions_per_day=1)
    running(page.key, 1)
    _, token = create_key("Other", "publishable", [ORIGIN])
    assert page.run().status_code == 429
    assert page.post({"code": "1"}, x_api_key=token).status_code == 200


def test_keys_of_a_family_share_one_quota(page: Page) -> None:
    other, token = create_key("Next", "publishable", [ORIGIN])
    ApiKey.objects.filter(pk=other.pk).update(family=page.key.family)
    ApiKey.objects.update(executions_per_day=1)
    assert page.run().status_code == 200
    assert page.post({"code": "1"}, x_api_key=token).json()["code"] == "executions_used_up"


def test_each_learner_has_an_account_unless_a_page_claims_it(page: Page) -> None:
    _, token = create_key("Server", "secret", [])
    for learner in ("ada", "bob", "ada"):
        page.post({"code": "1", "learner": learner}, x_api_key=token, origin=None)
    page.run(learner="ada")  # claimed by a page and not trusted
    assert use("learner:ada") == (2, 0.25)
    assert use("learner:bob") == (1, 0.125)
    assert use("address:127.0.0.1") == (1, 0.125)


def test_changed_limit_applies_at_once(page: Page) -> None:
    ApiKey.objects.update(executions_per_day=1)
    assert [page.run().status_code for _ in range(2)] == [200, 429]
    ApiKey.objects.update(executions_per_day=2)
    assert [page.run().status_code for _ in range(2)] == [200, 429]


def test_row_that_another_process_creates_first_is_used(page: Page) -> None:
    DailyUse.objects.create(family=page.key.family, day=timezone.now().date(), who="", executions=7)
    DailyUse.objects.create(family=uuid.uuid4(), day=timezone.now().date(), who="", executions=9)
    assert page.run().status_code == 200
    assert DailyUse.objects.get(family=page.key.family, who="").executions == 8
