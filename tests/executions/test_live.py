"""`POST /execute` as a stream of events, and input for the running program."""

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from pytest_django import Settings

from apikeys.callers import Caller
from apikeys.keys import create_key
from apikeys.limits import INPUT_RATE, count_input
from apikeys.models import ApiKey, DailyUse, Suspension
from apikeys.tokens import mint_learner_token
from executions import bounds
from executions.models import Execution
from executions.running.backend import get_backend
from executions.running.interactive import THINKING_SECONDS, TURN_SECONDS, Typist
from executions.sandbox.results import Image, Run, RunLost, RunStatus, SandboxBusy
from executions.sandbox.strokes import Stroke
from tests.conftest import ORIGIN, Page
from tests.fakes import EIGHT, FakeExecutor
from web.notation import parse_rate

EVENTS = "text/event-stream"
NOT_FOUND = b'{"detail":"There is nothing at this address.","code":"not_found"}'

Event = tuple[str, dict[str, Any]]


class Stream:
    """A stream of events, read one by one."""

    def __init__(self, response: StreamingHttpResponse) -> None:
        assert response.status_code == 200, response.content
        self.response = response
        self._chunks = iter(response)

    def __iter__(self) -> Iterator[Event]:
        for chunk in self._chunks:
            name, data = chunk.decode().removesuffix("\n\n").split("\n")
            yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    def until(self, name: str) -> dict[str, Any]:
        """Read up to the next event with the name and return its data."""
        return next(data for each, data in self if each == name)

    def all(self) -> list[Event]:
        return list(self)

    def close(self) -> None:
        self.response.close()


Streams = Callable[..., Stream]


@pytest.fixture
def stream(page: Page) -> Iterator[Streams]:
    """Return a function that starts a stream, which is closed after the test."""
    begun: list[Stream] = []

    def begin(code: str = "print('Hello')", by: Page = page, token: str | None = None, **fields: Any) -> Stream:
        sent = {"accept": EVENTS, **({} if token is None else {"x_api_key": token})}
        begun.append(Stream(by.post({"code": code, **fields}, **sent)))
        return begun[-1]

    yield begin
    for each in begun:
        each.close()
    assert len(get_backend().sessions) == 0


@pytest.fixture
def server(page: Page) -> Page:
    key, token = create_key("Server", "secret", [ORIGIN])
    return Page(key, token, Client(raise_request_exception=False))


def test_events_come_as_the_execution_happens(page: Page, stream: Streams, executor: FakeExecutor) -> None:
    executor.main = replace(executor.main, stdout="one\ntwo ⚡\n", images=(Image(b"one", 4, 3), Image(b"two", 5, 6)))
    cases = [{"code": "print(8)", "expected_output": "8"}, {"expected_output": "one"}, {"stdin": ""}]
    events = stream(test_cases=cases).all()
    (first, start), *sent, (last, result) = events
    assert (first, set(start), last) == ("start", {"id"}, "result")
    assert "".join(data["text"] for name, data in sent if name == "stdout") == "one\ntwo ⚡\n"
    assert [data for name, data in sent if name == "image"] == result["images"]
    verdicts = {data.pop("index"): data for name, data in sent if name == "test"}
    assert [verdicts[index] for index in range(3)] == result["test_results"]
    plain = page.run(test_cases=cases).json()
    assert result == {**plain, "id": start["id"]}


def test_image_events_come_before_the_end_of_their_run(stream: Streams, executor: FakeExecutor) -> None:
    executor.main = replace(executor.main, images=(Image(b"main", 1, 1),))
    executor.test = replace(executor.test, images=(Image(b"test", 1, 1),))
    sent = stream(test_cases=[{"stdin": "", "hidden": True}, {}, {"code": "draw()"}]).all()
    shown = [(name, data.get("index", data.get("test_index"))) for name, data in sent if name in ("image", "test")]
    assert shown == [("image", None), ("test", 1), ("image", 2), ("test", 2), ("image", 0), ("test", 0)]
    assert [data for name, data in sent if name == "image"] == sent[-1][1]["images"]


def test_drawing_event_has_the_strokes(stream: Streams, executor: FakeExecutor) -> None:
    line = Stroke("line", "#ff0000", 1.5, (0, 0, 10.5, 0))
    text = Stroke("text", "#000000", 9, (1, 2), "é", "center")
    executor.strokes = (line, text)
    [drawing] = [data for name, data in stream() if name == "drawing"]
    expected = {"kind": "text", "color": "#000000", "width": 9, "points": [1, 2], "text": "é", "align": "center"}
    assert drawing["strokes"] == [{**asdict(line), "points": [0, 0, 10.5, 0]}, expected]


