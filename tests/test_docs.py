"""The documentation of the API and the settings matches the code."""

import ast
import dataclasses
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine  # type: ignore[import-untyped]
from rest_framework.serializers import ListField, Serializer

from apikeys.callers import Caller
from apikeys.limits import INPUT_RATE
from apikeys.models import LEARNER_CHARACTERS, ApiKey, Suspension
from apikeys.shares import share
from codeexec.hurried_socket import SLOWEST_BYTES_A_SECOND, STALLED_SECONDS
from codeexec.malformed import refuse
from executions import bounds
from executions.api.serializers import ExecutionRequestSerializer, InputSerializer
from executions.models import Execution, IdempotentRequest
from executions.request import Match
from executions.running.backend import get_backend
from executions.running.hint_sentences import HINTS
from executions.running.interactive import LEAST, PARTS, Typist
from executions.running.outcome import TYPES
from executions.running.rules import CONSTRUCTS
from executions.sandbox.container.transcript import LONGEST_SOURCE
from executions.sandbox.results import ErrorDetail, Image, Reason, RunLost, RunStatus, SandboxBusy
from executions.sandbox.steps import TRACE_CUTS, Step, Trace
from executions.sandbox.strokes import Stroke
from guest import protocol, reports
from guest.program.glimpse import MOST_ITEMS
from tests.conftest import ORIGIN, Page
from tests.fakes import FakeExecutor
from web.openapi import ERRORS as SENTENCES

ROOT = Path(__file__).parent.parent
API = (ROOT / "docs/api.md").read_text()
KEYS = (ROOT / "docs/keys.md").read_text()
LIVE = (ROOT / "docs/live.md").read_text()
PROGRAMS = (ROOT / "docs/programs.md").read_text()
TEST_CASES = (ROOT / "docs/test-cases.md").read_text()
SETTINGS = (ROOT / "docs/settings.md").read_text()
OWN_PLACES = int(share("claimed:", settings.SANDBOX_MAX_INTERACTIVE, 0, LEAST["claimed"], PARTS))
README = (ROOT / "README.md").read_text()
SETTINGS_SOURCE = ast.parse((ROOT / "codeexec/settings.py").read_text())


def section(document: str, heading: str) -> str:
    """Return the text under a heading."""
    return document.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def rows(text: str) -> dict[str, str]:
    """Return the table rows that begin with one or more `words`, by each word."""
    found = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            names, rest = line.removeprefix("| ").split(" | ", 1)
            found.update(dict.fromkeys(re.findall(r"`([^`]+)`", names), rest))
    return found


# docs/api.md and its pages

REQUEST, ANSWER = rows(section(API, "Request")), rows(section(API, "Answer"))
TEST_CASE, RESULT = rows(section(TEST_CASES, "Fields")), rows(section(TEST_CASES, "Results"))
DETAIL = rows(section(PROGRAMS, "What went wrong"))
TRACE = rows(section(PROGRAMS, "Traces"))
INPUT = section(LIVE, "Answering a program")
LIMITS = rows(section(README, "Limits"))


def test_the_api_page_fits_two_screens() -> None:
    assert len(API.splitlines()) <= 120


def test_every_field_of_a_request_is_documented() -> None:
    assert REQUEST.keys() == ExecutionRequestSerializer().fields.keys()


def test_every_field_of_a_test_case_is_documented() -> None:
    test_cases = ExecutionRequestSerializer().fields["test_cases"]
    assert isinstance(test_cases, ListField)
    assert isinstance(test_cases.child, Serializer)
    assert TEST_CASE.keys() == test_cases.child.fields.keys()


def test_every_field_of_an_answer_is_documented(page: Page) -> None:
    answer = page.run(test_cases=[{}]).json()
    assert ANSWER.keys() == answer.keys()
    assert RESULT.keys() == answer["test_results"][0].keys()


def test_every_field_and_word_of_a_trace_is_documented() -> None:
    assert TRACE.keys() == {field.name for kind in (Trace, Step) for field in dataclasses.fields(kind)}
    assert all(f"`{cut}`" in TRACE["cut"] for cut in TRACE_CUTS)
    assert all(f"`{event}`" in TRACE["event"] for event in protocol.TRACE_EVENTS)


