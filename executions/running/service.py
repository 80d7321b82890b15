"""Runs a request from its record to its answer: record it, run it, judge it, record what came of it."""

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from structlog.contextvars import bind_contextvars

from apikeys.admission import is_learner_shut_out
from apikeys.models import ApiKey
from apikeys.quotas import Account
from executions.models import Execution
from executions.records.record import Charged, begin, create, finish
from executions.request import ExecutionRequest, TestCase, in_running_order
from executions.running.error_detail import error_detail
from executions.running.executor import Executor
from executions.running.judge import judge, with_echoes, without_echoes
from executions.running.wording import error_text
from executions.sandbox.results import CallerGone, Image, Outcome, RunLost, SandboxBusy, SandboxUnavailable

STORED = (
    "output error error_detail execution_time test_results status exit_code cpu_time memory_peak_kb truncated "
    "learner created finished"
).split()
"""What an answer from the record has of it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a request comes from: the key, as whose use it counts, the page's origin and the client's address.

    `is_abandoned` tells whether the client has gone meanwhile.
    """

    key: ApiKey
    who: str
    origin: str
    client_address: str | None
    is_abandoned: Callable[[], bool]


class Suspended(Exception):
    """Staff have shut this learner out. Why is on record, and not for the answer."""


def execute(request: ExecutionRequest, source: Source, executor: Executor) -> dict[str, Any]:
    """Run `request` and return the body of the answer.

    Raises Suspended or LimitReached: then there is no record; SandboxError when it could not be run, after that is on
    record; DatabaseError when it could not be recorded: then nothing has run.
    """
    execution, charged = admit(request, source, executor)
    submission = request.submission(source.is_abandoned)
    return conclude(execution, request, lambda: executor.execute(submission), charged)


def admit(request: ExecutionRequest, source: Source, executor: Executor) -> tuple[Execution, Charged]:
    """Record that `request` is about to be run. Raises what `execute` does before there is a record."""
    if executor.health().disk != "ok":  # nothing is written there any more, not even that it was refused
        raise SandboxUnavailable("a disk is nearly full")
    if is_learner_shut_out(source.key, request.learner):
        raise Suspended
    account = Account.today(source.key, source.who)
    return begin(request, account, source.origin, source.client_address)


def run_again(original: Execution, staff: User, executor: Executor) -> Execution:
    """Run a stored program once more, at nobody's expense, and return the new record.

    Raises SandboxError when it could not be run, after that is on record, and DatabaseError.
    """
    cases = None if original.test_cases is None else tuple(TestCase.of(case) for case in original.test_cases)
    request = ExecutionRequest(original.code, original.input_data, cases, original.timeout)
    execution = create(request, staff=staff, repeats=original)
    conclude(execution, request, lambda: executor.execute(request.submission()))
    execution.refresh_from_db()
    return execution


def answer(request: ExecutionRequest, outcome: Outcome) -> dict[str, Any]:
    """Return the body of the answer to `request`, but for the id of its record."""
    return {**_result(request, outcome), **_images(request, outcome)}


def stored_answer(execution: Execution) -> dict[str, Any]:
    """Return the body of the answer to the request that an execution is the record of, and what else is known."""
    result = {name: getattr(execution, name) for name in STORED}
    if execution.test_results and execution.test_cases:
        result["test_results"] = with_echoes(execution.test_results, execution.test_cases)
    return {**result, "images": [], "images_dropped": 0, "id": str(execution.public_id)}


def conclude(
    execution: Execution, request: ExecutionRequest, run: Callable[[], Outcome], charged: Charged | None = None
) -> dict[str, Any]:
    """Have what is on record run, record what came of it, and return the body of the answer.

    Raises what `run` does, after that is on record.
    """
    bind_contextvars(execution_id=str(execution.public_id))  # in every line of the log from here on
    try:
        outcome = run()
    except (SandboxBusy, SandboxUnavailable, CallerGone) as error:
        log.warning("refused %s: %s", execution.public_id, error)
        finish(execution, {"status": Execution.Status.REFUSED, "error": "Nothing was run: the service was not free."})
        raise
    except RunLost as error:
        log.error("lost %s: %s", execution.public_id, error)
        finish(execution, {"status": Execution.Status.INTERNAL_ERROR, "error": "The run was lost."})
        raise
    except Exception:
        finish(execution, {"status": Execution.Status.INTERNAL_ERROR, "error": "The run was lost."})
        raise
    result = _result(request, outcome)
    values = {**result, "waited_seconds": outcome.waited_seconds, "total_cpu_seconds": outcome.cpu_seconds}
    if result["test_results"]:
        values["test_results"] = without_echoes(result["test_results"])
    if request.interactive:
        values["input_data"] = execution.input_data  # with all that was typed
    finish(execution, values, outcome, charged)
    return {**result, **_images(request, outcome), "id": str(execution.public_id)}


def _images(request: ExecutionRequest, outcome: Outcome) -> dict[str, Any]:
    """Return what only the answer has: images are not kept."""
    places = (None, *in_running_order(request.test_cases or ()))
    shown = [(image, place) for place, run in zip(places, outcome.runs, strict=True) for image in run.images]
    return {
        "images": [image_body(image, place) for image, place in shown],
        "images_dropped": sum(run.images_dropped for run in outcome.runs),
    }


def image_body(image: Image, test_index: int | None) -> dict[str, Any]:
    """Return one of the answer's `images`: of the test case at that place, None for the program's own run."""
    data = base64.b64encode(image.data).decode()
    return {"format": "png", "data": data, "width": image.width, "height": image.height, "test_index": test_index}


def _result(request: ExecutionRequest, outcome: Outcome) -> dict[str, Any]:
    """Return what the answer and the record have in common."""
    main = outcome.main
    return {
        "output": main.stdout,
        "error": error_text(main, request.timeout),
        "error_detail": error_detail(main, request.timeout),
        "execution_time": round(main.wall_seconds, 6),
        "test_results": judge(request.test_cases, outcome, request.timeout) if request.test_cases else None,
        "status": str(main.status),
        "exit_code": main.exit_code,
        "cpu_time": round(main.cpu_seconds, 6),
        "memory_peak_kb": main.memory_peak_kb,
        "truncated": main.truncated,
    }
