"""Runs a program step by step, and writes down where it is, its variables and what it has printed.

Only the frames of the program's own files are steps. What is written calls nothing of the program, and each step is
whole in shared memory before the program goes on: however it ends, its steps so far remain.
"""

from __future__ import annotations

import io
import json
import os
import sys
from opcode import opmap

from guest import protocol
from guest.program.glimpse import LOCALS, glimpse, is_definition
from guest.program.main_module import DIRECTORY, FILE_NAME

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from guest.supervisor.mailbox import Trace

# Saved because a submission may replace or delete them.
_exit, _getpid = os._exit, os.getpid
_settrace, _gettrace = sys.settrace, sys.gettrace
_errors = sys.stdout.errors

_write = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
# Python reports that a frame ends in the same way if an exception leaves it: only the instruction tells the two apart.
RETURNS = frozenset({opmap["RETURN_VALUE"], opmap["RETURN_CONST"]})
YIELDS = frozenset({opmap["YIELD_VALUE"], opmap["RESUME"]})
LOOPS = frozenset({opmap["FOR_ITER"], opmap["SEND"], opmap["END_SEND"]})
"""The instructions that a StopIteration ends, and goes no further."""

END_BYTES = 16
"""Room for the last line."""


class _CountingOutput(io.FileIO):
    """Descriptor 1, which counts the characters that are printed through it."""

    characters = 0

    def write(self, data: Any) -> int:
        self.characters += len(str(data, "utf-8", "replace"))
        return io.FileIO.write(self, data)


class Tracer:
    """Traces the main thread of this process, from `start` until the program has run or the trace is full."""

    def __init__(self, trace: Trace, names: list[str]) -> None:
        """`names` are those of the files beside the program."""
        self._trace = trace
        self._pid = _getpid()
        self._files = {FILE_NAME: FILE_NAME} | {f"{DIRECTORY}/{name}": name for name in names if name.endswith(".py")}
        self._output = _CountingOutput(1, "w", closefd=False)
        self._steps = 0
        self._left_bytes = protocol.TRACE_BYTES - END_BYTES
        self._raising = 0  # the id of the frame that an exception is leaving
        self._has_started = False
        self._begin = self._enter  # always the same object

    def start(self) -> None:
        """Trace what runs from now on. What is printed is no longer buffered, so that it can be counted."""
        sys.stdout = io.TextIOWrapper(self._output, encoding="utf-8", errors=_errors, newline="\n", write_through=True)
        self._has_started = True
        _settrace(self._begin)

    def end(self) -> None:
        """End the trace of a program that could not start."""
        if not self._has_started:
            self._put("end")

    def _enter(self, frame: FrameType, event: str, value: Any) -> Any:
        name = frame.f_code.co_filename
        if type(name) is not str or name not in self._files:
            return None
        if frame.f_code.co_name != "<module>":
            self._record(frame, event, None)
        return self._step

    def _step(self, frame: FrameType, event: str, value: Any) -> Any:
        if _getpid() != self._pid:  # a fork of the program
            _settrace(None)
        if _gettrace() is not self._begin:  # or the program has set another
            return None
        if event == "exception":
            if value[0] is not StopIteration or _instruction(frame) not in LOOPS:
                self._raising = id(frame)
                self._record(frame, event, value[1])
        elif event == "return" and not self._gives_a_value(frame):
            pass  # the exception goes on to its caller
        else:
            self._raising = 0
            self._record(frame, event, value)
        if event == "return" and frame.f_back is None and _gettrace() is self._begin:
            # Now, because an exception would next come to a frame that is hidden: tracing it is a SystemError.
            self._put("end")
            _settrace(None)
        return self._step

    def _gives_a_value(self, frame: FrameType) -> bool:
        """Whether a frame that ends, for good or at a yield, returns or yields: no exception leaves it."""
        instruction = _instruction(frame)
        return instruction in RETURNS or (instruction in YIELDS and self._raising != id(frame))

    def _record(self, frame: FrameType, event: str, value: object) -> None:
        if self._steps == protocol.TRACE_STEPS:
            self._leave("steps")
        try:
            step = self._describe(frame, event, value)
            data = _write(step).encode("utf-8", "replace") + b"\n"
        except (RecursionError, MemoryError, RuntimeError):  # the program has left us too little room
            _settrace(None)
            return
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            self._leave("size")
        self._trace.put(data)
        self._steps += 1

    def _describe(self, frame: FrameType, event: str, value: object) -> dict[str, Any]:
        frames = []
        each: FrameType | None = frame
        while each is not None:
            name = each.f_code.co_filename
            if type(name) is str and name in self._files:
                frames.append(each)
            each = each.f_back
        shown = frames
        if len(frames) > protocol.TRACE_FRAMES:
            shown = [*frames[: protocol.TRACE_FRAMES - 1], frames[-1]]
        return {
            "event": event,
            "value": glimpse(value) if event in ("return", "exception") else None,
            "printed": self._output.characters,
            "depth": len(frames),
            "stack": [self._frame(each) for each in reversed(shown)],
        }

    def _frame(self, frame: FrameType) -> dict[str, Any]:
        code = frame.f_code
        return {
            "function": code.co_name[: protocol.TRACE_CHARACTERS],
            "file": self._files[code.co_filename],
            "line": frame.f_lineno,
            "variables": _variables(frame),
        }

    def _leave(self, end: str) -> None:
        """End the program: nobody needs what else it would do."""
        self._put(end)
        _exit(0)

    def _put(self, end: str) -> None:
        self._trace.put(_write(end).encode())


def _instruction(frame: FrameType) -> int:
    return frame.f_code.co_code[frame.f_lasti]


def _variables(frame: FrameType) -> dict[str, str]:
    variables: dict[str, str] = {}
    found, outer = frame.f_locals, frame.f_globals
    if type(found) not in LOCALS:
        return variables
    if frame.f_code.co_name == "<module>" and found is not outer and type(outer) is dict:
        found = {**outer, **found}  # during a comprehension, the variables are only its own
    for name, value in list(found.items()):  # another thread may add some meanwhile
        if len(variables) == protocol.TRACE_VARIABLES:
            break
        if type(name) is not str or name.startswith(("__", ".")) or is_definition(name, value):
            continue
        variables[name[: protocol.TRACE_CHARACTERS]] = glimpse(value)
    return variables
