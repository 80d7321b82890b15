"""The contract of `POST /execute`: the request, the answer and the record."""

import re
import uuid
from dataclasses import asdict, fields, replace
from typing import Any

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from apikeys.keys import create_key, revoke_key
from executions import bounds
from executions.answer import ECHOES
from executions.api.answers import StoredAnswerSerializer
from executions.models import Execution
from executions.records.late_records import LateRecords
from executions.records.record import create, request_of
from executions.request import Definition, ExecutionRequest, Locale, Match, SentFile, TestCase
from executions.running.backend import get_backend
from executions.sandbox.results import (
    Flag,
    Image,
    MethodResult,
    Run,
    RunLost,
    RunStatus,
    SandboxBusy,
    SandboxError,
    SandboxUnavailable,
    Submission,
    TestProgram,
)
from tests.conftest import ORIGIN, Page, database_fails
from tests.fakes import EIGHT, HEALTHY, FakeExecutor

ADD = {
    "input": "add(5, 3)",
    "expected_output": "8",
    "code": "result = add(5, 3)\nprint(result)",
}


def test_answer_has_the_documented_fields(page: Page) -> None:
    response = page.run()
    answer = response.json()
    assert response.status_code == 200
    assert uuid.UUID(answer.pop("id")).version == 7
    assert answer == {
        "output": "Hello\n",
        "error": "",
        "execution_time": 0.25,
        "test_results": None,
        "status": "success",
        "exit_code": 0,
        "cpu_time": 0.125,
        "memory_peak_kb": 9000,
        "truncated": False,
        "error_detail": None,
        "images": [],
        "images_dropped": 0,
        "trace": None,
        "files": [],
        "not_collected": [],
        "score": None,
        "max_score": None,
        "groups": [],
    }


def test_a_trace_is_in_the_answer_but_not_recorded(page: Page, executor: FakeExecutor) -> None:
    answer = page.run(trace=True).json()
    assert [each.trace_seconds for each in executor.submissions] == [bounds.TRACE_SECONDS]
    frame = {"function": "<module>", "file": "main.py", "line": 1, "variables": {}}
    step = {"event": "line", "line": 1, "value": None, "printed": 0, "depth": 1, "stack": [frame]}
    assert answer["trace"] == {"steps": [step], "cut": None, "output": "Hello\n"}
    execution = Execution.objects.get()
    assert StoredAnswerSerializer(execution).data["trace"] is None
    assert "<module>" not in str(Execution.objects.values())


def test_only_a_trace_that_is_requested_is_made(page: Page, executor: FakeExecutor) -> None:
    for given in (False, None):
        assert page.run(trace=given).json()["trace"] is None
    assert [each.trace_seconds for each in executor.submissions] == [0, 0]
    refused = page.run(trace="yes")
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["trace"])


def test_traced_run_is_flagged_and_charged(page: Page, executor: FakeExecutor) -> None:
    executor.traced = replace(executor.traced, cpu_seconds=1.5, flags=frozenset({Flag.NETWORK_ATTEMPT}))
    page.run(trace=True)
    execution = Execution.objects.get()
    assert execution.total_cpu_seconds == executor.main.cpu_seconds + 1.5
    assert [flag.kind for flag in execution.flags.all()] == ["network_attempt"]


def test_images_are_in_the_answer_but_not_recorded(page: Page, executor: FakeExecutor) -> None:
    executor.main = replace(executor.main, images=(Image(b"\x89PNG", 3, 2),), images_dropped=4)
    answer = page.run().json()
    assert answer["images"] == [{"format": "png", "data": "iVBORw==", "width": 3, "height": 2, "test_index": None}]
    assert answer["images_dropped"] == 4
    execution = Execution.objects.get()
    stored = StoredAnswerSerializer(execution).data
    assert (stored["images"], stored["images_dropped"]) == ([], 0)
    assert "iVBORw" not in str(Execution.objects.values())


def test_images_have_the_index_of_their_test_case(page: Page, executor: FakeExecutor) -> None:
    """Images of the main run come first, then those of the tests in running order."""
    executor.main = replace(executor.main, images=(Image(b"main", 1, 1),), images_dropped=1)
    executor.test = replace(executor.test, images=(Image(b"test", 1, 1),), images_dropped=2)
    cases = [{"expected_output": "Hello"}, {"stdin": "", "hidden": True}, {"code": "draw()"}, {"input": "draw()"}]
    answer = page.run(test_cases=cases).json()
    assert [test.hidden for test in executor.submissions[0].tests] == [False, False, True]
    assert [image["test_index"] for image in answer["images"]] == [None, 2, 3, 1]
    assert answer["images_dropped"] == 7


