"""Executions in the background: accepted now, run when it is their turn, and fetched later.

A process runs what it has accepted. If it dies, they end like everything that it was running (records/servers.py).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, close_old_connections
from structlog.contextvars import bound_contextvars, get_contextvars

from executions.models import Execution
from executions.records.record import Payer, fail, request_of
from executions.request import ExecutionRequest, Locale
from executions.running.admission import Source, admit
from executions.running.backend import Backend
from executions.running.jobs import STOPPED, Job
from executions.running.service import conclude, failure_recorded
from executions.sandbox.results import Outcome, SandboxBusy, SandboxError, SandboxUnavailable
from executions.sandbox.timing import Deadline

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the record of an accepted execution does not contain."""

    pk: int
    public_id: UUID
    payer: Payer
    is_traced: bool
    locale: Locale
    collect: tuple[str, ...]
    deadline: Deadline
    log_context: dict[str, Any] = field(default_factory=get_contextvars)


def accept(request: ExecutionRequest, source: Source, backend: Backend) -> Execution:
    """Record `request` as running and let it run in the background. Return its record.

    Raises Refused or DatabaseError; then there is no record.
    """
    with backend.jobs.reserve() as reservation:
        admitted = admit(request, source, backend)
        execution, payer = admitted.execution, admitted.payer
        deadline = Deadline.after(backend.jobs.longest_wait.total_seconds())
        accepted = Accepted(
            execution.pk, execution.public_id, payer, request.trace, request.locale, request.collect, deadline
        )
        reservation.job = Job(payer.party, execution.pk, partial(_run, accepted, backend))
    return execution


def _run(accepted: Accepted, backend: Backend) -> None:
    """Run an accepted execution as the service runs any other, and record its end."""
    with bound_contextvars(**accepted.log_context, execution_id=str(accepted.public_id)):
        execution = _load(accepted, backend)
        if execution is None:
            return
        request = replace(
            request_of(execution),
            learner=execution.learner,
            trace=accepted.is_traced,
            locale=accepted.locale,
            collect=accepted.collect,
        )
        submission = request.submission(accepted.payer.party)
        try:
            with failure_recorded(execution, backend.late_records):
                outcome = _patiently(partial(backend.executor.execute, submission), accepted.deadline, backend)
        except SandboxError:  # it is recorded
            return
        conclude(execution, request, outcome, backend.late_records, accepted.payer, is_kept=True)


def _load(accepted: Accepted, backend: Backend) -> Execution | None:
    """Return the record, or None if it must not run: it was erased, or another process has closed it.

    Waits while the database is down, so that nothing starts then, as for callers who wait for their answers.
    """
    records = Execution.objects.select_related("key").prefetch_related("sent_files")
    running = records.filter(pk=accepted.pk, status=Execution.Status.RUNNING)
    while True:
        try:
            execution = running.first()
            close_old_connections()  # returns a pooled one: others may use it while the program runs
            if execution is None:
                log.warning("%s will not run: it was erased or already closed", accepted.public_id)
            return execution
        except (DatabaseError, InterfaceError) as error:
            if not accepted.deadline.remaining_seconds() or backend.jobs.is_closing:
                gone = Execution(pk=accepted.pk, public_id=accepted.public_id)
                fail(gone, Execution.Status.REFUSED, STOPPED, backend.late_records)
                return None
            log.warning("%s waits for the database: %s", accepted.public_id, error)
            close_old_connections()
        backend.jobs.pause()


def _patiently(execute: Callable[[], Outcome], deadline: Deadline, backend: Backend) -> Outcome:
    """Return the outcome; try again as long as nothing has run. Raises SandboxError."""
    while True:
        try:
            return execute()
        except (SandboxBusy, SandboxUnavailable) as error:
            if not deadline.remaining_seconds() or backend.jobs.is_closing:
                raise
            log.info("in the background, nothing has run yet: %s", error)
        backend.jobs.pause()
