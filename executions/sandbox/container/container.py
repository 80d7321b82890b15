"""One running, capped container, and what can be asked of it: to run programs, one after another, and to end."""

import codecs
import contextlib
import logging
import signal
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any, TypeVar

from executions.sandbox.console import Console, Printed, Shown
from executions.sandbox.container.received_detail import read_detail
from executions.sandbox.container.received_images import ImageCollector, ImageRoom
from executions.sandbox.container.stream import Frame, FrameStream, StreamEnded
from executions.sandbox.container.talk import Talk
from executions.sandbox.deadline import Deadline
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.options import CPU_PERIOD_MICROSECONDS, CPU_QUOTA_MICROSECONDS
from executions.sandbox.profiles import Profile
from executions.sandbox.results import ErrorDetail, Flag, Run, RunLost, RunStatus, TestProgram
from guest import protocol

READY_SECONDS = 10
"""The longest that a started container may take to say that it is ready."""

LOADING_SECONDS = 20
"""How much longer one of the science profile may take, for what it loads before."""

GRACE_SECONDS = 0.7
"""How long after a run's own deadline the supervisor may answer before we end the container ourselves."""

CPU_SHARE = CPU_QUOTA_MICROSECONDS / CPU_PERIOD_MICROSECONDS

log = logging.getLogger(__name__)

KilledForMemory = Callable[[str], bool]
"""Tells of a container id, once its connection has ended, whether the engine saw it run out of memory."""

Collapsed = Callable[[str], bool]
"""Tells the same of a container whose kernel is its own, gVisor's, and could not go on."""


class Container:
    """A container of ours whose supervisor waits for programs. Whoever holds it closes it."""

    def __init__(
        self,
        name: str,
        container_id: str,
        stream: FrameStream,
        killed_for_memory: KilledForMemory,
        collapsed: Collapsed = lambda _: False,
        profile: Profile = Profile.PLAIN,
    ) -> None:
        self.name = name
        self.profile = profile
        self.id = container_id
        self._stream = stream
        self._killed_for_memory = killed_for_memory
        self._collapsed = collapsed
        self._room = ImageRoom()  # of one submission: no container sees a second
        self.is_usable = True
        """False once a run has cost us the container: it ended, or its answers can no longer be told apart."""

    @classmethod
    def launch(
        cls,
        engine: Engine,
        name: str,
        options: dict[str, Any],
        killed_for_memory: KilledForMemory,
        collapsed: Collapsed = lambda _: False,
        profile: Profile = Profile.PLAIN,
    ) -> "Container":
        """Create, attach and start a container and wait until it is ready.

        Raises EngineError, or RunLost when the supervisor does not come up. Either way nothing is left of it but
        what the reaper finds: a container whose creation timed out may still appear later.
        """
        ready_seconds = READY_SECONDS + (LOADING_SECONDS if profile is Profile.SCIENCE else 0)
        container_id = engine.create(name, options)
        try:
            stream = FrameStream(engine.attach(container_id))
            try:
                engine.start(container_id)
                kind, _ = stream.receive(Deadline.after(ready_seconds))
                if kind != protocol.READY:
                    raise RunLost(f"{name} began with a frame of kind {kind}")
            except BaseException:
                stream.close()
                raise
        except (StreamEnded, TimeoutError) as error:
            engine.remove(container_id)
            raise RunLost(f"{name} did not come up: {error or 'no answer'}") from error
        except BaseException:
            engine.remove(container_id)
            raise
        return cls(name, container_id, stream, killed_for_memory, collapsed, profile)

    @property
    def is_closed(self) -> bool:
        """Whether the container has been let go."""
        return self._stream.is_closed

    def is_waiting(self) -> bool:
        """Return whether the container is still there and still waits for a program. Does not block."""
        return self._stream.is_quiet()

    def run(
        self, code: str, stdin: str, test: TestProgram | None, timeout_seconds: float, talk: Talk | None = None
    ) -> Run:
        """Run `code`, under `test` where given, in a fresh process, for at most `timeout_seconds`.

        `stdin` is the program's, and that of a test with code or a call that has none of its own. With `talk`, somebody
        watches: what is shown is told meanwhile, and so is what is printed, unless under a test. An interactive program
        may be answered.

        Raises RunLost when the container fails: what the program did is then unknown.
        """
        deadline = Deadline.after(timeout_seconds + GRACE_SECONDS)
        started = time.monotonic()
        images = ImageCollector(self._room, keeps=test is None or not test.hidden)
        console = None if talk is None else talk.console
        transcript = _Transcript(code, images, console, is_test=test is not None)
        self.is_usable = False  # until it has answered
        try:
            self._stream.demand_silence()  # what is left of one run must not pass for the result of the next
            self._stream.send(_request(code, stdin, test, timeout_seconds, images.wanted, talk))
            with contextlib.closing(self._frames(deadline, test is None, talk)) as frames:
                while (frame := next(frames))[0] != protocol.RESULT:
                    transcript.add(*frame)
            frames_before = self._stream.frames_taken - 1
            run = transcript.run(frame[1], time.monotonic() - started, frames_before)
            if run.status is RunStatus.CANCELLED and not _is_stopped(talk):
                raise ValueError("ended by nobody")
            self.is_usable = run.status is not RunStatus.CANCELLED
            return run
        except TimeoutError:
            # Processes in the kernel's hands can starve the supervisor of its quarter of a CPU.
            log.warning("supervisor of %s missed the deadline", self.name)
            status = RunStatus.CANCELLED if _is_stopped(talk) else RunStatus.TIMEOUT
        except StreamEnded as error:
            if _is_stopped(talk):
                status = RunStatus.CANCELLED
            elif self._killed_for_memory(self.id):
                status = RunStatus.MEMORY_LIMIT
            elif self._collapsed(self.id):
                # As too many processes make it. Whatever it was, the program did it, and no process of it is left.
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
        """Let go of the container: its supervisor ends, and the engine removes it."""
        self._stream.close()


