"""One running, limited container: runs the programs of a submission, one after another.

After a clean end it may serve another submission if a check shows that it is clean. See docs/decisions/0029-reuse.md.
"""

import contextlib
import logging
import re
import signal
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from executions.sandbox.container.received_images import ImageCollector, ImageRoom
from executions.sandbox.container.received_methods import read_methods
from executions.sandbox.container.stream import Frame, FrameStream, StreamEnded
from executions.sandbox.container.talk import Talk
from executions.sandbox.container.task import Task
from executions.sandbox.container.transcript import Transcript
from executions.sandbox.engine.deaths import Cause
from executions.sandbox.engine.engine import Engine
from executions.sandbox.profiles import Profile
from executions.sandbox.results import File, Run, RunLost, RunStatus, TestProgram
from executions.sandbox.timing import DEFAULT_TIMING, Allowance, Deadline, Timing
from guest import protocol

GRACE_SECONDS = 0.7
"""How long after a run's deadline the supervisor may answer before we end the container ourselves."""

DIFFERENCES = re.compile(rb"[a-z_ ]{0,200}")
"""The body of a READY frame. It is not trusted: only names like these are logged."""

USE = re.compile(r"^(\d{1,6}) (\d{1,6})$", re.ASCII | re.MULTILINE)

log = logging.getLogger(__name__)

CauseOfDeath = Callable[[str], Cause]
"""Returns why a container (by its id) whose connection has ended did so, as the engine saw it."""


