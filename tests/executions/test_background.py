"""`POST /executions` accepts a program that runs in the background; `GET /executions/{id}` returns its answer."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextvars import copy_context
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apikeys.keys import create_key
from apikeys.models import ApiKey, DailyUse, Suspension
from codeexec.start import forget_kept
from executions.bounds import LONGEST_POLL_SECONDS
from executions.models import Execution, KeptResult
from executions.records import kept
from executions.records.kept import KEPT_FOR
from executions.records.retention import erase_learner
from executions.records.servers import recover_interrupted
from executions.running import jobs
from executions.running.backend import get_backend
from executions.running.jobs import Job, Jobs
from executions.running.polls import Polls
from executions.sandbox.results import File, Image, Outcome, Party, RunLost, SandboxBusy, SandboxUnavailable, Submission
from executions.sandbox.timing import Deadline
from tests.conftest import ORIGIN, Page, database_fails
from tests.fakes import FakeExecutor
from tests.waiting import eventually

IMAGE = Image(b"png", 4, 3)
BODY: dict[str, Any] = {
    "code": "print('Hello')",
    "learner": "ada",
    "files": [{"name": "a.txt", "text": "a"}],
    "test_cases": [
        {"input": "add(5, 3)", "expected_output": "8", "points": 2, "on_pass": "Well done."},
        {"code": "print(8)", "expected_output": "8", "hidden": True, "points": 1, "group": "all"},
        {"uses": ["for"]},
    ],
    "trace": True,
    "exercise": "loops-1",
    "locale": "de",
}


@pytest.fixture
def server(page: Page) -> Page:
    key, token = create_key("Server", "secret", [])
    return Page(key, token, Client(raise_request_exception=False))


def submit(by: Page, **fields: Any) -> Any:
    body = json.dumps({"code": "print('Hello')", **fields})
    return by.client.post("/executions", body, "application/json", headers={"X-API-Key": by.token})


def get(by: Page, public_id: object, query: str = "") -> Any:
    return by.client.get(f"/executions/{public_id}{query}", headers={"X-API-Key": by.token})


def run_all() -> None:
    """Run what waits, in this thread."""
    while get_backend().jobs.run_next():
        pass


def test_an_accepted_program_runs_later(server: Page, executor: FakeExecutor) -> None:
    response = submit(server)
    assert response.status_code == 202
    given = response.json()
    assert given == {"id": given["id"], "status": "running"}
    assert response["Location"] == f"/executions/{given['id']}"
    assert response["Cache-Control"] == "no-store"
    assert executor.submissions == []
    stored = get(server, given["id"]).json()
    assert (stored["status"], stored["output"], stored["finished"]) == ("running", "", None)
    run_all()
    stored = get(server, given["id"]).json()
    assert (stored["status"], stored["output"]) == ("success", "Hello\n")
    assert stored["created"] <= stored["finished"]


def test_metrics_count_waiting_programs(server: Page, settings: Settings) -> None:
    settings.METRICS_ALLOWED_IPS = ["127.0.0.1"]
    submit(server)
    submit(server)
    assert b"codeexec_background_waiting 2.0\n" in server.client.get("/metrics").content
    run_all()
    assert b"codeexec_background_waiting 0.0\n" in server.client.get("/metrics").content


def test_the_answer_is_that_of_execute(server: Page, executor: FakeExecutor) -> None:
    executor.main = replace(executor.main, images=(IMAGE,), images_dropped=2)
    executor.test = replace(executor.test, images=(IMAGE,))
    given = submit(server, **BODY).json()["id"]
    run_all()
    stored = get(server, given).json()
    answer = server.post(BODY, origin=None).json()
    assert answer["trace"]
    assert answer["images"]
    assert {name: stored[name] for name in answer} == {**answer, "id": given}
    assert "bestanden" in stored["test_results"][0]["message"]
    assert stored.keys() - answer.keys() == {"learner", "exercise", "created", "finished"}
    later, at_once = executor.submissions
    assert later == at_once


def test_background_program_is_charged_and_recorded_like_any_other(server: Page) -> None:
    submit(server, learner="ada")
    run_all()
    record = Execution.objects.get()
    assert (record.key_id, record.learner, record.client_address) == (server.key.pk, "ada", "127.0.0.1")
    assert record.total_cpu_seconds == 0.125
    assert dict(DailyUse.objects.values_list("who", "executions")) == {"": 1, "learner:ada": 1}


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ({"max_concurrent": 1}, "concurrency_limited"),
        ({"executions_per_day": 1}, "executions_used_up"),
        ({"rate": "1/h"}, "rate_limited"),
        ({"learner_rate": "1/h"}, "learner_rate_limited"),
    ],
)
def test_the_limits_of_execute_hold(server: Page, limit: dict[str, Any], code: str) -> None:
    ApiKey.objects.update(**limit)
    assert submit(server, learner="ada").status_code == 202
    refused = submit(server, learner="ada")
    assert (refused.status_code, refused.json()["code"]) == (429, code)
    assert "Retry-After" in refused
    assert Execution.objects.count() == 1
    assert len(get_backend().jobs) == 1


def test_a_suspended_learner_is_refused(server: Page) -> None:
    Suspension.objects.create(key=server.key, learner="ada", reason="a test")
    refused = submit(server, learner="ada")
    assert (refused.status_code, refused.json()["code"]) == (403, "suspended")
    assert submit(server, learner="bob").status_code == 202


def test_a_page_is_told_what_it_can_do(page: Page, server: Page) -> None:
    ApiKey.objects.filter(pk=server.key.pk).update(origins=[ORIGIN])
    minted = server.client.post("/tokens", {"learner": "ada"}, "application/json", headers={"X-API-Key": server.token})
    for token in (page.token, minted.json()["token"]):
        headers = {"X-API-Key": token, "Origin": ORIGIN}
        refused = page.client.post("/executions", {"code": "1"}, "application/json", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "secret_key_required")
        assert "POST /execute" in refused.json()["detail"]
    assert not Execution.objects.exists()


def test_background_program_accepts_no_input(server: Page) -> None:
    refused = submit(server, interactive=True)
    assert refused.json()["fields"] == {"interactive": "Unknown field."}


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_other_methods_are_a_405(server: Page, method: str) -> None:
    refused = getattr(server.client, method)("/executions", headers={"X-API-Key": server.token})
    assert (refused.status_code, refused["Allow"]) == (405, "POST")


def test_number_of_waiting_programs_is_bounded(server: Page) -> None:
    get_backend().jobs = Jobs(most_waiting=2)
    assert [submit(server).status_code for _ in range(2)] == [202, 202]
    refused = submit(server)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert "Retry-After" in refused
    assert Execution.objects.count() == 2
    get_backend().jobs.run_next()
    assert submit(server).status_code == 202


def test_a_refused_request_takes_no_place(server: Page) -> None:
    get_backend().jobs = Jobs(most_waiting=1)
    ApiKey.objects.update(max_concurrent=0)
    assert [submit(server).status_code for _ in range(3)] == [429] * 3
    ApiKey.objects.update(max_concurrent=9)
    assert submit(server).status_code == 202


def test_the_learners_take_turns(server: Page, executor: FakeExecutor) -> None:
    for code in ("a1", "a2", "a3"):
        submit(server, code=code, learner="ada")
    submit(server, code="b1", learner="bob")
    run_all()
    assert [each.code for each in executor.submissions] == ["a1", "b1", "a2", "a3"]


# What goes wrong


def failing(executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> None:
    """Let the next executions fail."""
    run, left = executor.execute, list(errors)

    def fail_first(submission: Submission) -> Outcome:
        if left:
            raise left.pop(0)
        return run(submission)

    monkeypatch.setattr(executor, "execute", fail_first)


def test_program_waits_while_the_sandbox_is_busy(
    server: Page, executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_backend().jobs = Jobs(pause_seconds=0)
    failing(executor, monkeypatch, SandboxBusy("full"), SandboxUnavailable("the engine is away"))
    given = submit(server).json()["id"]
    run_all()
    assert get(server, given).json()["status"] == "success"


def test_program_that_waits_too_long_is_refused(
    server: Page, executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_backend().jobs = Jobs(longest_wait=timedelta(0))
    failing(executor, monkeypatch, *[SandboxBusy("full")] * 9)
    given = submit(server).json()["id"]
    run_all()
    stored = get(server, given).json()
    assert (stored["status"], stored["error"]) == ("refused", "Nothing ran: the service was busy or unavailable.")
    assert stored["finished"]
    assert dict(DailyUse.objects.values_list("who", "executions")).get("") == 0


def test_a_lost_run_is_an_internal_error(server: Page, executor: FakeExecutor) -> None:
    executor.error = RunLost("gone")
    given = submit(server).json()["id"]
    run_all()
    assert get(server, given).json()["status"] == "internal_error"
    assert len(executor.submissions) == 1


def test_program_waits_for_the_database(server: Page) -> None:
    get_backend().jobs = Jobs(pause_seconds=0)
    given = submit(server).json()["id"]
    with database_fails("SELECT", times=2):
        run_all()
    assert get(server, given).json()["status"] == "success"


def test_program_does_not_run_without_the_database(server: Page) -> None:
    get_backend().jobs = Jobs(longest_wait=timedelta(0))
    given = submit(server).json()["id"]
    with database_fails("SELECT"):
        run_all()
    stored = get(server, given).json()
    assert (stored["status"], stored["error"]) == ("refused", jobs.STOPPED)


def test_erased_or_abandoned_program_does_not_run(server: Page, executor: FakeExecutor) -> None:
    submit(server, learner="ada")
    erase_learner("ada")
    given = submit(server, learner="bob").json()["id"]
    assert recover_interrupted() == 1
    run_all()
    assert executor.submissions == []
    assert get(server, given).json()["status"] == "internal_error"


def test_the_executions_of_a_dead_process_are_internal_errors(server: Page) -> None:
    given = submit(server).json()["id"]
    Execution.objects.update(server=uuid.uuid4())
    recover_interrupted()
    assert get(server, given).json()["error"] == "The service was interrupted while this program ran."


def test_program_that_never_started_is_recorded_as_refused(server: Page, executor: FakeExecutor) -> None:
    given = [submit(server).json()["id"] for _ in range(3)]
    get_backend().jobs.run_next()
    get_backend().jobs.close(0)
    stored = [get(server, each).json() for each in given]
    assert [each["status"] for each in stored] == ["success", "refused", "refused"]
    assert stored[1]["error"] == jobs.STOPPED
    assert stored[1]["finished"]
    assert submit(server).status_code == 503
    assert len(executor.submissions) == 1


# What is kept for a while


def run_with_image(by: Page, executor: FakeExecutor, **fields: Any) -> dict[str, Any]:
    executor.main = replace(executor.main, images=(IMAGE,))
    given = submit(by, **fields).json()["id"]
    run_all()
    stored: dict[str, Any] = get(by, given).json()
    return stored


def test_images_are_kept_for_an_hour(server: Page, executor: FakeExecutor) -> None:
    stored = run_with_image(server, executor)
    assert len(stored["images"]) == 1
    KeptResult.objects.update(created=timezone.now() - KEPT_FOR)
    assert get(server, stored["id"]).json()["images"] == []
    run_with_image(server, executor)
    assert KeptResult.objects.count() == 2
    kept.forget_old()
    assert KeptResult.objects.count() == 1


def test_collected_files_are_kept_as_images_are(server: Page, executor: FakeExecutor) -> None:
    executor.main = replace(executor.main, collected=(File("out.csv", b"x"),))
    shown = []
    for _ in range(2):
        given = submit(server, collect=["out.csv", "gone"]).json()["id"]
        run_all()
        stored = get(server, given).json()
        shown.append((stored["files"], stored["not_collected"]))
        KeptResult.objects.update(size_bytes=kept.MOST_BYTES)
    gone = {"name": "gone", "reason": "lost"}
    assert shown == [
        ([{"name": "out.csv", "text": "x", "base64": None}], [gone]),
        ([], [gone, {"name": "out.csv", "reason": "lost"}]),
    ]
    assert {submission.collect for submission in executor.submissions} == {("out.csv", "gone")}


def test_kept_bytes_of_a_key_are_bounded(server: Page, executor: FakeExecutor) -> None:
    first = run_with_image(server, executor)
    size = KeptResult.objects.get().size_bytes
    KeptResult.objects.update(size_bytes=kept.MOST_BYTES - size)  # leaves room for one more
    second = run_with_image(server, executor)
    third = run_with_image(server, executor)
    assert [len(each["images"]) for each in (first, second, third)] == [1, 1, 0]
    assert [each["images_dropped"] for each in (first, second, third)] == [0, 0, 1]
    other, token = create_key("Other", "secret", [])
    assert len(run_with_image(Page(other, token, server.client), executor)["images"]) == 1


def test_most_answers_need_no_row_of_their_own(server: Page) -> None:
    submit(server)
    server.post({**BODY, "code": "1"}, origin=None)
    run_all()
    assert not KeptResult.objects.exists()


def test_erasing_a_learner_erases_what_is_kept(server: Page, executor: FakeExecutor) -> None:
    run_with_image(server, executor, learner="ada")
    erase_learner("ada")
    assert not KeptResult.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_forgetting_survives_a_database_outage(server: Page, caplog: pytest.LogCaptureFixture) -> None:
    with database_fails("DELETE"), database_fails("SELECT"):
        forget_kept()
    assert "could not delete what was kept of answers: the database is away" in caplog.text


# Waiting for the end


def test_a_request_waits_for_the_end(server: Page) -> None:
    get_backend().polls = Polls(sleep=lambda seconds: run_all())
    given = submit(server).json()["id"]
    assert get(server, given, "?wait=30").json()["status"] == "success"


def test_request_waits_no_longer_than_asked(server: Page) -> None:
    given = submit(server).json()["id"]
    began = Deadline.after(0)
    assert get(server, given, "?wait=1").json()["status"] == "running"
    assert began.at + 1 <= Deadline.after(0).at


def test_request_does_not_wait_unasked_or_without_a_free_place(server: Page) -> None:
    waited: list[float] = []
    get_backend().polls = Polls(most=1, sleep=waited.append)
    given = submit(server).json()["id"]
    assert get(server, given).json()["status"] == "running"
    assert get(server, given, "?wait=0").json()["status"] == "running"
    assert waited == []
    inner: list[str] = []

    def ask_again(seconds: float) -> None:
        inner.append(copy_context().run(get, server, given, "?wait=30").json()["status"])
        run_all()

    get_backend().polls = Polls(most=1, sleep=ask_again)
    assert get(server, given, "?wait=30").json()["status"] == "success"
    assert inner == ["running"]


def test_wait_ends_when_the_client_disconnects(server: Page) -> None:
    looks = iter([False, True])
    waited: list[float] = []
    execution = Execution.objects.create(key=server.key, code="1", timeout=5)
    Polls(sleep=waited.append).wait(execution, 30, lambda: next(looks))
    assert len(waited) == 1


@pytest.mark.parametrize("wait", ["x", "-1", "1.5", "٣", "", str(LONGEST_POLL_SECONDS + 1), "9" * 5000])
def test_invalid_wait_is_refused(server: Page, wait: str) -> None:
    given = submit(server).json()["id"]
    refused = get(server, given, f"?wait={wait}")
    assert refused.status_code == 400
    assert refused.json()["fields"].keys() == {"wait"}


def test_the_longest_wait_is_valid(server: Page) -> None:
    given = submit(server).json()["id"]
    run_all()
    assert get(server, given, f"?wait={LONGEST_POLL_SECONDS}").status_code == 200


# The threads


@pytest.fixture
def started() -> Iterator[Jobs]:
    running = Jobs(most_threads=lambda: 3, pause_seconds=10)
    running.start()
    yield running
    running.close(0)
    running.join(5)


def hand_over(given: Jobs, run: Any) -> None:
    with given.reserve() as reservation:
        reservation.job = Job(Party("key", "caller"), 0, run)


@pytest.mark.django_db(transaction=True)
def test_jobs_run_beside_each_other_and_within_bounds(started: Jobs) -> None:
    lock, go_on = threading.Lock(), threading.Event()
    at_once: list[int] = []
    running = 0

    def job() -> None:
        nonlocal running
        with lock:
            running += 1
            at_once.append(running)
        go_on.wait(10)
        with lock:
            running -= 1

    for _ in range(9):
        hand_over(started, job)
    assert eventually(lambda: running == 3)
    assert len(started) == 6
    go_on.set()
    assert eventually(lambda: len(at_once) == 9)
    assert max(at_once) == 3


@pytest.mark.django_db(transaction=True)
def test_a_job_that_fails_ends_no_thread(started: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()

    def fail() -> None:
        raise ValueError("a bug")

    for _ in range(5):
        hand_over(started, fail)
    hand_over(started, done.set)
    assert done.wait(10)
    assert eventually(lambda: caplog.messages.count("a job failed") == 5)


@pytest.mark.django_db(transaction=True)
def test_jobs_run_although_no_thread_can_be_started(
    started: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    done = threading.Event()
    hand_over(started, done.set)
    assert done.wait(10)
    assert "no thread for a job" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_shutdown_waits_for_running_programs(started: Jobs) -> None:
    begun, ended = threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        started.pause()
        ended.set()

    hand_over(started, job)
    assert begun.wait(10)
    started.close(0)
    started.join(10)
    assert ended.is_set()
