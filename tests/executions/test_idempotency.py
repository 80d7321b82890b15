"""A request that is sent again with the same `Idempotency-Key` gets the answer to the first one."""

import json
import uuid
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apikeys.keys import create_key
from apikeys.models import ApiKey, DailyUse
from apikeys.tokens import mint_learner_token
from executions.models import Execution, IdempotentRequest
from executions.records import kept
from executions.records.idempotency import InProgress, claim
from executions.records.kept import KEPT_FOR
from executions.records.late_records import LateRecords
from executions.records.retention import erase_learner
from executions.records.servers import renew
from executions.running.backend import get_backend
from executions.sandbox.results import Image, RunLost, SandboxBusy
from tests.conftest import ORIGIN, Page, database_fails
from tests.executions.test_background import BODY, run_all
from tests.fakes import FakeExecutor

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
REPLAYED = "Idempotent-Replayed"


@pytest.fixture
def server(page: Page) -> Page:
    key, token = create_key("Server", "secret", [])
    return Page(key, token, Client(raise_request_exception=False))


def send(
    by: Page, code: str = "print('Hello')", path: str = "/execute", idempotency_key: str = KEY, **more: Any
) -> Any:
    headers = {"X-API-Key": by.token, "Idempotency-Key": idempotency_key}
    origin = {"Origin": ORIGIN} if by.key.origins else {}
    client = {"REMOTE_ADDR": more.pop("address", "127.0.0.1")}
    body = json.dumps({"code": code, **more})
    return by.client.post(path, body, "application/json", headers={**headers, **origin}, **client)


