"""The sandbox: one object that runs submissions in warm containers, and refuses while that is not safe."""

import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from executions.owner import Owner
from executions.sandbox.call_inputs import find_calls
from executions.sandbox.checks.attacks import Probe, probes_for
from executions.sandbox.checks.canary import Canary
from executions.sandbox.checks.probes import ProbeResult
from executions.sandbox.console import Began, Console, Ended, Printed
from executions.sandbox.container.container import Container
from executions.sandbox.container.received_trace import read_trace
from executions.sandbox.container.talk import Patience, Talk
from executions.sandbox.engine.deaths import DeathWatch
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.options import SANDBOX_LABEL
from executions.sandbox.engine.reaper import Reaper, Undertaker
from executions.sandbox.keeper import Gate, Keeper
from executions.sandbox.launcher import Launcher
from executions.sandbox.pool import Pool
from executions.sandbox.profiles import choose_profile
from executions.sandbox.results import Outcome, Run, RunStatus, Submission, TestProgram, always
from executions.sandbox.rule_answers import RuleRuns
from executions.sandbox.settings import SandboxSettings
from executions.sandbox.timing import DEFAULT_TIMING, Timing

REMOVAL_SECONDS = 5.0
"""How long closing waits for the engine to remove what did not end by itself: no reaper looks for it afterwards."""


@dataclass(frozen=True, slots=True)
class SandboxHealth:
    """The state of the sandbox. `engine` is "connected" or "unreachable"; `reason` says why it is not ready.

    `disk` is "ok" or "full". `stuck` is the number of containers that still exist after several removals. Callers in
    line wait for about `line_seconds`.
    """

    ready: bool = False
    engine: str = "unreachable"
    reason: str = ""
    idle: int = 0
    in_use: int = 0
    waiting: int = 0
    disk: str = "ok"
    stuck: int = 0
    line_seconds: float = 0.0


