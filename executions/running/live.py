"""Executions that somebody watches: told of as they happen, answered where interactive, and ended if nobody is left."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from django.conf import settings

from apikeys.callers import Caller
from executions.models import Execution
from executions.records.record import Charged
from executions.request import ExecutionRequest, in_running_order
from executions.running import interactive
from executions.running.executor import Executor
from executions.running.interactive import Place
from executions.running.judge import OutputBudget, judge_run
from executions.running.service import Source, admit, conclude, image_body
from executions.sandbox.console import Asked, Console, Ended, Event, Printed, Shown
from executions.sandbox.engine.gvisor import is_gvisor
from executions.sandbox.results import Outcome, Run, SandboxBusy, SandboxError, Submission

LONGEST_WAIT_SECONDS = 60
"""For a container. The sandbox gives up long before."""

Told = tuple[str, dict[str, Any]]  # the name of an event, and its data


class LiveExecution:
    """One that has begun. Whoever has it closes it.

    A thread of its own runs it, so that no reader, however slow, keeps a container; the record is written by the
    thread that tells of it.
    """

    def __init__(
        self, execution: Execution, charged: Charged, request: ExecutionRequest, console: Console, place: Place | None
    ) -> None:
        self.id = str(execution.public_id)
        self._execution = execution
        self._charged = charged
        self._request = request
        self._console = console
        self._place = place
        self._outcome: Future[Outcome] = Future()
        self._is_concluded = False
        self._cases = request.test_cases or ()
        self._untold = in_running_order(self._cases)
        self._has_main_ended = False
        self._budget = OutputBudget()

    def start(self, executor: Executor, is_abandoned: Callable[[], bool]) -> None:
        """Run it, unless it `is_abandoned` when its turn comes.

        Returns when there is a container for it; else raises SandboxError, after that is on record.
        """
        submission = self._request.submission(is_abandoned)
        thread = threading.Thread(target=self._run, args=(executor, submission), name=f"live-{self.id}", daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:  # there are as many as there may be
            self._outcome.set_exception(SandboxBusy(f"no thread: {error}"))
            self._console.close()
        if self._console.next_event(LONGEST_WAIT_SECONDS) is None:
            self.close(must_succeed=True)

    @property
    def is_waiting(self) -> bool:
        """Whether the program waits for input that nobody has sent."""
        return self._console.is_waiting

    def next_told(self, timeout_seconds: float) -> list[Told] | None:
        """Return what has happened since, nothing if that was nothing in time, None if there will be nothing more."""
        event = self._console.next_event(timeout_seconds)
        if event is None:
            return None if self._console.is_over else []
        return list(self._tell(event))

    def stop(self) -> None:
        """Have it ended. What is told meanwhile is told as ever."""
        self._console.stop()

    def conclude(self) -> dict[str, Any]:
        """Wait for the end, record it, and return the body of the answer. Raises SandboxError once it is on record."""
        self._is_concluded = True
        try:
            return conclude(self._execution, self._request, self._await_outcome, self._charged)
        finally:
            if self._place is not None:
                interactive.leave(self._place)

    def close(self, must_succeed: bool = False) -> None:
        """End it if it has not ended, and record that. Raises SandboxError only where it `must_succeed`."""
        try:
            if not self._is_concluded:
                self.stop()
                self.conclude()
        except SandboxError:
            if must_succeed:
                raise

    def _run(self, executor: Executor, submission: Submission) -> None:
        try:
            self._outcome.set_result(executor.execute(submission, self._console))
        except BaseException as error:  # noqa: BLE001 (whoever waits for the outcome gets it)
            self._outcome.set_exception(error)
        finally:
            self._console.close()

    def _await_outcome(self) -> Outcome:
        outcome = self._outcome.result()
        if self._place is not None:
            self._execution.input_data += self._place.typed
        return outcome

    def _tell(self, event: Event) -> Iterator[Told]:
        """Yield what callers are told of an event."""
        match event:
            case Printed(stream, text):
                yield stream, {"text": text}
            case Shown(image):
                yield "image", image_body(image, self._untold[0] if self._has_main_ended else None)
            case Asked():
                yield "input", {}
            case Ended(run):
                yield from self._judge(run)

    def _judge(self, run: Run) -> Iterator[Told]:
        """Yield the verdicts on a run: the next test's, or those of all that look at the main run."""
        if self._has_main_ended:
            indexes = [self._untold.pop(0)]
        else:
            self._has_main_ended = True
            indexes = [index for index, case in enumerate(self._cases) if case.looks_at_main_run]
        for index in indexes:
            result = judge_run(self._cases[index], run, self._request.timeout)
            yield "test", {"index": index, **self._budget.cut(result)}


def begin_live(request: ExecutionRequest, source: Source, executor: Executor, caller: Caller) -> LiveExecution:
    """Begin to run `request`. Raises what `executions.running.service.execute` does."""
    # gVisor does not tell who waits. Rather than wait for an answer that is never asked for, a program meets the end.
    is_interactive = request.interactive and not is_gvisor(settings.SANDBOX_RUNTIME)
    console = Console(is_interactive)
    place = None
    try:
        place = interactive.take(caller, source.who, console) if is_interactive else None
        execution, charged = admit(request, source, executor)
    except BaseException:
        if place is not None:
            interactive.leave(place)
        console.close()
        raise
    if place is not None:
        place.public_id = execution.public_id
    live = LiveExecution(execution, charged, request, console, place)
    live.start(executor, source.is_abandoned)
    return live