def test_every_reason_for_a_missing_file_is_documented() -> None:
    assert rows(section(PROGRAMS, "Files that come back")).keys() - {"reason"} == set(Reason)


def test_every_field_of_a_detail_is_documented() -> None:
    assert DETAIL.keys() == {field.name for field in dataclasses.fields(ErrorDetail)}
    assert all(f"`{kind}`" in DETAIL["type"] for kind in (*TYPES.values(), "Exit"))


def test_the_documented_error_detail_is_correct() -> None:
    shown = json.loads(section(PROGRAMS, "What went wrong").split("```json\n")[1].split("\n```")[0])
    assert shown.keys() == DETAIL.keys()
    assert shown["hint"] == HINTS["name_near"].format(name="pritn", near="print")
    assert shown["source"][shown["column"] - 1 : shown["end_column"] - 1] == "pritn"


@pytest.mark.parametrize(
    ("row", "figures"),
    [
        (DETAIL["message"], [f"{reports.MESSAGE_CHARACTERS} characters"]),
        (DETAIL["source"], [f"{LONGEST_SOURCE} characters"]),
        (REQUEST["code"], ["1 byte", f"{bounds.CODE_BYTES // 1024} KiB"]),
        (REQUEST["input_data"], [f"{bounds.INPUT_BYTES // 1024} KiB"]),
        (REQUEST["test_cases"], [f"up to {bounds.TEST_CASES} "]),
        (REQUEST["timeout"], [f"{bounds.SHORTEST_TIMEOUT_SECONDS} to {bounds.LONGEST_TIMEOUT_SECONDS}"]),
        (REQUEST["timeout"], [f"default {bounds.DEFAULT_TIMEOUT_SECONDS},"]),
        (REQUEST["learner"], [f"{LEARNER_CHARACTERS} characters"]),
        (REQUEST["exercise"], [f"{bounds.EXERCISE_CHARACTERS} characters"]),
        (TEST_CASE["input"], [f"{bounds.INPUT_BYTES // 1024} KiB"]),
        (TEST_CASE["expected_output"], [f"{bounds.CODE_BYTES // 1024} KiB"]),
        (TEST_CASE["code"], [f"{bounds.CODE_BYTES // 1024} KiB"]),
        (TEST_CASE["stdin"], [f"{bounds.INPUT_BYTES // 1024} KiB"]),
        (TEST_CASE["name"], [f"{bounds.NAME_BYTES} bytes"]),
        (section(API, "Errors"), [f"{settings.LONGEST_BODY_BYTES // 1024**2} MiB"]),
        (section(API, "Errors"), [f"{STALLED_SECONDS} seconds", f"{SLOWEST_BYTES_A_SECOND // 1024} KiB"]),
        (rows(INPUT)["text"], [f"{bounds.INPUT_TEXT_BYTES // 1024} KiB", f"{bounds.INPUT_BYTES // 1024} KiB"]),
        (INPUT, [f"{INPUT_RATE.removesuffix('/m')} inputs per minute"]),
        (INPUT, [f"{settings.SANDBOX_INPUT_SECONDS} seconds for one input"]),
        (INPUT, [f"{settings.SANDBOX_INPUT_SECONDS_IN_ALL} seconds for all"]),
        (LIMITS["code"], [f"{bounds.CODE_BYTES // 1024} KiB"]),
        (LIMITS["input_data"], [f"{bounds.INPUT_BYTES // 1024} KiB"]),
        (REQUEST["files"], [f"up to {bounds.FILES} ", f"{bounds.FILES_BYTES // 1024**2} MiB"]),
        (REQUEST["collect"], [f"up to {protocol.COLLECTED_FILES} "]),
        (LIMITS["collect"], [f"{protocol.COLLECTED_FILES} files", f"{protocol.COLLECTED_BYTES // 1024**2} MiB"]),
        (
            section(PROGRAMS, "Files that come back"),
            [f"up to {protocol.COLLECTED_FILES} files", f"{protocol.COLLECTED_BYTES // 1024**2} MiB"],
        ),
        (LIMITS["test_cases"], [f"{bounds.TEST_CASES} ", f"{bounds.SHOWN_BYTES // 1024} KiB"]),
        (TEST_CASE["points"], [f"0 to {bounds.MOST_POINTS}"]),
        (TEST_CASE["tolerance"], [f"0 to {bounds.MOST_TOLERANCE}"]),
        (TEST_CASE["uses"], [f"up to {bounds.RULES} ", f"{bounds.WORD_BYTES} bytes"]),
        (TEST_CASE["defines"], [f"up to {bounds.RULES} "]),
        (TEST_CASE["on_pass"], [f"{bounds.SENTENCE_BYTES} bytes"]),
        (section(TEST_CASES, "Comparisons"), [f"{protocol.VALUES:,} parts", f"{protocol.VALUE_DEPTH} levels"]),
        (rows(section(PROGRAMS, "Files"))["name"], [f"{bounds.FILE_NAME_CHARACTERS} letters"]),
        (RESULT["methods"], [f"{reports.METHOD_MESSAGE_CHARACTERS} characters"]),
        (
            section(TEST_CASES, "Suites"),
            [f"more than {reports.METHODS} methods", f"{bounds.SHOWN_BYTES // 1024} KiB of output and methods"],
        ),
        (TRACE["steps"], [f"{protocol.TRACE_STEPS} steps", f"{protocol.TRACE_BYTES // 1024} KiB"]),
        (TRACE["stack"], [f"{protocol.TRACE_FRAMES}.", f"{protocol.TRACE_VARIABLES} `variables`"]),
        (section(PROGRAMS, "Traces"), [f"{protocol.TRACE_CHARACTERS} characters", f"{MOST_ITEMS} items"]),
        (section(PROGRAMS, "Traces"), [f"{bounds.TRACE_SECONDS} seconds of its own"]),
        (
            LIMITS["trace"],
            [f"{protocol.TRACE_STEPS} steps", f"{protocol.TRACE_BYTES // 1024} KiB", f"{bounds.TRACE_SECONDS} s"],
        ),
        (RESULT["message"], [f"{bounds.MESSAGE_CHARACTERS} characters"]),
        (RESULT["actual_output"], [f"{bounds.SHOWN_BYTES // 1024} KiB"]),
    ],
)
def test_the_documented_limits_match_the_code(row: str, figures: list[str]) -> None:
    text = " ".join(row.split())
    for figure in figures:
        assert re.search(rf"(?<![\d.,]){re.escape(figure)}", text)