class Sandbox:
    """Runs submissions. Opens while the engine answers and the probes pass.

    `connect` returns a new client of the engine; each thread gets its own.

    Two labels on each container decide who removes it. `owner` is the process, by default this one: while it lives,
    only this sandbox, whose `id` is the other label, removes those that it does not hold. `dead_owners` returns, at
    once, the labels of processes that are certainly dead: any sandbox removes their containers.

    `probes` must pass. The default is all of them; tests of something else need fewer.
    """

    def __init__(
        self,
        settings: SandboxSettings,
        timing: Timing = DEFAULT_TIMING,
        connect: Callable[[], Engine] = Engine,
        owner: Owner | None = None,
        dead_owners: Callable[[], Collection[str]] = tuple,
        probes: Sequence[Probe] | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        """The value of its containers' SANDBOX_LABEL."""
        self._settings = settings
        self._deaths = DeathWatch([f"{SANDBOX_LABEL}={self.id}"], settings.runtime, connect, timing)
        self.launcher = Launcher(
            connect, owner or Owner.of_this_process(), self.id, self._deaths, settings.runtime, timing
        )
        self.pool = Pool(self.launcher.launch, settings, timing)
        self._reaper = Reaper(self.id, timing.abandoned_seconds)
        self._undertaker = Undertaker(connect)
        self._gate = Gate(self.pool.refuse_line)
        probes = probes_for(settings.runtime) if probes is None else probes
        self._keeper = Keeper(self._gate, self.pool, self.launcher, self._reaper, probes, settings, timing, dead_owners)
        self._canary = Canary(
            self.launcher.launch,
            lambda: self._gate.is_open,
            self._gate.shut,
            probes,
            timing.canary_seconds,
            settings.runtime,
        )

    def start(self) -> None:
        """Start to connect, probe and fill the pool. Returns at once."""
        self._deaths.start()
        self._undertaker.start()
        self._canary.start()
        self._keeper.start()

    def wait_until_ready(self, timeout_seconds: float) -> bool:
        """Wait until programs can run; return whether they can."""
        return self._gate.wait(timeout_seconds)

    def execute(
        self, submission: Submission, console: Console | None = None, may_begin: Callable[[], bool] = always
    ) -> Outcome:
        """Run the submission's program and its tests in one container, which nobody else uses meanwhile.

        `may_begin` is called when the container comes free, before anything runs. Events go to `console`, through which
        its watcher may send input and stop the program.
        Takes at most `queue_seconds` of waiting, and the submission's timeout (up to twice that on a busy machine) with
        a short grace. Raises SandboxBusy, SandboxUnavailable, CallerGone (nothing has run) or RunLost (something may
        have run; its results are lost).
        """
        self._gate.demand_open()
        asked = time.monotonic()
        with self.pool.container(choose_profile(submission), submission.party, may_begin) as container:
            self._gate.demand_open()  # again: it may have shut while the caller waited in line
            waited_seconds = time.monotonic() - asked
            talk = None
            if console is not None:
                console.put(Began())
                patience = Patience(self._settings.input_seconds, self._settings.input_seconds_in_all)
                talk = Talk(console, patience, partial(self.pool.without_slot, submission.party))
            try:
                return _run_all(container, submission, talk, waited_seconds)
            finally:
                if not container.is_usable:
                    self._undertaker.remove(container.id)

    def health(self) -> SandboxHealth:
        """Return the last known state. Makes no call to the engine, so it returns at once."""
        return SandboxHealth(
            ready=self._gate.is_open and not self.pool.is_failing,
            engine="connected" if self._keeper.is_connected else "unreachable",
            reason=self._gate.reason,
            idle=self.pool.idle,
            in_use=self.pool.in_use,
            waiting=self.pool.waiting,
            disk="full" if self._keeper.shortage else "ok",
            stuck=self._reaper.stuck,
            line_seconds=self.pool.line_seconds(),
        )

    def probe(self) -> list[ProbeResult]:
        """Run the probes now, on the current engine and image. Raises EngineError."""
        self._deaths.start()  # under gVisor, only the engine can report a kill for memory
        return self._keeper.probe()

    def close(self, drain_seconds: float) -> None:
        """Refuse new submissions, let current ones finish for `drain_seconds`, and close all containers."""
        self._gate.close()
        self._keeper.close()
        self._canary.close()
        self.pool.close(drain_seconds)
        self._keeper.join(drain_seconds)
        self._deaths.close()
        self._undertaker.close()
        self._undertaker.join(REMOVAL_SECONDS)
        self.launcher.close()


def _run_all(container: Container, submission: Submission, talk: Talk | None, waited_seconds: float) -> Outcome:
    """Answer the rules, then run the program and its tests, until the time or the container is used up."""
    rules, remaining_seconds = RuleRuns(container, submission), submission.timeout_seconds
    if rules.run is not None:
        remaining_seconds = max(_left(remaining_seconds, rules.run), remaining_seconds / 2)
    if rules.stands_for_main:
        main = _ended(_printed(rules.share(), talk), talk)
    else:
        main = _run_next(container, submission, None, remaining_seconds, talk)
    # Before the tests: no run with visible output follows a hidden one.
    traced = _trace(container, submission, talk) if submission.trace_seconds else None
    remaining_seconds = _left(remaining_seconds, main)
    asked, tests = find_calls(container, submission.tests, remaining_seconds)
    remaining_seconds = _left(remaining_seconds, asked) if asked else remaining_seconds
    runs = []
    for test in tests:
        if test.words or rules.stands_for_all:
            runs.append(_ended(rules.of(test), talk))
            continue
        run = _run_next(container, submission, test, remaining_seconds, talk)
        remaining_seconds = _left(remaining_seconds, run)
        runs.append(run)
    asking_cpu_seconds = asked.cpu_seconds if asked else 0.0
    trace = read_trace(traced, submission.code, submission.files) if traced else None
    return Outcome(
        main,
        tuple(runs),
        waited_seconds,
        asking_cpu_seconds,
        container=container.name,
        submission_number=container.submissions,
        traced=traced,
        trace=trace,
    )


def _trace(container: Container, submission: Submission, talk: Talk | None) -> Run:
    """Run the program once more, step by step, in extra time: no verdict depends on whether it is traced."""
    if not container.is_usable:
        return Run(RunStatus.NOT_RUN)
    return container.trace(submission.code, submission.stdin, submission.trace_seconds, talk, submission.files)


def _left(seconds: float, run: Run) -> float:
    """Return how much of the submission's time is left after `run`: none if it ran until its deadline."""
    is_over = run.status is RunStatus.TIMEOUT and not run.waited_in_vain
    return 0.0 if is_over else seconds - run.charged_seconds


def _run_next(
    container: Container, submission: Submission, test: TestProgram | None, seconds: float, talk: Talk | None
) -> Run:
    if seconds <= 0 or not container.is_usable:
        run = Run(RunStatus.NOT_RUN)
    else:
        run = container.run(
            submission.code, submission.stdin, test, seconds, talk, submission.files, submission.collect
        )
    return _ended(run, talk)


def _printed(run: Run, talk: Talk | None) -> Run:
    """Return a run after showing its watcher what it wrote to stderr."""
    if talk is not None:
        talk.console.put(Printed("stderr", run.stderr))
    return run


def _ended(run: Run, talk: Talk | None) -> Run:
    if talk is not None:
        talk.console.put(Ended(run))
    return run