def test_test_event_has_as_much_output_as_the_answer(stream: Streams, executor: FakeExecutor) -> None:
    executor.test = replace(EIGHT, stdout="x" * (bounds.SHOWN_BYTES // 2 + 1))
    *sent, (_, result) = stream(test_cases=[{"stdin": ""}] * 3).all()
    verdicts = {data.pop("index"): data for name, data in sent if name == "test"}
    assert [verdicts[index]["truncated"] for index in range(3)] == [False, True, True]
    assert [verdicts[index] for index in range(3)] == result["test_results"]


def test_streamed_execution_is_recorded_and_charged_like_any_other(stream: Streams) -> None:
    stream("print(1)", test_cases=[{"stdin": ""}], learner="ada").all()
    record = Execution.objects.get()
    assert (record.code, record.status, record.output, record.learner) == ("print(1)", "success", "Hello\n", "ada")
    assert (record.total_cpu_seconds, record.waited_seconds, record.origin) == (0.375, 0.0625, ORIGIN)
    assert record.finished is not None
    assert set(DailyUse.objects.values_list("executions", "cpu_seconds")) == {(1, 0.375)}


def test_stream_must_not_be_cached_or_buffered(stream: Streams) -> None:
    response = stream().response
    assert response["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    assert response["X-Accel-Buffering"] == "no"
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert '"address";r=' in response["RateLimit"]
    assert "Content-Length" not in response


@pytest.mark.parametrize(
    "accept",
    [
        *("*/*", "application/json", "text/html,*/*;q=0.8", "text/event", "", "text/*", "text/html"),
        *("text/event-stream;q=0", "text/event-stream;q=0.0, */*", "Text/Event-Stream;q=0.9, application/json"),
        *("application/json, text/event-stream; q=0.999", "text/event-stream;q=0.5, application/*;q=0.6"),
    ],
)
def test_accept_without_events_gets_json(page: Page, accept: str) -> None:
    response = page.post({"code": "1"}, accept=accept)
    assert response["Content-Type"] == "application/json"
    assert response.json()["output"] == "Hello\n"


@pytest.mark.parametrize(
    "accept",
    [
        *(
            "text/event-stream",
            "Text/Event-Stream;q=0.9, application/json;q=0.8",
            "application/json, text/event-stream",
        ),
        *("text/event-stream;q=0.1", "text/html, text/event-stream;q=0.1", "text/event-stream, */*;q=0.5"),
    ],
)
def test_accept_with_events_gets_a_stream(page: Page, accept: str) -> None:
    response = page.post({"code": "1"}, accept=accept)
    assert response["Content-Type"].startswith(EVENTS)
    response.close()


def test_refused_stream_gets_the_same_error_as_json(page: Page, executor: FakeExecutor) -> None:
    def answer(body: Any, **headers: str | None) -> tuple[int, str]:
        response = page.post(body, accept=EVENTS, **headers)
        assert response["Content-Type"] == "application/json"
        assert response["Access-Control-Allow-Origin"] == ORIGIN
        return response.status_code, response.json()["code"]

    assert answer({"code": ""}) == (400, "invalid")
    assert answer(b"{") == (400, "invalid_json")
    assert answer({"code": "1"}, x_api_key=None) == (403, "invalid_key")
    assert answer({"code": "1"}, content_type="text/plain") == (415, "unsupported_media_type")
    suspension = Suspension.objects.create(address="127.0.0.1", reason="a test")
    assert answer({"code": "1", "learner": "eve"}) == (403, "suspended")
    suspension.delete()
    assert Execution.objects.count() == 0
    executor.error = SandboxBusy("full")
    assert answer({"code": "1", "interactive": True}) == (503, "unavailable")
    assert Execution.objects.get().status == "refused"
    assert len(get_backend().sessions) == 0
    ApiKey.objects.update(executions_per_day=0)
    assert answer({"code": "1", "interactive": True}) == (429, "executions_used_up")
    assert len(get_backend().sessions) == 0


def event_descriptors() -> set[str]:
    """Return the eventfds of this process. Each console has one."""
    return {each.name for each in Path("/proc/self/fd").iterdir() if _target(each) == "anon_inode:[eventfd]"}


def _target(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)
    except FileNotFoundError:  # the listing's own descriptor
        return ""


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_missing_thread_is_a_503_and_leaves_nothing_behind(
    page: Page, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(thread: Thread) -> None:
        raise error

    before = event_descriptors()
    monkeypatch.setattr(Thread, "start", fail)
    response = page.post({"code": "1", "interactive": True}, accept=EVENTS)
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    record = Execution.objects.get()
    assert (record.status, record.finished is None) == ("refused", False)
    assert set(DailyUse.objects.values_list("executions", flat=True)) == {0}
    assert len(get_backend().sessions) == 0
    assert not event_descriptors() - before


def test_run_lost_after_the_start_is_an_error_event(stream: Streams, executor: FakeExecutor) -> None:
    executor.late_error = RunLost("gone")
    name, data = stream().all()[-1]
    assert (name, set(data), data["code"]) == ("error", {"detail", "code"}, "unavailable")
    record = Execution.objects.get()
    assert (record.status, record.finished is None) == ("internal_error", False)
    assert set(DailyUse.objects.values_list("executions", flat=True)) == {0}


def test_internal_error_after_the_start_is_an_error_event(stream: Streams, executor: FakeExecutor) -> None:
    executor.late_error = ValueError("a bug")  # type: ignore[assignment]
    assert stream().all()[-1] == ("error", {"detail": "Something went wrong on our side.", "code": "server_error"})
    assert Execution.objects.get().status == "internal_error"


def test_hidden_tests_leak_nothing(stream: Streams, executor: FakeExecutor) -> None:
    executor.test = replace(EIGHT, stdout="SECRET-OUTPUT")
    case = {"input": "SECRET-INPUT", "expected_output": "SECRET-EXPECTED", "name": "SECRET-NAME", "hidden": True}
    events = stream(test_cases=[case]).all()
    assert "SECRET" not in str(events)
    [verdict] = [data for name, data in events if name == "test"]
    assert (verdict["index"], verdict["hidden"], verdict["passed"]) == (0, True, False)


def test_tests_that_did_not_run_have_the_status_not_run(stream: Streams, executor: FakeExecutor) -> None:
    executor.main, executor.test = Run(RunStatus.TIMEOUT), Run(RunStatus.NOT_RUN)
    events = stream(test_cases=[{"stdin": ""}]).all()
    assert [data["status"] for name, data in events if name in ("test", "result")] == ["not_run", "timeout"]


def test_client_that_disconnects_stops_the_program_and_is_charged(stream: Streams) -> None:
    watched = stream("input()", interactive=True)
    watched.until("input")
    watched.close()
    record = Execution.objects.get()
    assert (record.status, record.output, record.finished is None) == ("cancelled", "Hello\n", False)
    assert record.error == "Execution stopped because the client disconnected"
    assert set(DailyUse.objects.values_list("executions", "cpu_seconds")) == {(1, 0.125)}
    assert len(get_backend().sessions) == 0


def test_client_that_never_reads_stops_the_program(stream: Streams) -> None:
    stream("input()", interactive=True).close()
    assert Execution.objects.get().status == "cancelled"


# Input


def answer(page: Page, execution_id: str, body: Any = None, **headers: str | None) -> Any:
    names = {"x_api_key": page.token, "origin": ORIGIN, "content_type": "application/json", **headers}
    sent = {name.replace("_", "-"): value for name, value in names.items() if value is not None}
    data = body if isinstance(body, bytes) else json.dumps({"text": "Ada"} if body is None else body)
    path = f"/executions/{execution_id}/input"
    return page.client.generic("POST", path, data, content_type=sent.pop("content-type"), headers=sent)


def test_input_that_is_sent_again_with_its_idempotency_key_is_read_once(page: Page, stream: Streams) -> None:
    """Also when the program has ended since; a 404 would not say whether it had read the line."""
    watched = stream("print(input())", interactive=True)
    execution_id = watched.until("start")["id"]
    watched.until("input")
    first, again = (answer(page, execution_id, idempotency_key="mine") for _ in range(2))
    assert watched.until("result")["output"] == "Hello\nAda\n"
    late, other = (
        answer(page, execution_id, idempotency_key="mine"),
        answer(page, execution_id, {"text": "Eve"}, idempotency_key="mine"),
    )
    assert [response.status_code for response in (first, again, late, other)] == [204, 204, 204, 422]
    assert [response.get("Idempotent-Replayed") for response in (first, again, late)] == [None, "true", "true"]
    assert Execution.objects.get().input_data == "Ada\n"
    assert answer(page, execution_id, idempotency_key="new").status_code == 404


def test_program_reads_the_input_that_is_sent(page: Page, stream: Streams) -> None:
    watched = stream("print(input())", interactive=True, input_data="first\n")
    execution_id = watched.until("start")["id"]
    assert watched.until("input") == {}
    response = answer(page, execution_id)
    assert (response.status_code, response.content) == (204, b"")
    assert response["Cache-Control"] == "no-store"
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert response["RateLimit"].startswith('"input";r=2999;t=')
    assert watched.until("stdout") == {"text": "Ada\n"}
    assert watched.until("result")["output"] == "Hello\nAda\n"
    assert Execution.objects.get().input_data == "first\nAda\n"


@pytest.mark.parametrize(
    ("body", "fed"),
    [
        ({"text": "Ada"}, "Ada\n"),
        ({"text": ""}, "\n"),
        ({"text": "größer 🐍"}, "größer 🐍\n"),
        ({"text": "one\ntwo"}, "one\ntwo\n"),
        ({"text": "Ada", "end": True}, "Ada\n"),
        ({"text": "Ada", "end": False}, "Ada\n"),
        ({"end": True}, ""),
        ({"text": None, "end": True}, ""),
        ({"text": "x" * bounds.INPUT_TEXT_BYTES}, "x" * bounds.INPUT_TEXT_BYTES + "\n"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_program_reads_each_text_as_a_line(page: Page, stream: Streams, body: Any, fed: str) -> None:
    watched = stream(interactive=True)
    assert answer(page, watched.until("start")["id"], body).status_code == 204
    assert watched.until("result")["output"] == f"Hello\n{fed}"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"end": False},
        {"text": None},
        {"text": 5},
        {"text": ["Ada"]},
        {"text": "Ada", "end": "true"},
        {"text": "Ada", "id": "x"},
        {"text": "x" * (bounds.INPUT_TEXT_BYTES + 1)},
        {"text": "é" * (bounds.INPUT_TEXT_BYTES // 2) + "x"},
        {"text": "\0"},
        {"text": "\ud800"},
        [],
        b"Ada",
        b'{"text": "a", "text": "b"}',
    ],
    ids=lambda body: str(body)[:30],
)
def test_invalid_input_is_refused_and_not_read(page: Page, stream: Streams, body: Any) -> None:
    watched = stream(interactive=True)
    execution_id = watched.until("start")["id"]
    assert answer(page, execution_id, body).status_code == 400
    assert answer(page, execution_id).status_code == 204
    assert watched.until("result")["output"] == "Hello\nAda\n"


def test_all_input_together_is_bounded(page: Page, stream: Streams) -> None:
    execution_id = stream(interactive=True).until("start")["id"]
    session = get_backend().sessions.find(uuid.UUID(execution_id), Typist.of(Caller(page.key, None)))
    assert session is not None
    session.typed = "x" * (bounds.INPUT_BYTES - 4)
    response = answer(page, execution_id, {"text": "Eve!"})
    assert response.status_code == 400
    assert response.json()["fields"] == {"text": "All input together is at most 262144 bytes."}
    assert answer(page, execution_id, {"text": "Ada"}).status_code == 204


def test_input_after_its_end_is_a_404(page: Page, stream: Streams) -> None:
    watched = stream(interactive=True)
    execution_id = watched.until("start")["id"]
    assert answer(page, execution_id, {"end": True}).status_code == 204
    assert answer(page, execution_id).status_code == 404


def test_input_for_other_executions_is_a_404(page: Page, stream: Streams) -> None:
    other_key, other_token = create_key("Other", "publishable", [ORIGIN])
    other = Page(other_key, other_token, page.client)
    ended = stream().all()[0][1]["id"]
    not_interactive = stream()
    foreign = stream(interactive=True).until("start")["id"]
    answers = [
        answer(page, str(uuid.uuid4())),
        answer(page, ended),
        answer(page, not_interactive.until("start")["id"]),
        answer(other, foreign),
    ]
    assert {(each.status_code, each.content) for each in answers} == {(404, NOT_FOUND)}


def test_input_needs_the_key_and_the_origin(page: Page, stream: Streams) -> None:
    execution_id = stream(interactive=True).until("start")["id"]
    assert answer(page, execution_id, x_api_key=None).status_code == 403
    assert answer(page, execution_id, origin="https://evil.example").status_code == 403
    assert answer(page, execution_id, content_type="text/plain").status_code == 415
    assert page.client.get(f"/executions/{execution_id}/input").status_code == 405


def test_learner_sends_input_to_own_programs_and_server_to_all(server: Page, stream: Streams) -> None:
    def token(learner: str) -> str:
        body = {"learner": learner}
        sent = {"X-API-Key": server.token}
        return str(server.client.post("/tokens", body, "application/json", headers=sent).json()["token"])

    ada = stream(by=server, token=token("ada"), interactive=True)
    own = stream(by=server, learner="ada", interactive=True)
    ada_id, own_id = ada.until("start")["id"], own.until("start")["id"]
    statuses = [
        answer(server, ada_id, x_api_key=token("eve")).status_code,
        answer(server, own_id, x_api_key=token("ada")).status_code,
        answer(server, ada_id, x_api_key=token("ada")).status_code,
        answer(server, own_id).status_code,
    ]
    assert statuses == [404, 404, 204, 204]


def test_rotated_key_sends_input_to_programs_of_the_old_one(page: Page, stream: Streams) -> None:
    execution_id = stream(interactive=True).until("start")["id"]
    successor, token = create_key("Site", "publishable", [ORIGIN])
    ApiKey.objects.filter(pk=successor.pk).update(family=page.key.family)
    assert answer(Page(successor, token, page.client), execution_id).status_code == 204


def test_input_faster_than_its_rate_is_refused(page: Page, stream: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)  # the rate's window must not end during the test
    most, _ = parse_rate(INPUT_RATE)
    for _ in range(most - 3):
        count_input(page.key, "address:127.0.0.1")
    ApiKey.objects.update(rate="1/d", address_rate="1/d")
    execution_id = stream(interactive=True).until("start")["id"]
    responses = [answer(page, execution_id, {"text": 5}) for _ in range(4)]
    assert [each.status_code for each in responses] == [400, 400, 400, 429]
    assert responses[-1].json()["code"] == "learner_rate_limited"
    assert int(responses[-1]["Retry-After"]) > 0


def test_interactive_without_events_is_refused(page: Page) -> None:
    response = page.run(interactive=True)
    assert response.status_code == 400
    assert response.json()["fields"] == {"interactive": "Needs the header Accept: text/event-stream."}


def test_an_interactive_program_is_not_traced(page: Page, executor: FakeExecutor) -> None:
    response = page.post({"code": "1", "interactive": True, "trace": True}, accept=EVENTS)
    assert (response.status_code, list(response.json()["fields"])) == (400, ["trace"])
    assert executor.submissions == []
    assert page.run(interactive=False).status_code == 200
    assert page.run(interactive=None).status_code == 200


def refused_interactive(by: Page, **fields: Any) -> tuple[int, str, str]:
    """Ask for an interactive program, which must be refused; return the status, the code and the sentence."""
    response = by.post({"code": "input()", "interactive": True, **fields}, accept=EVENTS)
    body = response.json()
    return response.status_code, body["code"], body["detail"].partition(" Try again")[0]


@pytest.mark.wall("shares")
def test_one_learner_gets_at_most_an_eighth_of_the_interactive_places(
    server: Page, stream: Streams, settings: Settings
) -> None:
    settings.SANDBOX_MAX_INTERACTIVE = 24
    for _ in range(3):
        stream(by=server, learner="ada", interactive=True)
    response = server.post({"code": "1", "learner": "ada", "interactive": True}, accept=EVENTS)
    assert response.status_code == 429
    assert response.json()["code"] == "interactive_limited"
    assert response.json()["detail"].startswith("This learner is already running 3 interactive programs.")
    assert response["RateLimit-Policy"] == '"interactive";q=3;qu="concurrent-requests"'
    stream(by=server, learner="ada").all()  # a program that asks for no input
    stream(by=server, learner="bob", interactive=True)
    assert Execution.objects.count() == 5


def test_interactive_places_that_are_all_taken_are_a_503(server: Page, stream: Streams, settings: Settings) -> None:
    settings.SANDBOX_MAX_INTERACTIVE = 4
    for learner in ("ada", "bob", "cid", "dan"):
        stream(by=server, learner=learner, interactive=True)
    assert refused_interactive(server, learner="eve")[:2] == (503, "unavailable")
    assert refused_interactive(server, learner="ada")[:2] == (503, "unavailable")


def test_thirty_pupils_at_one_address_all_wait_for_input(
    page: Page, server: Page, stream: Streams, settings: Settings
) -> None:
    settings.SANDBOX_MAX_INTERACTIVE = 30
    for number in range(30):
        token = str(mint_learner_token(server.key, f"pupil {number}", 60))
        stream(token=token, interactive=True).until("input")


def test_thirty_pupils_whom_a_page_only_claims_all_wait_for_input(
    page: Page, stream: Streams, settings: Settings
) -> None:
    settings.SANDBOX_MAX_INTERACTIVE = 40
    for number in range(30):
        stream(learner=f"pupil {number}", interactive=True).until("input")
    assert refused_interactive(page, learner="pupil 31") == (
        429,
        "interactive_limited",
        "Many people at your address are running interactive programs.",
    )


@pytest.mark.wall("room_for_newcomers")
@pytest.mark.parametrize(("places", "addresses"), [(3, 2), (4, 3), (8, 7), (29, 9), (64, 9)])
def test_any_number_of_addresses_leave_a_place_for_the_next(
    page: Page, stream: Streams, settings: Settings, places: int, addresses: int
) -> None:
    """Two or three addresses could hold all places for minutes."""
    settings.SANDBOX_MAX_INTERACTIVE = places
    for number in range(addresses):
        take_all_places(page_at(page, f"192.0.2.{number}"), stream, places)
    stream(interactive=True).until("input")


def page_at(page: Page, address: str) -> Page:
    return Page(page.key, page.token, Client(REMOTE_ADDR=address))


def take_all_places(attacker: Page, stream: Streams, places: int) -> None:
    """Begin interactive programs until one is refused."""

    def begin() -> None:
        for number in range(places + 1):
            stream(by=attacker, interactive=True, learner=f"learner {number}")

    with pytest.raises(AssertionError, match=r"interactive_limited|unavailable"):
        begin()


@pytest.mark.wall("room_for_newcomers")
@pytest.mark.parametrize("places", [1, 2, 3, 4])
def test_a_place_is_kept_for_as_long_as_a_person_thinks(
    page: Page, stream: Streams, settings: Settings, monkeypatch: pytest.MonkeyPatch, places: int
) -> None:
    """Each of many addresses could keep its place for minutes while nobody typed."""
    settings.SANDBOX_MAX_INTERACTIVE = places
    first, *_ = [stream(by=page_at(page, f"192.0.2.{number}"), interactive=True) for number in range(places)]
    assert refused_interactive(page)[:2] == (503, "unavailable")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + THINKING_SECONDS)
    stream(interactive=True).until("input")
    result = first.until("result")
    assert (result["status"], result["error"]) == ("timeout", "Execution timed out while waiting for input")


def test_who_types_all_the_time_keeps_a_place_for_a_minute(
    page: Page, stream: Streams, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SANDBOX_MAX_INTERACTIVE = 1
    first = stream(by=page_at(page, "192.0.2.1"), interactive=True)
    session = get_backend().sessions.find(uuid.UUID(first.until("start")["id"]), Typist.of(Caller(page.key, None)))
    assert session is not None
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    session.began = now - TURN_SECONDS + 1
    assert refused_interactive(page)[:2] == (503, "unavailable")
    session.began = now - TURN_SECONDS
    stream(interactive=True).until("input")
    assert first.until("result")["status"] == "timeout"


def test_refusal_of_an_interactive_program_names_the_time_that_a_place_takes(
    page: Page, stream: Streams, settings: Settings
) -> None:
    settings.SANDBOX_MAX_INTERACTIVE, settings.SANDBOX_INPUT_SECONDS = 2, 45
    stream(interactive=True)
    response = page.post({"code": "input()", "interactive": True}, accept=EVENTS)
    assert response.status_code == 429
    assert 44 <= int(response["Retry-After"]) <= 48


def test_no_interactive_slots_at_all_is_a_503(page: Page, settings: Settings) -> None:
    settings.SANDBOX_MAX_INTERACTIVE = 0
    assert page.post({"code": "1", "interactive": True}, accept=EVENTS).status_code == 503