def _is_stopped(talk: Talk | None) -> bool:
    return talk is not None and talk.console.is_stopped


def _request(
    code: str, stdin: str, test: TestProgram | None, timeout_seconds: float, most_images: int, talk: Talk | None
) -> bytes:
    if test is None:
        feed = protocol.pack_task(code, most_images) + stdin.encode()
    elif test.stdin is not None or test.code:
        task = protocol.pack_task(code, most_images, is_test=True, test_code=test.code, test_input=test.input)
        feed = task + (stdin if test.stdin is None else test.stdin).encode()
    else:  # a call or stdin: the child will see
        task = protocol.pack_task(
            code, most_images, is_test=True, test_input=test.input, input_is_stdin=True, call_stdin=stdin
        )
        feed = task + test.input.encode()
    is_interactive = test is None and talk is not None and talk.console.is_interactive
    return protocol.pack_run(timeout_seconds, len(feed), test is not None, is_interactive) + feed


class _Output:
    """One output stream of a run, decoded as it comes."""

    def __init__(self) -> None:
        self.text = ""
        self._size_bytes = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, data: bytes, is_end: bool = False) -> str:
        """Take what was written; return the text that it ends. Bytes of a character wait for the rest of it."""
        self._size_bytes += len(data)
        if self._size_bytes > protocol.STREAM_KEPT_BYTES:
            raise ValueError("more output than is kept")
        # PostgreSQL cannot store NUL.
        text = self._decoder.decode(data, is_end).replace("\0", "\ufffd")
        self.text += text
        return text


def _fresh_outputs() -> dict[int, _Output]:
    return {protocol.STDOUT: _Output(), protocol.STDERR: _Output()}