def refusal(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_a_program_runs_once(server: Page, executor: FakeExecutor) -> None:
    executor.main = replace(executor.main, images=(Image(b"png", 4, 3),), images_dropped=1)
    first = send(server, **BODY)
    again = send(server, **BODY)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["trace"]
    assert first.json()["images"]
    assert again.json() == first.json()
    assert (REPLAYED in first, again[REPLAYED]) == (False, "true")
    assert len(executor.submissions) == 1
    assert dict(DailyUse.objects.values_list("who", "executions"))[""] == 1
    assert "RateLimit" in again


def test_a_program_in_the_background_is_accepted_once(server: Page) -> None:
    first, again = (send(server, path="/executions") for _ in range(2))
    run_all()
    later = send(server, path="/executions")
    for each in (again, later):
        assert (each.status_code, each.content) == (202, first.content)
        assert each["Location"] == first["Location"]
        assert each[REPLAYED] == "true"
    assert Execution.objects.count() == 1


def test_without_the_header_each_request_runs(server: Page, executor: FakeExecutor) -> None:
    for _ in range(2):
        assert server.post({"code": "1"}, origin=None).status_code == 200
    assert len(executor.submissions) == 2
    assert not IdempotentRequest.objects.exists()


def test_the_key_of_another_request_is_refused(server: Page) -> None:
    send(server)
    assert refusal(send(server, "print(2)")) == (422, "idempotency_key_reused")
    assert refusal(send(server, path="/executions")) == (422, "idempotency_key_reused")
    assert send(server, "print(2)", idempotency_key="another").status_code == 200
    assert Execution.objects.count() == 2


def test_the_order_and_spaces_of_json_do_not_matter(server: Page, executor: FakeExecutor) -> None:
    for body in (b'{"code": "1", "timeout": 2}', b'{"timeout":2,"code":"1"}'):
        assert server.post(body, origin=None, idempotency_key=KEY).status_code == 200
    assert len(executor.submissions) == 1


def test_a_request_that_comes_too_early_waits(server: Page, executor: FakeExecutor) -> None:
    renew()
    early: list[Any] = []
    executor.meanwhile = lambda: early.append(copy_context().run(send, server))
    assert send(server).status_code == 200
    assert refusal(early[0]) == (409, "request_in_progress")
    assert int(early[0]["Retry-After"]) >= 1
    assert Execution.objects.count() == 1
    assert send(server)[REPLAYED] == "true"


@pytest.mark.parametrize("error", [SandboxBusy("full"), RunLost("gone"), ValueError("a bug")])
def test_an_error_is_not_kept(server: Page, executor: FakeExecutor, error: Any) -> None:
    executor.error = error
    assert send(server).status_code in (500, 503)
    executor.error = None
    response = send(server)
    assert (response.status_code, REPLAYED in response) == (200, False)


def test_a_refusal_is_not_kept(server: Page) -> None:
    ApiKey.objects.update(max_concurrent=0)
    for path in ("/execute", "/executions"):
        assert send(server, path=path).status_code == 429
    ApiKey.objects.update(max_concurrent=9)
    assert send(server).status_code == 200


def test_invalid_request_does_not_use_up_the_key(server: Page) -> None:
    assert send(server, "").status_code == 400
    assert send(server).status_code == 200


@pytest.mark.parametrize("key", ["", "with space", "é", "x" * 256, "tab\t"])
def test_an_invalid_key_is_refused(server: Page, executor: FakeExecutor, key: str) -> None:
    response = send(server, idempotency_key=key)
    assert refusal(response) == (400, "invalid")
    assert response.json()["fields"].keys() == {"Idempotency-Key"}
    assert executor.submissions == []


def test_the_longest_key_is_valid(server: Page) -> None:
    assert send(server, idempotency_key="x" * 255).status_code == 200


def test_event_stream_with_an_idempotency_key_is_refused(server: Page, executor: FakeExecutor) -> None:
    response = server.post({"code": "1"}, origin=None, accept="text/event-stream", idempotency_key=KEY)
    assert response.json()["fields"] == {
        "Idempotency-Key": "Not allowed with an event stream, whose events cannot be sent again."
    }
    assert executor.submissions == []


# Whose key it is


def test_other_callers_never_get_the_answer(page: Page, server: Page, executor: FakeExecutor) -> None:
    other, token = create_key("Other", "secret", [])
    ada, bob = (str(mint_learner_token(server.key, learner, 600)) for learner in ("ada", "bob"))
    ApiKey.objects.filter(pk=server.key.pk).update(origins=[ORIGIN])
    server.key.refresh_from_db()
    callers: list[Callable[[], Any]] = [
        lambda: send(Page(other, token, page.client)),
        lambda: send(server),
        lambda: send(page),
        lambda: send(page, address="192.0.2.1"),
        lambda: send(Page(server.key, ada, page.client)),
        lambda: send(Page(server.key, bob, page.client)),
    ]
    ids = [call().json()["id"] for call in callers]
    assert len(set(ids)) == len(callers)
    assert [call().json()["id"] for call in callers] == ids


def test_a_rotated_key_and_another_address_are_the_same_server(server: Page) -> None:
    first = send(server).json()
    other, token = create_key("Next", "secret", [])
    ApiKey.objects.filter(pk=other.pk).update(family=server.key.family)
    assert send(Page(other, token, server.client), address="192.0.2.7").json() == first


# What becomes of it


def test_idempotency_key_is_forgotten_after_an_hour(server: Page) -> None:
    first = send(server).json()
    IdempotentRequest.objects.update(created=timezone.now() - KEPT_FOR)
    assert send(server).json()["id"] != first["id"]
    IdempotentRequest.objects.update(created=timezone.now() - KEPT_FOR)
    kept.forget_old()
    assert not IdempotentRequest.objects.exists()


def test_idempotency_key_is_erased_with_the_learner(server: Page) -> None:
    first = send(server, learner="ada").json()
    erase_learner("ada")
    assert not IdempotentRequest.objects.exists()
    assert send(server, learner="ada").json()["id"] != first["id"]


@pytest.mark.parametrize("is_own", [True, False])
def test_nobody_counts_as_dead_after_an_outage_of_the_database(
    server: Page, executor: FakeExecutor, is_own: bool
) -> None:
    """No process has renewed its row for a while then: the program of one that lives ran twice."""
    get_backend().heartbeat.may_judge = is_own
    send(server)
    others = {} if is_own else {"server": uuid.uuid4()}
    IdempotentRequest.objects.update(execution=None, **others)
    assert refusal(send(server)) == (409, "request_in_progress")
    assert len(executor.submissions) == 1


def test_the_key_of_a_dead_process_is_taken_over(server: Page) -> None:
    get_backend().heartbeat.may_judge = True
    send(server)
    IdempotentRequest.objects.update(execution=None, server=uuid.uuid4())
    response = send(server)
    assert (response.status_code, REPLAYED in response) == (200, False)
    assert send(server)[REPLAYED] == "true"


@pytest.mark.django_db(transaction=True)
def test_a_key_that_was_never_released_is_taken_over(server: Page, executor: FakeExecutor) -> None:
    renew()
    executor.error = SandboxBusy("full")
    with database_fails('DELETE FROM "executions_idempotentrequest" WHERE ("executions_idempotentrequest"."created" ='):
        assert send(server).status_code == 503
    executor.error = None
    assert refusal(send(server)) == (409, "request_in_progress")
    IdempotentRequest.objects.update(created=timezone.now() - timedelta(minutes=6, seconds=1))
    assert send(server).status_code == 200


def test_only_one_request_takes_over_an_abandoned_key(server: Page) -> None:
    IdempotentRequest.objects.create(name="n", fingerprint="f", server=uuid.uuid4(), created=timezone.now())

    def be_faster(run: Any, sql: str, *arguments: Any) -> Any:
        if 'FROM "executions_server"' in sql:  # asks whether the first one is alive
            IdempotentRequest.objects.update(server=uuid.uuid4())
        return run(sql, *arguments)

    with connection.execute_wrapper(be_faster), pytest.raises(InProgress):
        claim("n", "f")


def test_an_interrupted_execution_is_tried_again(server: Page) -> None:
    send(server)
    Execution.objects.update(status="internal_error")
    response = send(server)
    assert (response.status_code, REPLAYED in response) == (200, False)


def test_an_answer_whose_record_is_late_is_not_repeated_yet(server: Page) -> None:
    first = send(server).json()
    Execution.objects.update(status="running")
    assert refusal(send(server)) == (409, "request_in_progress")
    Execution.objects.update(status="success")
    assert send(server).json() == first


def test_nothing_runs_without_the_database(server: Page, executor: FakeExecutor) -> None:
    with database_fails('INSERT INTO "executions_idempotentrequest"'):
        assert refusal(send(server)) == (503, "unavailable")
    assert executor.submissions == []


@pytest.mark.django_db(transaction=True)
def test_answer_is_sent_even_if_it_cannot_be_kept(server: Page, executor: FakeExecutor) -> None:
    get_backend().late_records = LateRecords(pauses_seconds=())
    with database_fails('UPDATE "executions_idempotentrequest"'):
        assert send(server).status_code == 200
    assert len(executor.submissions) == 1
