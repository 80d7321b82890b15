"""The lines of the log."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import structlog
from django.conf import settings
from structlog.contextvars import bind_contextvars

from executions.running.backend import get_backend
from executions.sandbox.console import Console
from executions.sandbox.results import Outcome, SandboxBusy, Submission, always
from tests.conftest import Page, database_fails
from tests.fakes import HEALTHY, FakeExecutor


class Lines(logging.Handler):
    """Keeps each line in the service's format."""

    def __init__(self) -> None:
        super().__init__()
        options = settings.LOGGING["formatters"]["line"]
        chains = {name: options[name] for name in ("processors", "foreign_pre_chain")}
        self.setFormatter(structlog.stdlib.ProcessorFormatter(**chains))
        self.objects: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        assert "\n" not in line
        self.objects.append(json.loads(line))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def test_every_line_has_the_ids_of_request_and_execution(page: Page, executor: FakeExecutor, lines: Lines) -> None:
    executor.error = SandboxBusy("full")
    answer = page.run("print('CANARY')")
    assert answer.status_code == 503
    ours = [line for line in lines.objects if line["logger"] == "executions.running.service"]
    [execution_id] = {line["execution_id"] for line in ours}
    assert f"refused {execution_id}: full" in [line["event"] for line in ours]
    assert {line["request_id"] for line in lines.objects} == {answer["X-Request-ID"]}
    assert "CANARY" not in json.dumps(lines.objects)


def test_the_ids_of_the_last_request_are_gone(page: Page, executor: FakeExecutor, lines: Lines) -> None:
    page.run()
    page.post({"code": "1"}, x_api_key="nonsense")
    assert lines.objects
    assert "execution_id" not in lines.objects[-1]


class LoggingExecutor(FakeExecutor):
    """Logs a line in the thread that runs a program."""

    def execute(
        self, submission: Submission, console: Console | None = None, may_begin: Callable[[], bool] = always
    ) -> Outcome:
        logging.getLogger("executions.sandbox").warning("running")
        return super().execute(submission, console, may_begin)


def test_lines_of_a_stream_have_its_ids_and_those_after_it_do_not(page: Page, lines: Lines) -> None:
    get_backend().executor = LoggingExecutor()
    stream = page.post({"code": "1"}, accept="text/event-stream")
    start = b"".join(stream).split(b"\n")[1]
    [running] = [line for line in lines.objects if line["event"] == "running"]
    assert running["request_id"] == stream["X-Request-ID"]
    assert running["execution_id"] == json.loads(start.removeprefix(b"data: "))["id"]
    refused = page.post({"code": "1"}, x_api_key="nonsense")
    assert lines.objects[-1]["request_id"] == refused["X-Request-ID"]
    assert "execution_id" not in lines.objects[-1]


@pytest.mark.parametrize("sent", ["x" * 4_000, "of-a-client", "a b\tc"])
def test_client_does_not_choose_the_id_of_its_request(page: Page, lines: Lines, sent: str) -> None:
    """Otherwise it could write what it likes into each line of the log."""
    refused = page.post({"code": "1"}, x_api_key="nonsense", x_request_id=sent, x_correlation_id=sent)
    assert UUID(refused["X-Request-ID"])
    assert lines.objects
    assert sent not in "".join(str(value) for line in lines.objects for value in line.values())


def test_request_begins_without_the_ids_that_its_thread_has(page: Page, lines: Lines) -> None:
    bind_contextvars(execution_id="of another request")
    page.post({"code": "1"}, x_api_key="nonsense")
    assert lines.objects
    assert "of another request" not in json.dumps(lines.objects)


def test_unhealthy_state_is_not_logged_as_a_failed_request(page: Page, executor: FakeExecutor, lines: Lines) -> None:
    """Health checks come every few seconds, and first before programs can run."""
    executor.state = replace(HEALTHY, ready=False)
    assert page.client.get("/health").status_code == 503
    assert page.client.post("/health").status_code == 405
    assert [line["code"] for line in lines.objects] == [405]


def test_a_failing_database_is_a_short_line_without_rows(page: Page, lines: Lines) -> None:
    with database_fails("INSERT", message="no room\nDETAIL: Failing row contains (CANARY)"):
        assert page.run().status_code == 503
    [line] = [line for line in lines.objects if line["event"] == "database or cache failed"]
    assert line["error"] == "OperationalError: no room"
    assert re.fullmatch(r"[a-z/_]+\.py:\d+", line["at"])
    assert "exception" not in line
    assert "CANARY" not in json.dumps(lines.objects)


def test_exception_is_logged_as_one_line(lines: Lines) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("executions").exception("failed")
    [line] = lines.objects
    assert line["level"] == "error"
    assert "Traceback" in line["exception"]