def test_test_result_has_the_documented_fields_and_message(page: Page) -> None:
    assert page.run(test_cases=[ADD]).json()["test_results"] == [
        {
            "passed": True,
            "message": "✅ Test passed: add(5, 3) -> Expected: 8",
            "input": "add(5, 3)",
            "expected_output": "8",
            "name": None,
            "actual_output": "8\n",
            "truncated": False,
            "diff": None,
            "error_detail": None,
            "status": "success",
            "execution_time": 0.5,
            "hidden": False,
            "points": None,
            "group": None,
            "feedback": None,
            "methods": None,
        }
    ]


def test_sandbox_gets_the_request_without_expected_outputs(page: Page, executor: FakeExecutor) -> None:
    page.run("print(1)", input_data="Ada\n", timeout=7, test_cases=[ADD, {"stdin": ""}, {"expected_output": "SECRET"}])
    tests = (TestProgram(code=ADD["code"], input=ADD["input"]), TestProgram(stdin=""))
    [submission] = executor.submissions
    assert submission == Submission("print(1)", "Ada\n", tests, 7, party=submission.party)


def test_submission_has_the_documented_defaults(page: Page, executor: FakeExecutor) -> None:
    page.run("print(1)")
    [submission] = executor.submissions
    assert submission == Submission("print(1)", "", (), 5, party=submission.party)


def test_submissions_take_turns_by_key_and_by_learner_or_address(page: Page, executor: FakeExecutor) -> None:
    page.run(learner="ada")  # claimed by a page: anybody can
    page.run(learner="bob")
    secret, token = create_key("Server", "secret", [])
    server = Page(secret, token, page.client)
    for learner in ("ada", "bob"):
        server.post({"code": "print()", "learner": learner}, origin=None)
    *claimed, ada, bob = (submission.party for submission in executor.submissions)
    assert {party.who for party in claimed} == {"address:127.0.0.1"}
    assert len({party.claimed for party in claimed}) == 2
    assert (ada.who, bob.who) == ("learner:ada", "learner:bob")
    assert {ada.key, bob.key} == {str(secret.family)} != {claimed[0].key}


def test_no_cache_may_keep_an_answer(page: Page) -> None:
    for response in (page.run(), page.run(""), page.post({}, x_api_key=None)):
        assert response["Cache-Control"] == "no-store"


def test_answer_carries_the_request_id_of_the_log(page: Page) -> None:
    assert uuid.UUID(page.run()["X-Request-ID"])
    assert page.run()["X-Request-ID"] != page.run()["X-Request-ID"]


# A failed program is an answer, not an HTTP error


@pytest.mark.parametrize(
    ("run", "error"),
    [
        (Run(RunStatus.ERROR, "so far\n", "Traceback …\nZeroDivisionError: no\n", exit_code=1), None),
        (Run(RunStatus.TIMEOUT, "so far\n"), "Execution timed out after 3 seconds"),
        (Run(RunStatus.TIMEOUT, "", "warning\n"), "warning\nExecution timed out after 3 seconds"),
        (Run(RunStatus.MEMORY_LIMIT), "Memory limit of 128 MB exceeded"),
        (
            Run(RunStatus.OUTPUT_LIMIT, "x" * 1000, truncated=True),
            "Output limit exceeded: the program printed too much",
        ),
        (Run(RunStatus.ERROR, signal="SIGSEGV"), "The program was killed by signal SIGSEGV"),
    ],
    ids=("error", "timeout", "timeout with stderr", "memory", "output", "signal"),
)
def test_failing_program_is_a_200(page: Page, executor: FakeExecutor, run: Run, error: str | None) -> None:
    executor.main = run
    response = page.run(timeout=3)
    answer = response.json()
    assert response.status_code == 200
    assert (answer["status"], answer["output"], answer["exit_code"]) == (run.status, run.stdout, run.exit_code)
    assert answer["error"] == (run.stderr if error is None else error)
    assert answer["truncated"] is run.truncated


def test_timeout_of_one_second_is_singular(page: Page, executor: FakeExecutor) -> None:
    executor.main = Run(RunStatus.TIMEOUT)
    assert page.run(timeout=1).json()["error"] == "Execution timed out after 1 second"


# The record


NO_RULES: dict[str, Any] = {"uses": [], "avoids": [], "defines": [], "unittest": None, "doctest": False}