def test_every_word_of_a_rule_is_documented() -> None:
    documented = {word.replace("\\|", "|") for word in rows(section(TEST_CASES, "Rules"))}
    assigning = {f"{word}=" for word in "+ - * / // % ** @ & | ^ << >>".split()}  # described by their rule
    assert CONSTRUCTS.keys() - assigning <= documented


def test_every_match_and_status_is_documented() -> None:
    assert all(f"`{match}`" in TEST_CASE["match"] for match in Match)
    assert all(f"`{status}`" in ANSWER["status"] + RESULT["status"] for status in RunStatus)


def test_the_documented_request_is_accepted(page: Page, executor: FakeExecutor) -> None:
    body = re.search(r"^\{.*\}$", section(API, "Request"), re.MULTILINE)
    assert body
    assert page.post(body[0].encode()).status_code == 200
    assert executor.submissions[0].stdin == "Ada"


ERRORS = {
    (int(status), code)
    for status, code in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", section(API, "Errors"), re.MULTILINE)
}


def without_figures(sentence: str) -> str:
    return re.sub(r"\d+", "N", sentence.partition("Try again in")[0])


def test_every_error_is_documented(page: Page, executor: FakeExecutor) -> None:
    body = {"code": "1"}
    answers = [
        page.run(""),
        page.post(b"{"),
        page.post(body, host="evil.example"),
        page.post(body, x_api_key=None),
        page.post(body, origin="https://other.example"),
        page.client.get("/nothing"),
        page.client.get("/execute"),
        page.post(body, transfer_encoding="chunked"),
        page.post(b" " * (settings.LONGEST_BODY_BYTES + 1)),
        page.post(body, content_type="text/plain"),
    ]
    executor.error = SandboxBusy("full")
    answers.append(page.run())
    executor.error = ValueError("a bug")  # type: ignore[assignment]
    answers.append(page.run())
    answers.append(page.client.post("/tokens", headers={"X-API-Key": page.token, "Origin": ORIGIN}))
    assert page.post(body, idempotency_key="mine").status_code == 500
    executor.error = None
    assert page.post(body, idempotency_key="mine").status_code == 200
    answers.append(page.post({"code": "2"}, idempotency_key="mine"))
    IdempotentRequest.objects.update(execution=Execution.objects.create(key=page.key, code="1", timeout=5))
    answers.append(page.post(body, idempotency_key="mine"))
    suspension = Suspension.objects.create(address="127.0.0.1", reason="a test")
    answers.append(page.run())
    suspension.delete()
    interactive = {"code": "1", "interactive": True, "learner": "ada"}
    *streams, refused = [page.post(interactive, accept="text/event-stream") for _ in range(OWN_PLACES + 1)]
    for stream in streams:
        stream.close()
    answers.append(refused)
    for used_up in (
        {"cpu_seconds_per_day": 0},
        {"executions_per_day": 0},
        {"max_concurrent": 0},
        {"learner_rate": "1/d"},
        {"address_rate": "", "learner_rate": "", "rate": "1/d"},
    ):
        ApiKey.objects.update(**used_up)
        answers.extend(page.run("1", learner="ada") for _ in range(2))
    from_views = {(response.status_code, response.json()["code"]) for response in answers}
    refused_before = [refuse(LimitRequestLine(5000, 2048)), refuse(LimitRequestHeaders("too long"))]
    from_the_server = {(int(each[9:12]), json.loads(each.partition(b"\r\n\r\n")[2])["code"]) for each in refused_before}
    assert from_views | from_the_server == ERRORS
    for response in answers:
        detail, code = response.json()["detail"], response.json()["code"]
        if code in SENTENCES.get(response.status_code, {}) and not code.startswith("invalid"):
            assert without_figures(detail) == without_figures(SENTENCES[response.status_code][code])


