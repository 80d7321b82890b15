"""`GET /executions/{id}` returns a recorded execution to the site's server."""

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apikeys.keys import create_key
from apikeys.models import ApiKey
from executions.models import Execution
from executions.running.hint_sentences import HINTS
from executions.sandbox.results import ErrorDetail, Hint, Run, RunStatus
from tests.conftest import ORIGIN, Page
from tests.fakes import FakeExecutor


@pytest.fixture
def server(page: Page) -> Page:
    key, token = create_key("Server", "secret", [])
    return Page(key, token, Client(raise_request_exception=False))


def get(page: Page, public_id: object, **headers: str) -> Any:
    return page.client.get(f"/executions/{public_id}", headers={"X-API-Key": page.token, **headers})


def run(page: Page, **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = page.post({"code": "print('Hello')", **fields}, origin=None).json()
    return answer


def test_stored_answer_equals_the_original_answer(server: Page) -> None:
    tests = [{"input": "add(5, 3)", "expected_output": "8"}, {"code": "print(1)", "hidden": True}]
    given = run(server, learner="ada", exercise="loops-1", test_cases=tests)
    response = get(server, given["id"])
    stored = response.json()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert (stored["learner"], stored["exercise"]) == ("ada", "loops-1")
    assert stored["created"] <= stored["finished"]
    assert {name: stored[name] for name in given} == given
    assert stored.keys() - given.keys() == {"learner", "exercise", "created", "finished"}


def test_error_detail_is_kept(server: Page, executor: FakeExecutor) -> None:
    detail = ErrorDetail("ZeroDivisionError", "division by zero", 1, 7, 12, "print(1 / 0)")
    executor.main = Run(RunStatus.ERROR, stderr="Traceback", exit_code=1, detail=detail, hint=Hint("division"))
    given = run(server)
    assert given["error_detail"] == asdict(detail) | {"hint": HINTS["division"]}
    assert get(server, given["id"]).json()["error_detail"] == given["error_detail"]


def test_running_execution_has_the_status_running(server: Page) -> None:
    record = Execution.objects.create(key=server.key, code="1", timeout=5)
    stored = get(server, record.public_id).json()
    assert (stored["status"], stored["output"], stored["finished"]) == ("running", "", None)


def test_another_keys_id_answers_like_an_unknown_one(page: Page, server: Page) -> None:
    theirs = page.run().json()["id"]
    staffs = Execution.objects.create(code="1", timeout=5).public_id
    answers = [get(server, each) for each in (theirs, staffs, uuid.uuid4())]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json() == {"detail": "There is nothing at this address.", "code": "not_found"}


def test_rotated_key_reads_executions_of_the_old_one(page: Page, server: Page) -> None:
    other, token = create_key("Next", "secret", [])
    ApiKey.objects.filter(pk=other.pk).update(family=server.key.family)
    successor = Page(other, token, server.client)
    assert get(successor, run(server)["id"]).status_code == 200


def test_only_a_secret_key_reads_executions(page: Page, server: Page) -> None:
    ApiKey.objects.filter(pk=server.key.pk).update(origins=[ORIGIN])
    minted = server.client.post(
        "/tokens", {"learner": "ada"}, content_type="application/json", headers={"X-API-Key": server.token}
    ).json()["token"]
    for token in (page.token, minted):
        response = get(Page(page.key, token, page.client), run(server)["id"], Origin=ORIGIN)
        assert (response.status_code, response.json()["code"]) == (403, "secret_key_required")


@pytest.mark.parametrize("path", ["x", "", "../admin/", "1", "00000000-0000-0000-0000-00000000000g"])
def test_malformed_id_is_a_404(server: Page, path: str) -> None:
    assert get(server, path).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_writing_to_an_execution_is_a_405(server: Page, method: str) -> None:
    response = getattr(server.client, method)(f"/executions/{uuid.uuid4()}", headers={"X-API-Key": server.token})
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"


def test_reading_faster_than_the_rate_is_refused(server: Page) -> None:
    given = run(server)["id"]
    ApiKey.objects.filter(pk=server.key.pk).update(rate="2/h")
    assert [get(server, given).status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
def test_times_are_utc_and_ids_in_their_order(server: Page, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """Across a leap day, the end of a year, and an hour that local clocks show twice."""
    moments = ["2028-02-29T23:59:59.900", "2028-03-01T00:00:00.100", "2028-11-05T05:59:59", "2028-11-05T06:00:01"]
    moments += ["2028-12-31T23:59:59.900", "2029-01-01T00:00:00.100"]
    with timezone.override(zone):
        for moment in moments:
            now = datetime.fromisoformat(f"{moment}+00:00")
            monkeypatch.setattr(timezone, "now", lambda now=now: now)
            run(server)
    by_id = list(Execution.objects.order_by("id"))
    times = [get(server, each.public_id).json()["created"] for each in by_id]
    assert times == [f"{moment}000Z" if "." in moment else f"{moment}Z" for moment in moments]