def test_request_and_answer_are_recorded(page: Page) -> None:
    answer = page.run("print('Hello')", input_data="in", timeout=7, learner="ada", test_cases=[ADD]).json()
    record = Execution.objects.get()
    assert str(record.public_id) == answer["id"]
    for name in ("output", "error", "execution_time", "status", "exit_code", "cpu_time", "truncated"):
        assert getattr(record, name) == answer[name]
    [result] = answer["test_results"]
    assert record.test_results == [{name: value for name, value in result.items() if name not in ECHOES}]
    assert (record.code, record.input_data, record.timeout, record.learner) == ("print('Hello')", "in", 7, "ada")
    assert (record.key, record.origin, record.client_address) == (page.key, ORIGIN, "127.0.0.1")
    others = ("name", "stdin", "match", "points", "on_pass", "on_fail", "group", "tolerance", "relative_tolerance")
    assert record.test_cases == [
        {**ADD, **dict.fromkeys(others), "hidden": False, "exact_types": False, "files": [], **NO_RULES}
    ]
    assert record.waited_seconds == 0.0625
    assert record.finished is not None
    assert record.finished >= record.created


def test_methods_of_a_suite_are_answered_and_recorded(page: Page, executor: FakeExecutor) -> None:
    methods = (MethodResult("T.test_a", True, ""), MethodResult("T.test_b", False, "1 != 2"))
    executor.test = replace(EIGHT, status=RunStatus.ERROR, methods=methods)
    suite = {"unittest": "class T(unittest.TestCase): ..."}
    answer = page.run("1", test_cases=[suite, {"doctest": True}, {**suite, "hidden": True}, {"input": "f()"}]).json()
    assert [test.unittest for test in executor.submissions[0].tests] == [suite["unittest"], "", "", suite["unittest"]]
    assert [test.doctest for test in executor.submissions[0].tests] == [False, True, False, False]
    shown = [asdict(method) for method in methods]
    assert [result["methods"] for result in answer["test_results"]] == [shown, shown, None, None]
    assert [result["message"] for result in answer["test_results"][:3]] == [
        "❌ Test failed: 1 of 2 tests passed",
        "❌ Test failed: 1 of 2 tests passed",
        "❌ Test failed",
    ]
    recorded = Execution.objects.get().test_results
    assert [result["methods"] for result in recorded or ()] == [shown, shown, None, None]


def test_record_is_running_before_the_program_starts(page: Page, executor: FakeExecutor) -> None:
    seen: list[tuple[str, str, object]] = []
    executor.meanwhile = lambda: seen.extend(Execution.objects.values_list("status", "code", "finished"))
    page.run("print(1)")
    assert seen == [("running", "print(1)", None)]


def test_key_revoked_during_a_run_gets_its_answer_and_no_new_run(page: Page, executor: FakeExecutor) -> None:
    executor.meanwhile = lambda: revoke_key(page.key)
    assert page.run("print(1)").status_code == 200
    assert page.run("print(1)").status_code == 403
    assert [record.status for record in Execution.objects.all()] == ["success"]


def statements(page: Page, **fields: Any) -> list[str]:
    """Return the verb and the table of each query that a request makes."""
    page.run()  # the first request of a key and of a day makes more queries
    with CaptureQueriesContext(connection) as queries:
        page.run(**fields)
    table = re.compile(r'^(\w+) .*?(?:FROM|INTO|UPDATE) "?((?:apikeys|executions)_\w+)|^(UPDATE) "?(\w+)', re.DOTALL)
    found = [table.search(query["sql"]) for query in queries]
    return [" ".join(part for part in match.groups() if part) for match in found if match]


def test_request_makes_only_these_queries(page: Page) -> None:
    key, suspensions, use = "apikeys_apikey", "apikeys_suspension", "apikeys_dailyuse"
    assert statements(page, test_cases=[ADD]) == [
        "SELECT " + key,
        "SELECT " + suspensions,
        "SELECT " + use,
        "SELECT executions_execution",
        "INSERT executions_execution",
        "UPDATE executions_execution",
        "UPDATE " + use,
        "UPDATE " + use,
    ]


def test_refused_requests_leave_no_record(page: Page) -> None:
    page.run("")
    page.post({"code": "1"}, x_api_key="wrong")
    assert not Execution.objects.exists()


# Faults of the service


