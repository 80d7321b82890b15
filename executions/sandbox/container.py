"""One running, capped container, and what can be asked of it: to run programs, one after another, and to end."""

import logging
import math
import time
from collections.abc import Callable
from typing import Any

from executions.sandbox.deadline import Deadline
from executions.sandbox.engine import Engine
from executions.sandbox.results import Run, RunLost, RunStatus, TestProgram
from executions.sandbox.stream import FrameStream, StreamEnded
from guest import protocol

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
                ready = stream.receive(Deadline.after(READY_SECONDS))
                if ready != {"type": "ready"}:
                    raise RunLost(f"{name} began with {ready}")
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
        try:
            self._stream.send(_request(code, stdin, test, timeout_seconds), deadline)
            while (message := self._stream.receive(deadline))["type"] != "result":
                transcript.add(message)
            return transcript.run(message, longest_seconds=time.monotonic() - started)
        except TimeoutError:
            # Processes in the kernel's hands can starve the supervisor of its quarter of a CPU.
            log.warning("supervisor of %s missed the deadline", self.name)
            status = RunStatus.TIMEOUT
        except StreamEnded as error:
            if not self._killed_for_memory(self.id):
                raise RunLost(f"{self.name} failed in a run: {error}") from error
            status = RunStatus.MEMORY_LIMIT
        except (KeyError, TypeError, ValueError) as error:
            raise RunLost(f"{self.name} sent a malformed frame: {error!r}") from error
        self.is_usable = False
        return transcript.cut_short(status, time.monotonic() - started)

    def close(self) -> None:
        """Let go of the container: its supervisor ends, and the engine removes it."""
        self._stream.close()


def _request(code: str, stdin: str, test: TestProgram | None, timeout_seconds: float) -> protocol.Message:
    test_input = test.input if test else ""
    given = test.stdin if test else stdin
    return {
        "task": {
            "code": code,
            "is_test": test is not None,
            "test_code": test.code if test else "",
            "input": test_input,
            "input_is_stdin": given is None,
        },
        "stdin": test_input if given is None else given,
        "timeout_seconds": timeout_seconds,
    }


class _Transcript:
    """What a container tells of one run, checked as it comes: nothing that comes out of a container is trusted."""

    def __init__(self) -> None:
        self._outputs = {"stdout": "", "stderr": ""}
        self._tested = False

    def add(self, message: protocol.Message) -> None:
        """Take one frame that is not the result."""
        if message["type"] == "output":
            text = self._outputs[message["stream"]] + _text(message["text"])
            if len(text) > protocol.STREAM_KEPT_BYTES:
                raise ValueError("more output than is kept")
            self._outputs[message["stream"]] = text
        elif message["type"] == "test":
            self._outputs["stdout"] = ""
            self._tested = True
        else:
            raise ValueError(f"a frame of type {message['type']!r:.40}")

    def run(self, message: protocol.Message, longest_seconds: float) -> Run:
        """Return the run that ends with the result frame `message`."""
        status = RunStatus(message["status"])
        if status is RunStatus.NOT_RUN:
            raise ValueError("status not_run")
        exit_code, signal = message["exit_code"], message["signal"]
        return Run(
            status=status,
            **self._outputs,
            exit_code=None if exit_code is None else int(_number(exit_code, 255)),
            signal=None if signal is None else _text(signal)[:32],
            # The container's clocks are not ours to trust: no run takes longer than we waited for it.
            wall_seconds=min(_number(message["wall_seconds"], 3600), longest_seconds),
            cpu_seconds=_number(message["cpu_seconds"], 3600),
            memory_peak_kb=int(_number(message["memory_peak_kb"], 2**31)),
            truncated=message["truncated"] is True,
            tested=self._tested,
        )

    def cut_short(self, status: RunStatus, wall_seconds: float) -> Run:
        """Return the run whose end the supervisor could not tell."""
        return Run(status, **self._outputs, wall_seconds=wall_seconds, tested=self._tested)


def _text(value: object) -> str:
    """Return a text without NUL, which PostgreSQL cannot store."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    if not value.isascii():
        value = value.encode(errors="replace").decode()  # JSON may carry lone surrogates
    return value.replace("\0", "\ufffd")


def _number(value: object, highest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a number")
    if not 0 <= value <= highest:
        raise ValueError(f"{value} is out of range")
    return value
