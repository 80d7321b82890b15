"""One running, capped container, and what can be asked of it: to run programs, one after another, and to end."""

import codecs
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from executions.sandbox.deadline import Deadline
from executions.sandbox.engine import Engine
from executions.sandbox.results import Run, RunLost, RunStatus, TestProgram
from executions.sandbox.stream import FrameStream, StreamEnded
from guest.protocol import STREAM_KEPT_BYTES, Kind, ProtocolError, decode_message, encode

READY_SECONDS = 10
"""The longest that a started container may take to say that it is ready."""

GRACE_SECONDS = 0.7
"""How long after a run's own deadline the supervisor may answer before we end the container ourselves."""

log = logging.getLogger(__name__)

KilledForMemory = Callable[[str], bool]
"""Tells of a container id, once its connection has ended, whether the engine saw it run out of memory."""


class Container:
    """A container of ours whose supervisor waits for programs. Whoever holds it closes it."""

    def __init__(self, name: str, container_id: str, stream: FrameStream, killed_for_memory: KilledForMemory) -> None:
        self.name = name
        self.id = container_id
        self._stream = stream
        self._killed_for_memory = killed_for_memory
        self.is_usable = True
        """False once a run has cost us the container: it ended, or its answers can no longer be told apart."""

    @classmethod
    def launch(
        cls, engine: Engine, name: str, options: dict[str, Any], killed_for_memory: KilledForMemory
    ) -> "Container":
        """Create, attach and start a container and wait until it is ready.

        Raises EngineError, or RunLost when the supervisor does not come up. Either way nothing is left of it but
        what the reaper finds: a container whose creation timed out may still appear later.
        """
        container_id = engine.create(name, options)
        try:
            stream = FrameStream(engine.attach(container_id))
            try:
                engine.start(container_id)
                kind, _ = stream.receive(Deadline.after(READY_SECONDS))
                if kind is not Kind.READY:
                    raise RunLost(f"{name} began with {kind.name}")
            except BaseException:
                stream.close()
                raise
        except (StreamEnded, TimeoutError) as error:
            engine.remove(container_id)
            raise RunLost(f"{name} did not come up: {error or 'no answer'}") from error
        except BaseException:
            engine.remove(container_id)
            raise
        return cls(name, container_id, stream, killed_for_memory)

    @property
    def is_closed(self) -> bool:
        """Whether the container has been let go."""
        return self._stream.is_closed

    def is_waiting(self) -> bool:
        """Return whether the container is still there and still waits for a program. Does not block."""
        return self._stream.is_quiet()

    def run(self, code: str, stdin: str, test: TestProgram | None, timeout_seconds: float) -> Run:
        """Run `code`, under `test` where given, in a fresh process, for at most `timeout_seconds`.

        Raises RunLost when the container fails: what the program did is then unknown.
        """
        deadline = Deadline.after(timeout_seconds + GRACE_SECONDS)
        started = time.monotonic()
        transcript = _Transcript()
        self.is_usable = False  # until it has answered
        try:
            self._stream.send(_request(code, stdin, test, timeout_seconds))
            while (frame := self._stream.receive(deadline))[0] is not Kind.RESULT:
                transcript.add(*frame)
            run = transcript.run(frame[1], longest_seconds=time.monotonic() - started)
            self.is_usable = True
            return run
        except TimeoutError:
            # Processes in the kernel's hands can starve the supervisor of its quarter of a CPU.
            log.warning("supervisor of %s missed the deadline", self.name)
            status = RunStatus.TIMEOUT
        except StreamEnded as error:
            if not self._killed_for_memory(self.id):
                raise RunLost(f"{self.name} failed in a run: {error}") from error
            status = RunStatus.MEMORY_LIMIT
        except (KeyError, TypeError, ValueError, ProtocolError) as error:
            raise RunLost(f"{self.name} sent a malformed frame: {error!r}") from error
        return transcript.cut_short(status, time.monotonic() - started)

    def close(self) -> None:
        """Let go of the container: its supervisor ends, and the engine removes it."""
        self._stream.close()


def _request(code: str, stdin: str, test: TestProgram | None, timeout_seconds: float) -> bytes:
    test_input = test.input if test else ""
    given = test.stdin if test else stdin
    task = {
        "code": code,
        "is_test": test is not None,
        "test_code": test.code if test else "",
        "input": test_input,
        "input_is_stdin": given is None,
    }
    feed = encode(Kind.TASK, task) + (test_input if given is None else given).encode()
    return encode(Kind.RUN, {"timeout_seconds": timeout_seconds, "feed_bytes": len(feed)}) + feed


class _Output:
    """One output stream of a run, decoded as it comes."""

    def __init__(self) -> None:
        self.text = ""
        self._size_bytes = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, data: bytes, is_end: bool = False) -> None:
        self._size_bytes += len(data)
        if self._size_bytes > STREAM_KEPT_BYTES:
            raise ValueError("more output than is kept")
        # PostgreSQL cannot store NUL.
        self.text += self._decoder.decode(data, is_end).replace("\0", "\ufffd")


class _Transcript:
    """What a container tells of one run, checked as it comes: nothing that comes out of a container is trusted."""

    def __init__(self) -> None:
        self._outputs = {Kind.STDOUT: _Output(), Kind.STDERR: _Output()}
        self._tested = False

    def add(self, kind: Kind, body: bytes) -> None:
        """Take one frame that is not the result. Raises KeyError or ValueError if it has no place here."""
        if kind is Kind.TEST:
            self._outputs[Kind.STDOUT] = _Output()
            self._tested = True
        else:
            self._outputs[kind].add(body)

    def run(self, result: bytes, longest_seconds: float) -> Run:
        """Return the run that ends with the body of a result frame."""
        message = decode_message(result)
        status = RunStatus(message["status"])
        if status is RunStatus.NOT_RUN:
            raise ValueError("status not_run")
        exit_code, signal = message["exit_code"], message["signal"]
        if signal is not None and not isinstance(signal, str):
            raise ValueError("signal is not a name")
        return replace(
            # The container's clocks are not ours to trust: no run takes longer than we waited for it.
            self.cut_short(status, min(_number(message["wall_seconds"], 3600), longest_seconds)),
            exit_code=None if exit_code is None else int(_number(exit_code, 255)),
            signal=signal and signal[:32],
            cpu_seconds=_number(message["cpu_seconds"], 3600),
            memory_peak_kb=int(_number(message["memory_peak_kb"], 2**31)),
            truncated=message["truncated"] is True,
        )

    def cut_short(self, status: RunStatus, wall_seconds: float) -> Run:
        """Return the run whose end the supervisor could not tell."""
        for output in self._outputs.values():
            output.add(b"", is_end=True)
        return Run(
            status,
            stdout=self._outputs[Kind.STDOUT].text,
            stderr=self._outputs[Kind.STDERR].text,
            wall_seconds=wall_seconds,
            tested=self._tested,
        )


def _number(value: object, highest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
        raise ValueError("not a number in range")
    return value