def test_every_kind_of_stroke_is_documented() -> None:
    assert rows(section(PROGRAMS, "Strokes")).keys() == set(protocol.STROKES)
    for words in (f"{protocol.TRACE_BYTES // 1024} KiB", *(f"`{each}`" for each in protocol.ALIGNS)):
        assert words in section(PROGRAMS, "Strokes")


def test_every_event_is_documented(page: Page, executor: FakeExecutor) -> None:
    executor.main = replace(executor.main, stderr="a warning", images=(Image(b"png", 4, 3),))
    executor.strokes = (Stroke("dot", "#000000", 9, (1, 2)),)
    streamed = b"".join(page.post({"code": "1", "test_cases": [{}]}, accept="text/event-stream"))
    executor.late_error = RunLost("gone")
    stream = page.post({"code": "1", "interactive": True}, accept="text/event-stream")
    for chunk in stream:
        streamed += chunk
        if chunk.startswith(b"event: input"):
            execution = Execution.objects.latest("pk")
            get_backend().sessions.send(execution.public_id, Typist.of(Caller(page.key, None)), "", is_end=True)
    stream.close()
    assert rows(section(LIVE, "Events")).keys() == set(re.findall(r"^event: (\w+)$", streamed.decode(), re.MULTILINE))


def test_every_field_of_an_input_is_documented() -> None:
    assert rows(INPUT).keys() == InputSerializer().fields.keys()


def test_the_documented_error_body_is_correct(page: Page) -> None:
    documented = section(API, "Errors").split("```json\n")[1].split("\n```")[0]
    assert page.run(timeout=0).content.decode() == documented.replace('": ', '":').replace('", "', '","')


def test_the_documented_test_message_is_correct(page: Page) -> None:
    answer = page.run(test_cases=[{"input": "add(5, 3)", "expected_output": "8"}]).json()
    [result] = answer["test_results"]
    assert f"`{result['message']}`" in RESULT["message"]