class Container:
    """A container whose supervisor waits for programs. Its holder must close it."""

    def __init__(
        self,
        name: str,
        container_id: str,
        stream: FrameStream,
        cause_of_death: CauseOfDeath,
        profile: Profile = Profile.PLAIN,
        differences: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.profile = profile
        self.id = container_id
        self._stream = stream
        self._cause_of_death = cause_of_death
        self._room = ImageRoom()  # of the current submission
        self._awaits_ready = False  # the READY that follows a run
        self.launched_at = time.monotonic()
        self.submissions = 0
        """How many submissions have begun in this container."""
        self.is_usable = True
        """False after a run that ended the container or made its answers untrustworthy."""
        self.ran_cleanly = True
        """Whether every run so far ended by itself and did nothing unusual: see `_is_clean_end`."""
        self.differences = differences
        """The names of what some run has changed since the start, or what cannot be checked."""

    @classmethod
    def launch(
        cls,
        engine: Engine,
        name: str,
        options: dict[str, Any],
        cause_of_death: CauseOfDeath,
        profile: Profile = Profile.PLAIN,
        timing: Timing = DEFAULT_TIMING,
    ) -> "Container":
        """Create, attach and start a container and wait until it is ready.

        Raises EngineError, or RunLost if the supervisor does not start. Either way nothing remains but what the reaper
        finds: a container whose creation timed out may still appear later.
        """
        ready_seconds = timing.science_ready_seconds if profile is Profile.SCIENCE else timing.ready_seconds
        container_id = engine.create(name, options)
        with contextlib.ExitStack() as undo:
            undo.callback(engine.remove, container_id)
            stream = undo.enter_context(contextlib.closing(FrameStream(engine.attach(container_id))))
            engine.start(container_id)
            try:
                kind, body = stream.receive(Deadline.after(ready_seconds))
            except (StreamEnded, TimeoutError) as error:
                raise RunLost(f"{name} did not come up: {error or 'no answer'}") from error
            if kind != protocol.READY:
                raise RunLost(f"{name} began with a frame of kind {kind}")
            undo.pop_all()
        return cls(name, container_id, stream, cause_of_death, profile, read_differences(body))

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._stream.is_closed

    def is_waiting(self) -> bool:
        """Return whether the container still exists and waits for a program. Does not block."""
        return not self._awaits_ready and self._stream.is_quiet()

    def begin(self) -> None:
        """Begin a submission, whose runs share limits."""
        self.submissions += 1
        self._room = ImageRoom()

    def check_clean(self, seconds: float = 3.0) -> bool:
        """Return whether another submission may run here: every run ended cleanly and left nothing behind.

        Waits at most `seconds` for the supervisor to check the last run. A container that has failed is not clean.
        """
        if not (self.is_usable and self.ran_cleanly):
            return False
        try:
            if self._awaits_ready:
                self._take_ready(self._stream.receive(Deadline.after(seconds)))
            self._stream.demand_silence()
        except (TimeoutError, StreamEnded, protocol.ProtocolError) as error:
            log.warning("%s did not pass the check: %s", self.name, error or "no answer")
            self.is_usable = False
        return self.is_usable and not self.differences

    def run(
        self,
        code: str,
        stdin: str,
        test: TestProgram | None,
        timeout_seconds: float,
        talk: Talk | None = None,
        files: tuple[File, ...] = (),
        collect: tuple[str, ...] = (),
    ) -> Run:
        """Run `code`, under `test` where given, in a fresh process, for at most `timeout_seconds`.

        If other work on the machine keeps it from its share of the processors, it may take up to twice as long.
        `stdin` is the program's, and also that of a test with code or a call, unless it has its own. With `talk`,
        images, strokes and output (but not a test's output) go to its console as they come; an interactive program gets
        input.
        `files` are those of a run without a test, and `collect` names those that come back from it.

        Raises RunLost if the container fails: what the program did is then unknown.
        """
        return self._run(Task.of(code, stdin, test, files, collect, talk is not None), timeout_seconds, talk)

    def trace(self, code: str, stdin: str, timeout_seconds: float, talk: Talk | None, files: tuple[File, ...]) -> Run:
        """Run a program step by step and return its result. Raises RunLost."""
        return self._run(Task.traced(code, stdin, files), timeout_seconds, talk)

    def find_calls(self, texts: list[str], timeout_seconds: float) -> tuple[Run, list[bool]]:
        """Return which of `texts` are Python calls such as `add(5, 3)`, and the run in which Python parsed them.

        A text that Python cannot parse in time or memory is not a call. `texts` must not contain NUL.
        """
        run = self._run(Task.question(texts), timeout_seconds, None)
        return run, [letter == "1" for letter in run.stdout.ljust(len(texts), "0")]

    def find_uses(self, code: str, words: list[str], timeout_seconds: float) -> tuple[Run, list[tuple[int, int]]]:
        """Return for each of `words` the line of `code` that uses it, and a number (protocol.FIND_USES), and the run.

        There are no answers if the run failed, as for a syntax error. Also raises RunLost if the answer is malformed.
        """
        run = self._run(Task.search(code, words), timeout_seconds, None)
        if run.status is not RunStatus.SUCCESS:
            return run, []
        answers = [(int(match[1]), int(match[2])) for match in USE.finditer(run.stdout)]
        if len(answers) != len(words):
            self.is_usable = False
            raise RunLost(f"{self.name} gave {len(answers)} answers to {len(words)} questions")
        return run, answers

    def _run(self, task: Task, timeout_seconds: float, talk: Talk | None) -> Run:
        started = time.monotonic()
        had_run_cleanly, self.ran_cleanly = self.ran_cleanly, False
        self.is_usable = False  # until it has answered
        images = ImageCollector(self._room, keeps=task.shows_images)
        transcript = Transcript(task, images, None if talk is None else talk.console)
        try:
            run = self._exchange(task, timeout_seconds, talk, transcript, images.wanted, started)
        except (TimeoutError, StreamEnded) as error:
            status = self._status_after(error, talk)
            run = transcript.cut_short(status, time.monotonic() - started)
            return replace(run, signal=signal.SIGKILL.name) if status is RunStatus.ERROR else run
        except (KeyError, ValueError, protocol.ProtocolError) as error:
            raise RunLost(f"{self.name} broke the protocol: {error!r:.200}") from error
        self.is_usable = run.status is not RunStatus.CANCELLED
        self.ran_cleanly = had_run_cleanly and _is_clean_end(run, task.is_hidden, talk)
        return run

    def _exchange(
        self,
        task: Task,
        timeout_seconds: float,
        talk: Talk | None,
        transcript: Transcript,
        wanted_images: int,
        started: float,
    ) -> Run:
        """Send the task, and take what the container sends until its result, all of which is checked."""
        self._demand_silence()
        is_interactive = task.is_program and talk is not None and talk.console.is_interactive
        self._stream.send(task.request(timeout_seconds, wanted_images, is_interactive))
        allowance = Allowance(Deadline.after(timeout_seconds + GRACE_SECONDS), timeout_seconds)
        with contextlib.closing(self._frames(allowance, task.is_program, talk)) as frames:
            if self._awaits_ready:
                self._take_ready(next(frames))
            while (frame := next(frames))[0] != protocol.RESULT:
                if frame[0] == protocol.LATER:
                    allowance.extend()
                    continue
                transcript.add(*frame)
                if frame[0] == protocol.TEST:
                    self._stream.send(task.part_frame())
        frames_before = self._stream.frames_taken - 1
        run = transcript.run(frame[1], time.monotonic() - started, frames_before)
        if task.is_suite:
            run = replace(run, methods=read_methods(run.trace), trace=b"")
        self._awaits_ready = True
        if run.status is RunStatus.CANCELLED and not _is_stopped(talk):
            raise ValueError("cancelled without being stopped")
        return run

    def _status_after(self, error: TimeoutError | StreamEnded, talk: Talk | None) -> RunStatus:
        """Return how a run has ended whose container sent no result. Raises RunLost if the program did not cause it."""
        if isinstance(error, TimeoutError):
            # Processes in system calls can starve the supervisor of its quarter of a CPU.
            log.warning("supervisor of %s missed the deadline", self.name)
            return RunStatus.CANCELLED if _is_stopped(talk) else RunStatus.TIMEOUT
        if _is_stopped(talk):
            return RunStatus.CANCELLED
        cause = self._cause_of_death(self.id)
        if cause is Cause.MEMORY:
            return RunStatus.MEMORY_LIMIT
        if cause is Cause.COLLAPSE:
            # Too many processes do that. In any case the program caused it, and none of its processes is left.
            log.warning("kernel of %s collapsed", self.name)
            return RunStatus.ERROR
        raise RunLost(f"{self.name} failed in a run: {error}") from error

    def _demand_silence(self) -> None:
        """Demand that nothing but READY has come since the last run.

        Leftovers of one run must not pass for the result of the next. READY may still be on its way; then it comes
        before the next run's frames.
        """
        if self._awaits_ready and (frame := self._stream.receive_arrived()):
            self._take_ready(frame)
        if not self._awaits_ready:
            self._stream.demand_silence()

    def _take_ready(self, frame: Frame) -> None:
        kind, body = frame
        if kind != protocol.READY:
            raise protocol.ProtocolError("sent data while no run was active")
        self._awaits_ready = False
        differences = read_differences(body)
        if differences - self.differences:
            log.info("%s is not clean: %s", self.name, ", ".join(sorted(differences)))
        self.differences |= differences

    def _frames(self, allowance: Allowance, is_main: bool, talk: Talk | None) -> Generator[Frame, None, None]:
        if talk is not None:
            yield from talk.frames(self._stream, allowance, is_main)
        while True:
            yield self._stream.receive(allowance.deadline)

    def close(self) -> None:
        """Close the connection: the supervisor ends, and the engine removes the container."""
        self._stream.close()


def read_differences(body: bytes) -> frozenset[str]:
    """Return the names in the body of a READY frame."""
    if not DIFFERENCES.fullmatch(body):
        return frozenset({"malformed"})
    return frozenset(body.decode().split())


def _is_clean_end(run: Run, is_hidden: bool, talk: Talk | None) -> bool:
    """Return whether a container may serve another submission after this run: it ended by itself, within all limits.

    Not if its watcher has stopped it meanwhile: nothing more can be sent to its supervisor. Not after a hidden test:
    what it leaves in the kernel's counters would reach a run that shows its output. Nor after an interactive run, which
    may have waited for minutes.
    """
    return (
        run.status in (RunStatus.SUCCESS, RunStatus.ERROR)
        and run.exit_code is not None
        and not (run.flags or run.truncated or run.images_dropped)
        and not is_hidden
        and not _is_stopped(talk)
        and not (talk is not None and talk.console.is_interactive)
    )


def _is_stopped(talk: Talk | None) -> bool:
    return talk is not None and talk.console.is_stopped
