"""`POST /executions/batch` accepts many programs, each for itself."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apikeys.keys import create_key
from apikeys.models import ApiKey, DailyUse, Suspension, WebhookSecret
from apikeys.webhook_secrets import make_secret
from executions.bounds import BATCH
from executions.models import Execution
from executions.running.backend import get_backend
from executions.running.jobs import Jobs
from tests.conftest import ORIGIN, Page, database_fails
from tests.executions.test_background import get, run_all
from tests.fakes import FakeExecutor

PROGRAM = {"code": "print('Hello')"}


@pytest.fixture
def server(page: Page) -> Page:
    key, token = create_key("Server", "secret", [])
    return Page(key, token, Client(raise_request_exception=False))


def send(by: Page, body: Any, **headers: str) -> Any:
    sent = {"X-API-Key": by.token, **headers}
    return by.client.post("/executions/batch", json.dumps(body), "application/json", headers=sent)


def submit(by: Page, *programs: Any, **headers: str) -> list[dict[str, Any]]:
    response = send(by, {"executions": programs}, **headers)
    assert response.status_code == 202, response.content
    found: list[dict[str, Any]] = response.json()["executions"]
    assert len(found) == len(programs)
    assert all((each["id"] is None) != (each["error"] is None) for each in found)
    return found


def codes(found: list[dict[str, Any]]) -> list[str | None]:
    """Return the code of each error, None for what was accepted."""
    return [each["error"] and each["error"]["code"] for each in found]


def test_all_programs_run_in_order(server: Page, executor: FakeExecutor) -> None:
    found = submit(server, *({"code": f"print({number})", "learner": "ada"} for number in range(3)))
    assert codes(found) == [None] * 3
    run_all()
    assert [each.code for each in executor.submissions] == ["print(0)", "print(1)", "print(2)"]
    assert [get(server, each["id"]).json()["status"] for each in found] == ["success"] * 3
    assert dict(DailyUse.objects.values_list("who", "executions")) == {"": 3, "learner:ada": 3}


def test_refused_program_does_not_refuse_the_others(server: Page) -> None:
    Suspension.objects.create(key=server.key, learner="eve", reason="a test")
    programs = [
        PROGRAM,
        {"code": ""},
        {**PROGRAM, "learner": "eve"},
        {**PROGRAM, "interactive": True},
        7,
        None,
        PROGRAM,
    ]
    found = submit(server, *programs)
    assert codes(found) == [None, "invalid", "suspended", "invalid", "invalid", "invalid", None]
    assert found[1]["error"] == {
        "detail": "code: Must not be empty.",
        "code": "invalid",
        "fields": {"code": "Must not be empty."},
    }
    assert Execution.objects.count() == 2


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ({"rate": "2/h"}, "rate_limited"),
        ({"learner_rate": "2/h"}, "learner_rate_limited"),
        ({"max_concurrent": 2}, "concurrency_limited"),
        ({"executions_per_day": 2}, "executions_used_up"),
    ],
)
def test_each_program_counts(server: Page, limit: dict[str, Any], code: str) -> None:
    ApiKey.objects.update(**limit)
    found = submit(server, *[{**PROGRAM, "learner": "ada"}] * 4)
    assert codes(found) == [None, None, code, code]
    assert "Try again in" in found[2]["error"]["detail"]


def test_limit_of_one_program_is_not_shown_as_that_of_the_batch(server: Page) -> None:
    ApiKey.objects.update(learner_rate="1/h")
    response = send(server, {"executions": [{**PROGRAM, "learner": "ada"}] * 2})
    assert codes(response.json()["executions"]) == [None, "learner_rate_limited"]
    assert "learner" not in response["RateLimit"]


def test_invalid_programs_count_against_the_rates(server: Page) -> None:
    ApiKey.objects.update(rate="2/h")
    assert codes(submit(server, {"code": ""}, {"code": ""}, PROGRAM)) == ["invalid", "invalid", "rate_limited"]


def test_batches_have_a_rate_of_their_own(server: Page) -> None:
    ApiKey.objects.update(rate="1/h")
    submit(server, PROGRAM)
    refused = send(server, {"executions": [PROGRAM]})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")


def test_program_without_a_free_place_is_refused(server: Page) -> None:
    get_backend().jobs = Jobs(most_waiting=2)
    assert codes(submit(server, *[PROGRAM] * 3)) == [None, None, "unavailable"]


def test_database_error_refuses_only_the_program_that_it_affects(server: Page) -> None:
    with database_fails('INSERT INTO "executions_execution"', times=1):
        assert codes(submit(server, PROGRAM, PROGRAM)) == ["unavailable", None]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "executions"),
        ({"executions": []}, "executions"),
        ({"executions": None}, "executions"),
        ({"executions": PROGRAM}, "executions"),
        ({"executions": [PROGRAM] * (BATCH + 1)}, "executions"),
        ({"executions": [PROGRAM], "learner": "ada"}, "learner"),
    ],
)
def test_invalid_body_is_refused(server: Page, body: Any, field: str) -> None:
    refused = send(server, body)
    assert refused.status_code == 400
    assert refused.json()["fields"].keys() == {field}
    assert not Execution.objects.exists()


def test_the_largest_batch_is_accepted(server: Page) -> None:
    assert codes(submit(server, *[PROGRAM] * BATCH)) == [None] * BATCH
    assert len(get_backend().jobs) == BATCH


def test_all_programs_together_fit_in_one_body(server: Page, settings: Settings) -> None:
    assert send(server, {"executions": [{"code": "#" * settings.LONGEST_BODY_BYTES}]}).status_code == 413


def test_one_query_serves_for_all_webhooks(server: Page) -> None:
    ApiKey.objects.filter(pk=server.key.pk).update(webhook_hosts=["example.org"])
    make_secret(server.key, server.key.created)
    with CaptureQueriesContext(connection) as queries:
        found = submit(server, *[PROGRAM | {"webhook": "https://example.org/hook"}] * 3)
    assert codes(found) == [None] * 3
    assert len([each for each in queries if WebhookSecret._meta.db_table in each["sql"]]) == 1


def test_a_batch_is_accepted_once(server: Page) -> None:
    first = submit(server, PROGRAM, {"code": ""}, **{"Idempotency-Key": "mine"})
    run_all()
    assert submit(server, PROGRAM, {"code": ""}, **{"Idempotency-Key": "mine"}) == first
    assert Execution.objects.count() == 1
    other = send(server, {"executions": [PROGRAM]}, **{"Idempotency-Key": "mine"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_page_cannot_send_a_batch(page: Page) -> None:
    refused = send(page, {"executions": [PROGRAM]}, Origin=ORIGIN)
    assert (refused.status_code, refused.json()["code"]) == (403, "secret_key_required")
    assert "POST /execute" in refused.json()["detail"]
