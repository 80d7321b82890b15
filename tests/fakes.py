"""A fake sandbox that runs nothing and returns the results that a test sets."""

import select
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from executions.cluster.messages import WorkerState
from executions.cluster.workers import SeenWorker
from executions.sandbox.console import Asked, Began, Console, Drawn, Ended, Printed, Shown
from executions.sandbox.results import CallerGone, Outcome, Run, RunStatus, SandboxError, Submission, always
from executions.sandbox.sandbox import SandboxHealth
from executions.sandbox.steps import Frame, Step, Trace
from executions.sandbox.strokes import Stroke

HEALTHY = SandboxHealth(ready=True, engine="connected", reason="", idle=4, in_use=1, waiting=2)
HELLO = Run(RunStatus.SUCCESS, "Hello\n", exit_code=0, wall_seconds=0.25, cpu_seconds=0.125, memory_peak_kb=9000)
EIGHT = Run(RunStatus.SUCCESS, "8\n", exit_code=0, wall_seconds=0.5, cpu_seconds=0.25, tested=True, completed=True)

STEP = Step("line", 1, None, 0, 1, (Frame("<module>", "main.py", 1, {}),))
TRACE = Trace((STEP,), None, "Hello\n")


def seen_worker(name: str, host: str = "one", silent_seconds: float = 0.5, **changed: Any) -> SeenWorker:
    """Return a worker with 8 slots, 3 in use, 4 containers in stock and 1 submission in line."""
    state = WorkerState(name, host, SandboxHealth(True, "connected", "", 4, 3, 1), 8, 8, 8)
    return SeenWorker(msgspec.structs.replace(state, **changed), silent_seconds)


class FakeExecutor:
    """Answers every submission with `main` and, for each of its tests, `test`; or raises `error`. If it is traced, its
    steps are `trace`.

    A console gets the lines and images of `main`, and `strokes`. An interactive program then asks for input once and
    prints it.
    """

    def __init__(self) -> None:
        self.submissions: list[Submission] = []
        self.meanwhile: Callable[[], object] = lambda: None
        """What happens while a submission runs."""
        self.main = HELLO
        self.test = EIGHT
        self.further_runs: tuple[Run, ...] = ()
        self.traced = HELLO
        self.trace = TRACE
        self.strokes: tuple[Stroke, ...] = ()
        self.error: SandboxError | None = None
        self.late_error: SandboxError | None = None
        self.state = HEALTHY

    def execute(
        self, submission: Submission, console: Console | None = None, may_begin: Callable[[], bool] = always
    ) -> Outcome:
        self.submissions.append(submission)
        if self.error is not None:
            raise self.error
        if not may_begin():
            raise CallerGone
        self.meanwhile()
        main, tests = self.main, tuple(_answering(self.test, len(test.words)) for test in submission.tests)
        if console is not None:
            console.put(Began())
            for line in main.stdout.splitlines(keepends=True):
                console.put(Printed("stdout", line))
            if main.stderr:
                console.put(Printed("stderr", main.stderr))
            if self.strokes:
                console.put(Drawn(self.strokes))
            if console.is_interactive:
                main = _ask(console, main)
            for run in (main, *tests):
                for image in run.images:
                    console.put(Shown(image))
                console.put(Ended(run))
        if self.late_error is not None:
            raise self.late_error
        traced = (self.traced, self.trace) if submission.trace_seconds else ()
        return Outcome(main, tests + self.further_runs, 0.0625, 0.0, "", 1, *traced)

    def health(self) -> SandboxHealth:
        return self.state


def _answering(run: Run, words: int) -> Run:
    """Return `run` with an answer to each word of a rule: it is used in line 1, unless the test says otherwise."""
    return replace(run, uses=run.uses or ((1, 1),) * words)


def _ask(console: Console, main: Run) -> Run:
    console.put(Asked())
    while console.may_wait and not select.select([console], [], [], 0.05)[0]:
        pass
    if not console.may_wait and console.give_up():
        return replace(main, status=RunStatus.TIMEOUT, waited_in_vain=True)
    fed = b"".join(console.take_input()).decode()
    console.put(Printed("stdout", fed))
    status = RunStatus.CANCELLED if console.is_stopped else main.status
    return replace(main, stdout=main.stdout + fed, status=status)