def test_the_documented_request_of_an_exercise_is_recorded(page: Page) -> None:
    operations = (ROOT / "docs/operations.md").read_text()
    shown = json.loads(section(operations, "Exercises").split("```json\n")[1].split("\n```")[0])
    assert page.post(shown).status_code == 200
    assert Execution.objects.get().exercise == shown["exercise"]


def test_the_documented_health_fields_are_correct(page: Page) -> None:
    health = page.client.get("/health").json()
    documented: dict[str, Any] = json.loads(section(API, "Health").split("```json\n")[1].split("\n```")[0])
    assert documented.keys() == health.keys()
    assert documented["pool"].keys() == health["pool"].keys()


# docs/settings.md


def env_calls() -> dict[str, ast.Call]:
    """Return the calls in the settings that read an environment variable, by the variable's name."""
    calls = [node for node in ast.walk(SETTINGS_SOURCE) if isinstance(node, ast.Call)]
    return {
        call.args[0].value: call
        for call in calls
        if ast.unparse(call.func).startswith(("env.", "os.environ.", "int_or_auto"))
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


CALLS = env_calls()


def test_every_setting_is_documented() -> None:
    assert rows(SETTINGS).keys() == CALLS.keys()


@pytest.mark.parametrize("name", sorted(CALLS))
def test_the_documented_default_matches_the_code(name: str) -> None:
    documented = rows(SETTINGS)[name].split(" | ")[0]
    if ast.unparse(CALLS[name].func) == "int_or_auto":
        assert documented == "`auto`"
        return
    default = CALLS[name].args[1] if len(CALLS[name].args) > 1 else None
    if not isinstance(default, ast.Constant | ast.List):
        return  # there is none, or it depends on the project's directory
    value = ast.literal_eval(default)
    shown = ",".join(value) if isinstance(value, list) else str(value).lower() if value is False else str(value)
    assert documented == (f"`{shown}`" if shown else "none")


@pytest.mark.parametrize("name", sorted(CALLS))
def test_the_documented_bounds_match_the_code(name: str) -> None:
    bounds = re.search(r"(?:validate\.Range\(|int_or_auto\(.*, )([\d.]+), ([\d.]+)\)", ast.unparse(CALLS[name]))
    documented = re.search(r"\| ([\d.]+) to ([\d.]+)", rows(SETTINGS)[name])
    assert (bounds.groups() if bounds else None) == (documented.groups() if documented else None)


# README.md


def test_the_badges_are_up_to_date(tmp_path: Path) -> None:
    """`make badges` redraws them."""
    subprocess.run([sys.executable, ROOT / "scripts/make-badges", tmp_path], check=True)
    drawn = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert {path.name: path.read_text() for path in (ROOT / "docs/images").glob("badge-*")} == drawn
    assert all(f"docs/images/{name}" in README for name in drawn)


# Every document


def anchors(document: str) -> set[str]:
    """Return the anchors that GitHub creates for the headings."""
    headings = re.findall(r"^#+ (.*)$", document, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_has_a_target() -> None:
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for link, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", path.read_text()):
            target = path.parent / link if link else path
            assert target.exists(), f"{path.name}: {link}"
            assert not anchor or anchor in anchors(target.read_text()), f"{path.name}: {link}#{anchor}"


def test_api_package_documents_and_changelog_have_one_version() -> None:
    version = settings.SPECTACULAR_SETTINGS["VERSION"]
    package = json.loads((ROOT / "clients/typescript/package.json").read_text())["version"]
    locked = json.loads((ROOT / "clients/typescript/package-lock.json").read_text())["version"]
    used = json.loads((ROOT / "clients/nextjs/package-lock.json").read_text())["packages"]
    changes = re.findall(r"^## \[([\d.]+)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    guide = re.findall(r"pylearn-code-execution-([\d.]+)\.tgz", (ROOT / "docs/nextjs.md").read_text())
    versions = {package, locked, used["node_modules/@pylearn/code-execution"]["version"], changes[0], *guide}
    assert versions == {version}
