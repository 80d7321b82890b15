"""Executions that a client watches: it gets events as they happen, may send input, and can stop them by leaving."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial

from structlog.contextvars import bind_contextvars

from executions.answer import Answer, ShownImage, TestResult
from executions.configuration import can_wait_for_input
from executions.request import ExecutionRequest, in_running_order
from executions.running.admission import Admitted, Source, admit
from executions.running.backend import Backend
from executions.running.judge import OutputBudget, judge_run
from executions.running.language import speaking
from executions.running.service import conclude, failure_recorded
from executions.sandbox.console import Asked, Console, Drawn, Ended, Event, Printed, Shown
from executions.sandbox.results import Outcome, Run, SandboxBusy, SandboxError, Submission

LONGEST_WAIT_SECONDS = 60
"""How long to wait for a container. The sandbox gives up long before."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The test case at `index` has its result."""

    index: int
    result: TestResult


LiveEvent = Printed | ShownImage | Drawn | Asked | Judged


class LiveExecution:
    """An execution that has begun. The caller must close it.

    A separate thread runs it, so that a slow reader does not hold a container. The thread that reads the events writes
    the record.
    """

    def __init__(self, admitted: Admitted, request: ExecutionRequest, console: Console, backend: Backend) -> None:
        self.id = str(admitted.execution.public_id)
        self._admitted = admitted
        self._request = request
        self._console = console
        self._backend = backend
        self._outcome: Future[Outcome] = Future()
        self._is_concluded = False
        self._cases = request.test_cases or ()
        self._pending = in_running_order(self._cases)
        self._has_main_ended = False
        self._budget = OutputBudget()

    def start(self, may_begin: Callable[[], bool]) -> None:
        """Run it if it still `may_begin` when a container is free.

        Returns when it has its container. Otherwise raises SandboxError, after recording that.
        """
        submission = self._request.submission(self._admitted.payer.party)
        bind_contextvars(execution_id=self.id)  # for the log lines of both threads
        run = partial(copy_context().run, self._run, submission, may_begin)
        thread = threading.Thread(target=run, name=f"live-{self.id}", daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:  # no more threads can be started
            self._outcome.set_exception(SandboxBusy(f"no thread: {error}"))
            self._console.close()
        if self._console.next_event(LONGEST_WAIT_SECONDS) is None:
            self.stop()
            self.wait_and_record()

    @property
    def is_waiting(self) -> bool:
        """Whether the program waits for input that nobody has sent."""
        return self._console.is_waiting

    def next_events(self, timeout_seconds: float) -> list[LiveEvent] | None:
        """Return the next events, an empty list if there are none in time, None if there will be no more."""
        event = self._console.next_event(timeout_seconds)
        if event is None:
            return None if self._console.is_over else []
        return list(self._live_events(event))

    def stop(self) -> None:
        """Ask the program to stop. Events continue until it has."""
        self._console.stop()

    def wait_and_record(self) -> Answer:
        """Wait for the end, record it and return the answer. Raises SandboxError, after recording that."""
        self._is_concluded = True
        execution, session = self._admitted.execution, self._admitted.session
        late_records = self._backend.late_records
        try:
            with failure_recorded(execution, late_records):
                outcome = self._outcome.result()
            typed = session.typed if session is not None else ""
            return conclude(execution, self._request, outcome, late_records, self._admitted.payer, typed)
        finally:
            if session is not None:
                self._backend.sessions.end(session)

    def close(self) -> None:
        """Stop the program and record its end, if `wait_and_record` has not been called."""
        if self._is_concluded:
            return
        self.stop()
        try:
            self.wait_and_record()
        except SandboxError:  # it is recorded, and nobody reads the answer
            pass

    def _run(self, submission: Submission, may_begin: Callable[[], bool]) -> None:
        try:
            self._outcome.set_result(self._backend.executor.execute(submission, self._console, may_begin))
        except BaseException as error:  # noqa: BLE001 (the thread's outermost call: the waiting thread gets the error)
            self._outcome.set_exception(error)
        finally:
            self._console.close()

    def _live_events(self, event: Event) -> Iterator[LiveEvent]:
        """Yield the events that the client gets for an event of the sandbox."""
        match event:
            case Printed() | Drawn() | Asked():
                yield event
            case Shown(image):
                yield ShownImage.of(image, self._pending[0] if self._has_main_ended else None)
            case Ended(run):
                yield from self._judge(run)

    def _judge(self, run: Run) -> Iterator[Judged]:
        """Yield the results of a run: the next test case's, or those of all that look at the main run."""
        if self._has_main_ended:
            indexes = [self._pending.pop(0)]
        else:
            self._has_main_ended = True
            indexes = [index for index, case in enumerate(self._cases) if case.looks_at_main_run]
        for index in indexes:
            with speaking(self._request.locale):
                result = judge_run(self._cases[index], run, self._request.timeout)
            yield Judged(index, self._budget.cut(result))


def begin_live(request: ExecutionRequest, source: Source, backend: Backend) -> LiveExecution:
    """Begin to run `request`. Raises what `executions.running.service.execute` does."""
    console = Console(request.interactive and can_wait_for_input())
    with ExitStack() as undo:
        undo.callback(console.close)
        admitted = admit(request, source, backend, console)
        undo.pop_all()
    live = LiveExecution(admitted, request, console, backend)
    live.start(source.is_waiting)
    return live
