"""Files that come with a program, and those that come back: what is accepted, answered and recorded."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executions import bounds
from executions.api.answers import StoredAnswerSerializer
from executions.models import Execution, ExecutionFile
from executions.records.record import ADD_FILE, request_of
from executions.records.retention import erase_learner, prune
from executions.running.backend import get_backend
from executions.running.service import run_again
from executions.sandbox.profiles import Profile, choose_profile
from executions.sandbox.results import File, NotCollected, Reason, Submission, TestProgram
from guest import protocol
from tests.conftest import Page
from tests.executions.test_requests import refused_fields
from tests.fakes import HELLO, FakeExecutor

SCORES = {"name": "scores.csv", "text": "3\r\n5\n"}
LOGO = {"name": "logo.png", "base64": "iVBORw=="}


def test_files_reach_the_sandbox_unchanged(page: Page, executor: FakeExecutor) -> None:
    assert page.run(files=[SCORES, LOGO, {"name": "empty", "text": ""}]).status_code == 200
    [submission] = executor.submissions
    assert submission.files == (
        File("scores.csv", b"3\r\n5\n"),
        File("logo.png", b"\x89PNG"),
        File("empty", b""),
    )


def test_test_case_adds_files_or_replaces_them_for_its_own_run(page: Page, executor: FakeExecutor) -> None:
    own = [{"name": "scores.csv", "text": "9"}, {"name": "more.txt", "text": "x"}]
    cases = [
        {"input": "f()"},
        {"stdin": "", "files": own, "hidden": True},
        {"files": own},
        {"expected_output": "Hello"},
    ]
    answer = page.run(files=[SCORES, LOGO], test_cases=cases).json()
    [submission] = executor.submissions
    names = [[(file.name, len(file.content)) for file in test.files] for test in submission.tests]
    mixed = [("logo.png", 4), ("scores.csv", 1), ("more.txt", 1)]
    assert names == [[("scores.csv", 5), ("logo.png", 4)], mixed, mixed]  # the hidden test is last
    assert [result["actual_output"] for result in answer["test_results"]] == ["8\n", None, "8\n", "Hello\n"]


def test_files_are_recorded_and_run_again(page: Page, executor: FakeExecutor) -> None:
    page.run(files=[SCORES, LOGO], test_cases=[{"stdin": "", "files": [SCORES]}])
    record = Execution.objects.get()
    files = [{**SCORES, "base64": None}, {**LOGO, "text": None}]
    assert list(record.sent_files.values("name", "text", "base64")) == files
    assert record.files is None
    [submission] = executor.submissions
    assert request_of(record).submission().tests == submission.tests
    assert request_of(record).submission().files == submission.files
    page.run()
    assert not Execution.objects.latest("id").sent_files.exists()


def test_files_of_an_execution_from_before_they_had_a_table_are_run_again(page: Page, executor: FakeExecutor) -> None:
    page.run()
    Execution.objects.update(files=[{**SCORES, "base64": None}, {**LOGO, "text": None}])
    files = request_of(Execution.objects.get()).submission().files
    assert files == (File("scores.csv", b"3\r\n5\n"), File("logo.png", b"\x89PNG"))


def without_files(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """Let the database fail when files are recorded."""
    if sql.startswith("INSERT") and ExecutionFile._meta.db_table in sql:
        raise OperationalError("no room")
    return execute(sql, params, many, context)


def test_program_whose_files_cannot_be_recorded_does_not_run(page: Page, executor: FakeExecutor) -> None:
    with connection.execute_wrapper(without_files):
        assert page.run(files=[SCORES]).status_code == 503
        assert not Execution.objects.exists()
        assert not executor.submissions
        assert page.run().status_code == 200


@pytest.mark.django_db(transaction=True)
def test_staff_do_not_run_a_program_whose_files_cannot_be_recorded(
    page: Page, executor: FakeExecutor, admin_user: User
) -> None:
    page.run(files=[SCORES])
    with connection.execute_wrapper(without_files), pytest.raises(OperationalError):
        run_again(Execution.objects.get(), admin_user, get_backend())
    assert (Execution.objects.count(), len(executor.submissions)) == (1, 1)
    again = run_again(Execution.objects.get(), admin_user, get_backend())
    assert again.sent_files.get().text == SCORES["text"]


def test_files_are_written_once(page: Page) -> None:
    """Not again at the end: SQLite would copy a megabyte."""
    with CaptureQueriesContext(connection) as queries:
        page.run(files=[{"name": "helper.py", "text": "zanzibar = 1"}])
    statements = [query["sql"] for query in queries]
    assert [sql for sql in statements if "executionfile" in sql] == [f"1 times: {ADD_FILE}"]
    assert not any("zanzibar" in sql for sql in statements)


def test_files_are_deleted_with_their_execution(page: Page) -> None:
    page.run(files=[SCORES, LOGO], learner="ada")
    page.run(files=[SCORES], learner="bob")
    erase_learner("ada")
    assert list(ExecutionFile.objects.values_list("execution__learner", "name")) == [("bob", "scores.csv")]
    prune(timezone.now() + timedelta(days=1))
    assert not ExecutionFile.objects.exists()


@pytest.mark.parametrize(
    "name", ["a", "A_b-c.txt", "my file.csv", "helper.py", "0", "_x", "a.b.c", "x" * bounds.FILE_NAME_CHARACTERS]
)
def test_flat_names_are_accepted(page: Page, name: str) -> None:
    assert page.run(files=[{"name": name, "text": ""}]).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            ".",
            "..",
            ".hidden",
            "a/b",
            "/etc/passwd",
            "../x",
            "a\\b",
            "a\nb",
            "-rf",
            " a",
            "a ",
            "a.",
            "é.txt",
            "a:b",
        ),
        *("main.py", "test.py", "guest.py", "x" * (bounds.FILE_NAME_CHARACTERS + 1), "a\n"),
    ],
)
def test_other_names_are_refused(page: Page, executor: FakeExecutor, name: str) -> None:
    assert refused_fields(page.run(files=[{"name": name, "text": ""}])).keys() == {"files[0].name"}
    case = {"files": [{"name": name, "text": ""}]}
    assert refused_fields(page.run(test_cases=[{}, case])).keys() == {"test_cases[1].files[0].name"}
    assert executor.submissions == []


@pytest.mark.parametrize(
    ("files", "field"),
    [
        ({}, "files"),
        ("x", "files"),
        ([{"name": f"{number}", "text": ""} for number in range(bounds.FILES + 1)], "files"),
        ([SCORES, SCORES], "files"),
        ([None], "files[0]"),
        (["x"], "files[0]"),
        ([{"text": ""}], "files[0].name"),
        ([{"name": "a"}], "files[0].text"),
        ([{"name": "a", "text": None}], "files[0].text"),
        ([{"name": "a", "text": "", "base64": ""}], "files[0].text"),
        ([{"name": "a", "text": 1}], "files[0].text"),
        ([{"name": "a", "text": "\0"}], "files[0].text"),
        ([{"name": "a", "base64": "%"}], "files[0].base64"),
        ([{"name": "a", "base64": "YQ"}], "files[0].base64"),
        ([{"name": "a", "base64": "é"}], "files[0].base64"),
        ([{"name": "a", "text": "", "mode": 7}], "files[0].mode"),
    ],
    ids=range(16),
)
def test_malformed_files_are_refused(page: Page, executor: FakeExecutor, files: Any, field: str) -> None:
    assert refused_fields(page.run(files=files)).keys() == {field}
    assert refused_fields(page.run(test_cases=[{"files": files}])).keys() == {f"test_cases[0].{field}"}
    assert executor.submissions == []


def test_number_of_files_is_bounded(page: Page) -> None:
    files = [{"name": f"{number}", "text": ""} for number in range(bounds.FILES)]
    assert page.run(files=files, test_cases=[{"files": files}]).status_code == 200


@pytest.mark.parametrize("field", ["text", "base64"])
def test_all_files_of_a_request_together_are_bounded(page: Page, field: str) -> None:
    def file(size: int) -> dict[str, str]:
        return {"name": "a", field: "x" * size if field == "text" else base64.b64encode(b"x" * size).decode()}

    half = bounds.FILES_BYTES // 2
    assert page.run(files=[file(bounds.FILES_BYTES)]).status_code == 200
    assert page.run(files=[file(half)], test_cases=[{"files": [file(half)]}]).status_code == 200
    refused = refused_fields(page.run(files=[file(half)], test_cases=[{"files": [file(half + 1)]}]))
    assert refused == {"files": "All files of the request are 1048577 bytes; at most 1048576 are allowed."}


@pytest.mark.parametrize(
    ("name", "content", "profile"),
    [
        ("helper.py", b"import numpy", Profile.SCIENCE),
        ("helper.py", b"import math", Profile.PLAIN),
        ("helper.txt", b"import numpy", Profile.PLAIN),
        ("helper.py", b"\xff\nimport pandas", Profile.SCIENCE),
    ],
)
def test_packages_that_a_file_imports_are_loaded_in_advance(name: str, content: bytes, profile: Profile) -> None:
    files = (File(name, content),)
    assert choose_profile(Submission("import helper", "", (), 5, files=files)) is profile
    assert choose_profile(Submission("import helper", "", (TestProgram(files=files),), 5)) is profile


# Files that come back

LEFT = replace(
    HELLO,
    collected=(File("out.csv", "a,ü\r\n".encode()), File("plot.bin", b"\xff\0"), File("nul.txt", b"a\0b")),
    not_collected=(NotCollected("gone", Reason.MISSING), NotCollected("big", Reason.TOO_LARGE)),
)
NAMES = ["out.csv", "plot.bin", "nul.txt", "gone", "big"]
SHOWN = {
    "files": [
        {"name": "out.csv", "text": "a,ü\r\n", "base64": None},
        {"name": "plot.bin", "text": None, "base64": "/wA="},
        {"name": "nul.txt", "text": None, "base64": "YQBi"},
    ],
    "not_collected": [{"name": "gone", "reason": "missing"}, {"name": "big", "reason": "too_large"}],
}


def come_back(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in SHOWN}


def test_collected_files_are_text_or_base64_and_the_others_have_a_reason(page: Page, executor: FakeExecutor) -> None:
    executor.main = LEFT
    answer = page.run(collect=NAMES, test_cases=[{}]).json()
    assert executor.submissions[0].collect == tuple(NAMES)
    assert come_back(answer) == SHOWN


def test_collected_files_can_be_sent_again(page: Page, executor: FakeExecutor) -> None:
    executor.main = LEFT
    files = page.run(collect=NAMES).json()["files"]
    assert page.run(files=files).status_code == 200
    assert executor.submissions[1].files == LEFT.collected


def test_nothing_is_collected_unless_asked_for(page: Page, executor: FakeExecutor) -> None:
    nothing: dict[str, Any] = {"files": [], "not_collected": []}
    assert come_back(page.run().json()) == nothing
    assert come_back(page.run(collect=None).json()) == nothing
    assert come_back(page.run(collect=[]).json()) == nothing
    assert {submission.collect for submission in executor.submissions} == {()}


def test_file_that_the_container_does_not_report_is_lost(page: Page, executor: FakeExecutor) -> None:
    executor.main = replace(HELLO, collected=(File("a", b"x"),))
    answer = page.run(collect=["a", "b"]).json()
    assert answer["not_collected"] == [{"name": "b", "reason": "lost"}]


def test_result_event_has_the_files(page: Page, executor: FakeExecutor) -> None:
    executor.main = LEFT
    stream = page.post({"code": "1", "collect": NAMES}, accept="text/event-stream")
    *_, result = b"".join(stream).decode().strip().split("\n\n")
    assert result.startswith("event: result\n")
    assert come_back(json.loads(result.partition("data: ")[2])) == SHOWN


@pytest.mark.parametrize(
    ("collect", "field"),
    [
        ("out.csv", "collect"),
        (["a", "a"], "collect"),
        ([f"{number}" for number in range(protocol.COLLECTED_FILES + 1)], "collect"),
        (["a", "../etc/passwd"], "collect[1]"),
        ([".hidden"], "collect[0]"),
        (["a/b"], "collect[0]"),
        (["*.txt"], "collect[0]"),
        (["main.py"], "collect[0]"),
        (["x" * (bounds.FILE_NAME_CHARACTERS + 1)], "collect[0]"),
        ([""], "collect[0]"),
        ([None], "collect[0]"),
        ([1], "collect[0]"),
    ],
)
def test_other_names_to_collect_are_refused(page: Page, executor: FakeExecutor, collect: Any, field: str) -> None:
    assert refused_fields(page.run(collect=collect)).keys() == {field}
    assert executor.submissions == []


def test_as_many_names_as_allowed_are_accepted(page: Page) -> None:
    assert page.run(collect=["x" * 99 + f"{number}" for number in range(protocol.COLLECTED_FILES)]).status_code == 200


def test_files_are_not_recorded(page: Page, executor: FakeExecutor) -> None:
    executor.main = LEFT
    page.run(collect=NAMES)
    stored = StoredAnswerSerializer(Execution.objects.get()).data
    assert come_back(stored) == {"files": [], "not_collected": []}
    assert request_of(Execution.objects.get()).collect == ()