@pytest.mark.parametrize(
    ("error", "status"),
    [(SandboxBusy("full"), "refused"), (SandboxUnavailable("down"), "refused"), (RunLost("gone"), "internal_error")],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_program_that_could_not_run_is_a_503_and_recorded(
    page: Page, executor: FakeExecutor, error: SandboxError, status: str
) -> None:
    executor.error = error
    response = page.run()
    assert response.status_code == 503
    assert response.json().keys() == {"detail", "code"}
    assert response.json()["code"] == "unavailable"
    assert str(error) not in response.json()["detail"]
    record = Execution.objects.get()
    assert record.status == status
    assert record.finished is not None


def test_callers_are_told_to_retry_at_different_times(page: Page, executor: FakeExecutor) -> None:
    executor.error = SandboxBusy("full")
    waits = {int(page.run()["Retry-After"]) for _ in range(50)}
    assert len(waits) > 1
    assert min(waits) >= 1
    assert max(waits) <= 4
    executor.state = replace(HEALTHY, line_seconds=6.5)
    assert {int(page.run()["Retry-After"]) for _ in range(20)} <= {7, 8, 9, 10}
    executor.state = replace(executor.state, ready=False, line_seconds=0)
    assert all(10 <= int(page.run()["Retry-After"]) <= 15 for _ in range(20))


def test_internal_error_leaves_no_record_running(page: Page, executor: FakeExecutor) -> None:
    executor.error = ValueError("a bug")  # type: ignore[assignment]
    response = page.run()
    assert response.status_code == 500
    assert response.json() == {"detail": "Something went wrong on our side.", "code": "server_error"}
    assert Execution.objects.get().status == "internal_error"


@pytest.mark.parametrize("statement", ["SELECT", "INSERT"])
def test_no_program_runs_without_a_database(page: Page, executor: FakeExecutor, statement: str) -> None:
    with database_fails(statement):
        response = page.run()
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response["Retry-After"]) >= 1
    assert executor.submissions == []


def test_recorded_request_can_be_run_again_without_losing_a_field(db: None) -> None:
    files = (SentFile("a.txt", "text"), SentFile("b.bin", base64="YQ=="))
    rules = (("for",), ("sum",), (Definition("f", 1),))
    points = (1.5, "Yes.", "No.", "g", 0.5, 0.25, True)
    case = TestCase("f(1)", "1", "print(1)", "one", "", Match.FLOAT, True, *points, files, *rules, "class T: 1", True)
    assert all(getattr(case, each.name) != getattr(TestCase(), each.name) for each in fields(case))
    others = {"learner": "ada", "interactive": True, "trace": True, "exercise": "loops-1", "locale": Locale.DE}
    others |= {"webhook": "https://a.example/", "collect": ("out.csv",)}
    request = ExecutionRequest("1", "Ada", (case,), timeout=3, files=files, **others)  # type: ignore[arg-type]
    unset = ExecutionRequest("")
    assert all(getattr(request, each.name) != getattr(unset, each.name) for each in fields(request))
    left_out = {each.name: each.default for each in fields(ExecutionRequest) if each.name in others}
    assert request_of(create(request)) == replace(request, **left_out)  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
def test_result_is_recorded_again_after_a_failure(page: Page) -> None:
    get_backend().late_records = LateRecords(pauses_seconds=(0, 0))
    with database_fails("UPDATE", times=2):
        assert page.run().status_code == 200
    assert Execution.objects.get().status == "success"


@pytest.mark.django_db(transaction=True)
def test_learner_gets_the_answer_even_if_it_cannot_be_recorded(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    get_backend().late_records = LateRecords(pauses_seconds=(0, 0))
    with database_fails("UPDATE"):
        answer = page.run("print('CANARY')").json()
    assert answer["output"] == "Hello\n"
    assert Execution.objects.get().status == "running"
    assert answer["id"] in caplog.text
    assert "CANARY" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_result_that_the_database_refuses_for_good_is_recorded_as_lost(page: Page) -> None:
    """Otherwise the execution would count as running, and take up the key's concurrency."""
    with database_fails("UPDATE executions_execution", times=1, kind=DataError):
        assert page.run().json()["output"] == "Hello\n"
    execution = Execution.objects.get()
    assert (execution.status, execution.error) == ("internal_error", "The result was lost.")
    assert execution.finished is not None


def test_an_execution_that_cannot_be_judged_is_recorded_as_lost(page: Page, executor: FakeExecutor) -> None:
    executor.further_runs = (EIGHT,)  # more than there are tests
    assert page.run().status_code == 500
    execution = Execution.objects.get()
    assert (execution.status, execution.error) == ("internal_error", "The run was lost.")
    assert execution.finished is not None


def test_a_full_disk_is_a_503_without_a_record(page: Page, executor: FakeExecutor) -> None:
    executor.state = replace(HEALTHY, disk="full")
    response = page.run()
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert executor.submissions == []
    assert not Execution.objects.exists()
