"""The bounds on the size of a record and of an answer."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from apikeys.keys import create_key
from executions import bounds
from executions.models import Execution
from executions.sandbox.results import ErrorDetail, Run, RunStatus
from guest import reports
from tests.conftest import Page
from tests.fakes import EIGHT, FakeExecutor

KEPT_BYTES = 64 * 1024  # for each stream of a run
MOST_BYTES = 5 * 1024 * 1024  # a request has at most 2 MiB
REPLACED = "\ufffd" * KEPT_BYTES
"""The output of os.write(1, b"\\xff" * 65536): each byte becomes three, or six as a JSON escape."""


def bytes_on_record(execution: Execution) -> int:
    """Return the size of a row's columns in bytes."""
    names = [field.column for field in Execution._meta.concrete_fields]
    lengths = " + ".join(f"coalesce(length(CAST({name} AS BLOB)), 0)" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lengths} FROM executions_execution WHERE id = %s", (execution.pk,))
        return int(cursor.fetchone()[0])


def run(page: Page, cases: list[dict[str, Any]]) -> Any:
    """Send test cases without escaping characters in JSON."""
    return page.post(json.dumps({"code": "1", "test_cases": cases}, ensure_ascii=False).encode())


def test_answer_and_record_are_bounded_when_tests_print_all_they_can(page: Page, executor: FakeExecutor) -> None:
    executor.main = replace(executor.main, stdout=REPLACED, stderr=REPLACED)
    executor.test = replace(EIGHT, stdout=REPLACED, truncated=True)
    response = run(page, [{"stdin": ""}] * bounds.TEST_CASES)
    assert all(result["passed"] and result["truncated"] for result in response.json()["test_results"])
    printed = 2 * len(REPLACED.encode()) + bounds.SHOWN_BYTES
    assert len(response.content) < 1.2 * printed
    assert bytes_on_record(Execution.objects.get()) < 1.2 * printed


@pytest.mark.parametrize("letter", ["x", "я", "\ufffd", "🐍", "\\", "\n", "\x01"])
def test_answer_and_record_are_bounded_for_the_largest_request(page: Page, executor: FakeExecutor, letter: str) -> None:
    """Each test fails with a long error."""
    detail = ErrorDetail(letter * reports.TYPE_CHARACTERS, letter * reports.MESSAGE_CHARACTERS)
    executor.main = Run(RunStatus.ERROR, letter * KEPT_BYTES, letter * KEPT_BYTES, detail=detail)
    executor.test = replace(executor.main, tested=True)
    size = len(json.dumps(letter, ensure_ascii=False).encode()) - 2
    text = letter * (19_000 // size)
    response = run(page, [{"stdin": "", "input": text, "expected_output": text}] * bounds.TEST_CASES)
    assert not any(result["passed"] for result in response.json()["test_results"])
    assert len(response.content) < MOST_BYTES
    assert bytes_on_record(Execution.objects.get()) < MOST_BYTES


def test_record_has_test_cases_once(page: Page) -> None:
    _, token = create_key("Server", "secret", [])
    cases = [
        {"stdin": "", "input": "in", "expected_output": "out", "name": "seen"},
        {"stdin": "", "input": "in", "expected_output": "out", "name": "unseen", "hidden": True},
        {"expected_output": "Hello"},
    ]
    answer = page.post({"code": "1", "test_cases": cases}, x_api_key=token, origin=None).json()
    record = Execution.objects.get()
    assert record.test_results is not None
    assert not any({"input", "expected_output", "name"} & result.keys() for result in record.test_results)
    headers = {"X-API-Key": token}
    stored = page.client.get(f"/executions/{record.public_id}", headers=headers).json()
    assert stored["test_results"] == answer["test_results"]
    assert [result["input"] for result in stored["test_results"]] == ["in", None, None]


def test_result_recorded_by_an_older_version_is_returned_unchanged(page: Page) -> None:
    key, token = create_key("Server", "secret", [])
    cases = [{"input": "f()", "expected_output": "8", "code": None, "name": None, "stdin": None, "hidden": False}]
    result = {"passed": True, "input": "f()", "expected_output": "8", "name": None, "actual_output": "8"}
    record = Execution.objects.create(
        key=key, code="1", timeout=5, status="success", test_cases=cases, test_results=[result]
    )
    stored = page.client.get(f"/executions/{record.public_id}", headers={"X-API-Key": token}).json()
    assert stored["test_results"] == [result]
