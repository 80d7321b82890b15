"""Runs a request: admit it, run it, judge it, record what it did, and return the answer."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.models import User
from structlog.contextvars import bind_contextvars

from executions.answer import Answer, CollectedFile, ShownImage
from executions.models import Execution
from executions.records.late_records import LateRecords
from executions.records.record import Payer, create, fail, finish, request_of
from executions.request import ExecutionRequest, in_running_order
from executions.running.admission import Source, admit
from executions.running.backend import Backend
from executions.running.judge import judge
from executions.running.language import speaking
from executions.running.outcome import error_detail, error_text
from executions.running.score import group_results, score
from executions.sandbox.results import (
    CallerGone,
    NotCollected,
    Outcome,
    Reason,
    RunLost,
    SandboxBusy,
    SandboxUnavailable,
)

log = logging.getLogger(__name__)


def execute(request: ExecutionRequest, source: Source, backend: Backend, is_kept: bool = False) -> Answer:
    """Run `request` and return the answer. If it `is_kept`, all of it can be fetched later.

    Raises Refused (there is no record), SandboxError if it could not run (that is recorded), or DatabaseError if it
    could not be recorded (nothing has run).
    """
    admitted = admit(request, source, backend)
    with failure_recorded(admitted.execution, backend.late_records):
        submission = request.submission(admitted.payer.party)
        outcome = backend.executor.execute(submission, may_begin=source.is_waiting)
    return conclude(admitted.execution, request, outcome, backend.late_records, admitted.payer, is_kept=is_kept)


def run_again(original: Execution, staff: User, backend: Backend) -> Execution:
    """Run a stored program once more, charged to nobody, and return the new record.

    Raises SandboxError if it could not run, after recording that, or DatabaseError.
    """
    request = request_of(original)
    execution = create(request, staff=staff, repeats=original)
    with failure_recorded(execution, backend.late_records):
        outcome = backend.executor.execute(request.submission())
    conclude(execution, request, outcome, backend.late_records)
    execution.refresh_from_db()
    return execution


@contextmanager
def failure_recorded(execution: Execution, late_records: LateRecords) -> Iterator[None]:
    """Record an error that the block raises while it runs `execution`, and raise it again."""
    bind_contextvars(execution_id=str(execution.public_id))  # in all further lines of the log
    try:
        yield
    except (SandboxBusy, SandboxUnavailable, CallerGone) as error:
        log.warning("refused %s: %s", execution.public_id, error)
        fail(execution, Execution.Status.REFUSED, "Nothing ran: the service was busy or unavailable.", late_records)
        raise
    except Exception as error:  # whatever it is, no execution may stay "running" on record
        if isinstance(error, RunLost):
            log.error("lost %s: %s", execution.public_id, error)
        fail(execution, Execution.Status.INTERNAL_ERROR, "The run was lost.", late_records)
        raise


def conclude(
    execution: Execution,
    request: ExecutionRequest,
    outcome: Outcome,
    late_records: LateRecords,
    payer: Payer | None = None,
    typed: str = "",
    is_kept: bool = False,
) -> Answer:
    """Judge an outcome, record it with the input that was `typed`, and return the answer.

    If it `is_kept`, all of it can be fetched later (`executions.records.kept`).
    """
    with failure_recorded(execution, late_records):
        answer = answer_of(request, outcome, str(execution.public_id))
    finish(execution, answer, outcome, late_records, payer, typed, is_kept)
    return answer


def answer_of(request: ExecutionRequest, outcome: Outcome, record_id: str | None = None) -> Answer:
    """Return the answer to `request`, which ended in `outcome`, in the learner's language."""
    with speaking(request.locale):
        return _answer_of(request, outcome, record_id)


def _answer_of(request: ExecutionRequest, outcome: Outcome, record_id: str | None) -> Answer:
    main = outcome.main
    cases = request.test_cases or ()
    indexes = (None, *in_running_order(cases))
    runs = zip(indexes, outcome.runs, strict=True)
    results = judge(cases, outcome, request.timeout)
    passed = [result.passed for result in results]
    gained, most = score(cases, passed)
    told = {file.name for file in main.collected} | {each.name for each in main.not_collected}
    lost = tuple(NotCollected(name, Reason.LOST) for name in request.collect if name not in told)
    return Answer(
        output=main.stdout,
        error=error_text(main, request.timeout),
        error_detail=error_detail(main, request.timeout),
        execution_time=round(main.wall_seconds, 6),
        test_results=results or None,
        score=gained,
        max_score=most,
        groups=group_results(cases, passed),
        status=str(main.status),
        exit_code=main.exit_code,
        cpu_time=round(main.cpu_seconds, 6),
        memory_peak_kb=main.memory_peak_kb,
        truncated=main.truncated,
        images=tuple(ShownImage.of(image, index) for index, run in runs for image in run.images),
        images_dropped=sum(run.images_dropped for run in outcome.runs),
        trace=outcome.trace,
        files=tuple(CollectedFile.of(file) for file in main.collected),
        not_collected=main.not_collected + lost,
        id=record_id,
    )
