"""One running, limited container: runs the programs of one submission, one after another."""

import contextlib
import logging
import signal
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from executions.sandbox.container.received_images import ImageCollector, ImageRoom
from executions.sandbox.container.stream import Frame, FrameStream, StreamEnded
from executions.sandbox.container.talk import Talk
from executions.sandbox.container.task import Task
from executions.sandbox.container.transcript import Transcript
from executions.sandbox.engine.deaths import Cause
from executions.sandbox.engine.engine import Engine
from executions.sandbox.profiles import Profile
from executions.sandbox.results import Run, RunLost, RunStatus, TestProgram
from executions.sandbox.timing import DEFAULT_TIMING, Deadline, Timing
from guest import protocol

GRACE_SECONDS = 0.7
"""How long after a run's deadline the supervisor may answer before we end the container ourselves."""

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
    ) -> None:
        self.name = name
        self.profile = profile
        self.id = container_id
        self._stream = stream
        self._cause_of_death = cause_of_death
        self._room = ImageRoom()  # for one submission: a container gets no other
        self.is_usable = True
        """False after a run that ended the container or made its answers untrustworthy."""

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
                kind, _ = stream.receive(Deadline.after(ready_seconds))
            except (StreamEnded, TimeoutError) as error:
                raise RunLost(f"{name} did not come up: {error or 'no answer'}") from error
            if kind != protocol.READY:
                raise RunLost(f"{name} began with a frame of kind {kind}")
            undo.pop_all()
        return cls(name, container_id, stream, cause_of_death, profile)

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._stream.is_closed

    def is_waiting(self) -> bool:
        """Return whether the container still exists and waits for a program. Does not block."""
        return self._stream.is_quiet()

    def run(
        self, code: str, stdin: str, test: TestProgram | None, timeout_seconds: float, talk: Talk | None = None
    ) -> Run:
        """Run `code`, under `test` where given, in a fresh process, for at most `timeout_seconds`.

        `stdin` is the program's, and also that of a test with code or a call, unless it has its own. With `talk`,
        images and output (but not a test's output) go to its console as they come; an interactive program gets input.

        Raises RunLost if the container fails: what the program did is then unknown.
        """
        return self._run(Task.of(code, stdin, test), timeout_seconds, talk)

    def find_calls(self, texts: list[str], timeout_seconds: float) -> tuple[Run, list[bool]]:
        """Return which of `texts` are Python calls such as `add(5, 3)`, and the run in which Python has said so.

        A text that it could not read, for time or memory, is none. `texts` must not contain NUL.
        """
        run = self._run(Task.question(texts), timeout_seconds, None)
        return run, [letter == "1" for letter in run.stdout.ljust(len(texts), "0")]

    def _run(self, task: Task, timeout_seconds: float, talk: Talk | None) -> Run:
        deadline = Deadline.after(timeout_seconds + GRACE_SECONDS)
        started = time.monotonic()
        images = ImageCollector(self._room, keeps=not task.is_hidden)
        console = None if talk is None else talk.console
        transcript = Transcript(task.code, images, console, is_test=not task.is_program)
        self.is_usable = False  # until it has answered
        try:
            self._stream.demand_silence()  # leftovers of one run must not pass for the result of the next
            is_interactive = task.is_program and talk is not None and talk.console.is_interactive
            self._stream.send(task.request(timeout_seconds, images.wanted, is_interactive))
            with contextlib.closing(self._frames(deadline, task.is_program, talk)) as frames:
                while (frame := next(frames))[0] != protocol.RESULT:
                    transcript.add(*frame)
                    if frame[0] == protocol.TEST:
                        self._stream.send(task.part_frame())
            frames_before = self._stream.frames_taken - 1
            run = transcript.run(frame[1], time.monotonic() - started, frames_before)
            if run.status is RunStatus.CANCELLED and not _is_stopped(talk):
                raise ValueError("cancelled without being stopped")
            self.is_usable = run.status is not RunStatus.CANCELLED
            return run
        except TimeoutError:
            # Processes in system calls can starve the supervisor of its quarter of a CPU.
            log.warning("supervisor of %s missed the deadline", self.name)
            status = RunStatus.CANCELLED if _is_stopped(talk) else RunStatus.TIMEOUT
        except StreamEnded as error:
            if _is_stopped(talk):
                status = RunStatus.CANCELLED
            elif (cause := self._cause_of_death(self.id)) is Cause.MEMORY:
                status = RunStatus.MEMORY_LIMIT
            elif cause is Cause.COLLAPSE:
                # Too many processes do that. In any case the program caused it, and none of its processes is left.
                log.warning("kernel of %s collapsed", self.name)
                status = RunStatus.ERROR
            else:
                raise RunLost(f"{self.name} failed in a run: {error}") from error
        except (KeyError, ValueError, protocol.ProtocolError) as error:
            raise RunLost(f"{self.name} broke the protocol: {error!r}") from error
        run = transcript.cut_short(status, time.monotonic() - started)
        return replace(run, signal=signal.SIGKILL.name) if status is RunStatus.ERROR else run

    def _frames(self, deadline: Deadline, is_main: bool, talk: Talk | None) -> Generator[Frame, None, None]:
        if talk is not None:
            yield from talk.frames(self._stream, deadline, is_main)
        while True:
            yield self._stream.receive(deadline)

    def close(self) -> None:
        """Close the connection: the supervisor ends, and the engine removes the container."""
        self._stream.close()


def _is_stopped(talk: Talk | None) -> bool:
    return talk is not None and talk.console.is_stopped
