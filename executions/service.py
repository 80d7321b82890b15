"""Runs a request from its record to its answer: record it, run it, judge it, record what came of it."""

import hashlib
import logging
import time
from dataclasses import asdict, dataclass
from typing import Any

from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from apikeys.models import ApiKey
from executions.executor import Executor
from executions.judge import judge
from executions.models import Execution
from executions.requests import ExecutionRequest
from executions.sandbox.results import Outcome, RunLost, SandboxBusy, SandboxUnavailable
from executions.wording import error_text

FINAL_UPDATE_PAUSES_SECONDS = (0.1, 0.5, 2.0)
"""Between the attempts to record a result that is already known."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a request comes from: the key, the page's origin and the client's address."""

    key: ApiKey
    origin: str
    client_address: str | None


def execute(request: ExecutionRequest, source: Source, executor: Executor) -> dict[str, Any]:
    """Run `request` and return the body of the answer.

    Raises SandboxError when it could not be run, after that is on record, and DatabaseError when it could not be
    recorded: then nothing has run.
    """
    execution = _begin(request, source)
    try:
        outcome = executor.execute(request.submission())
    except (SandboxBusy, SandboxUnavailable) as error:
        log.warning("refused %s: %s", execution.public_id, error)
        _finish(execution, {"status": Execution.Status.REFUSED, "error": "Nothing was run: the service was not free."})
        raise
    except RunLost as error:
        log.error("lost %s: %s", execution.public_id, error)
        _finish(execution, {"status": Execution.Status.INTERNAL_ERROR, "error": "The run was lost."})
        raise
    except Exception:
        _finish(execution, {"status": Execution.Status.INTERNAL_ERROR, "error": "The run was lost."})
        raise
    result = _result(request, outcome)
    _finish(execution, {**result, "waited_seconds": outcome.waited_seconds})
    return {**_answer(result), "id": str(execution.public_id)}


def answer(request: ExecutionRequest, outcome: Outcome) -> dict[str, Any]:
    """Return the body of the answer to `request`, but for the id of its record."""
    return _answer(_result(request, outcome))


def _answer(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "error_detail": None, "images": []}


def _begin(request: ExecutionRequest, source: Source) -> Execution:
    cases = request.test_cases
    return Execution.objects.create(
        code=request.code,
        code_hash=hashlib.sha256(request.code.encode()).hexdigest(),
        input_data=request.input_data,
        test_cases=None if cases is None else [asdict(case) for case in cases],
        timeout=request.timeout,
        key=source.key,
        learner=request.learner,
        origin=source.origin,
        client_address=source.client_address,
    )


def _result(request: ExecutionRequest, outcome: Outcome) -> dict[str, Any]:
    """Return what the answer and the record have in common."""
    main = outcome.main
    return {
        "output": main.stdout,
        "error": error_text(main, request.timeout),
        "execution_time": round(main.wall_seconds, 6),
        "test_results": judge(request.test_cases, outcome) if request.test_cases else None,
        "status": str(main.status),
        "exit_code": main.exit_code,
        "cpu_time": round(main.cpu_seconds, 6),
        "memory_peak_kb": main.memory_peak_kb,
        "truncated": main.truncated,
    }


def _finish(execution: Execution, values: dict[str, Any]) -> None:
    """Record what came of an execution, once. A database that is away for a moment loses nothing."""
    for pause_seconds in (*FINAL_UPDATE_PAUSES_SECONDS, None):
        try:
            # Whoever comes second finds `finished` set, and changes nothing.
            unfinished = Execution.objects.filter(pk=execution.pk, finished=None)
            if not unfinished.update(**values, finished=timezone.now()):
                log.error("%s was finished already", execution.public_id)
            return
        except (DatabaseError, InterfaceError) as error:
            if pause_seconds is None:
                log.exception("the result of %s is not on record", execution.public_id)
                return
            log.warning("recording %s again in %s s: %s", execution.public_id, pause_seconds, error)
            time.sleep(pause_seconds)
            close_old_connections()