class _Transcript:
    """What a container tells of one run, checked as it comes: nothing that comes out of a container is trusted."""

    def __init__(self, code: str, images: ImageCollector, console: Console | None, is_test: bool) -> None:
        self._code = code
        self._is_test = is_test
        self._images = images
        self._console = console
        self._detail: ErrorDetail | None = None
        self._has_told_detail = False
        self._outputs = _fresh_outputs()
        self._tested = self._completed = False
        self._flags: set[Flag] = set()

    def add(self, kind: int, body: bytes) -> None:
        """Take one frame that is not the result. Raises KeyError or ValueError if it has no place here, or no more."""
        if kind == protocol.TEST and self._is_test and not self._tested:
            self._outputs = _fresh_outputs()
            self._tested = True
        elif kind == protocol.TESTED and self._tested and not self._completed:
            self._completed = True
        elif kind == protocol.FLAG and (seen := Flag(body.decode())) not in self._flags:
            self._flags.add(seen)
        elif kind == protocol.DETAIL and not self._has_told_detail:
            self._detail = read_detail(body, self._code)
            self._has_told_detail = True
        elif kind == protocol.IMAGE:
            image = self._images.add(body)
            if image is not None and self._console is not None:
                self._console.put(Shown(image))
        elif body:
            self._print(kind, body)
        else:
            raise ValueError(f"an empty frame of kind {kind}")

    def _print(self, kind: int, body: bytes, is_end: bool = False) -> None:
        text = self._outputs[kind].add(body, is_end)
        if text and self._console is not None and not self._is_test:
            self._console.put(Printed("stdout" if kind == protocol.STDOUT else "stderr", text))

    def run(self, result: bytes, longest_seconds: float, frames_before: int) -> Run:
        """Return the run that ends with the body of a result frame, before which as many came as it says."""
        word, exit_code, signal_number, wall_seconds, cpu_seconds, peak_kb, truncated, told = protocol.unpack_result(
            result
        )
        if told != frames_before:
            raise ValueError(f"{frames_before} frames of {told}")
        return replace(
            # The container's clocks are not ours to trust: no run takes longer than we waited for it.
            self.cut_short(RunStatus(word), min(_within(wall_seconds, 3600), longest_seconds)),
            exit_code=None if exit_code is None else _within(exit_code, 255),
            signal=None if signal_number is None else _signal_name(signal_number),
            # gVisor counts what each of a thousand threads has waited for its turn.
            cpu_seconds=min(_within(cpu_seconds, 3600), _most_cpu_seconds(longest_seconds)),
            memory_peak_kb=_within(peak_kb, 2**31 - 1),
            truncated=truncated,
            detail=self._detail,
        )

    def cut_short(self, status: RunStatus, wall_seconds: float) -> Run:
        """Return the run whose end the supervisor could not tell."""
        for kind in self._outputs:
            self._print(kind, b"", is_end=True)
        return Run(
            status,
            stdout=self._outputs[protocol.STDOUT].text,
            stderr=self._outputs[protocol.STDERR].text,
            wall_seconds=wall_seconds,
            # Not measured any more. It cannot be more, and a storm of processes takes all of it.
            cpu_seconds=wall_seconds * CPU_SHARE,
            tested=self._tested,
            completed=self._completed,
            flags=frozenset(self._flags),
            waited_in_vain=status is RunStatus.TIMEOUT and self._console is not None and self._console.has_given_up,
            images=tuple(self._images.images),
            images_dropped=self._images.dropped,
        )


def _most_cpu_seconds(wall_seconds: float) -> float:
    """Return what a container can have had: its share, and that of the periods at both ends."""
    return wall_seconds * CPU_SHARE + 2 * CPU_QUOTA_MICROSECONDS / 1_000_000


Number = TypeVar("Number", int, float)


def _within(value: Number, highest: int) -> Number:
    if not 0 <= value <= highest:  # so is NaN
        raise ValueError(f"{value} is out of range")
    return value


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"SIG{number}"
