"""The steps that a traced run has written: assembled, checked and limited. Nothing in them is trusted."""

import json
from typing import Any

from executions.sandbox.results import File, Run, RunStatus
from executions.sandbox.steps import Frame, Step, Trace
from guest import protocol

MAIN = "main.py"
MOST_LINES = 1_000_000
CUT_BY_STATUS = {
    RunStatus.TIMEOUT: "timeout",
    RunStatus.MEMORY_LIMIT: "memory_limit",
    RunStatus.OUTPUT_LIMIT: "output_limit",
    RunStatus.NOT_RUN: "not_run",
}


def read_trace(run: Run, code: str, files: tuple[File, ...]) -> Trace:
    """Return the trace that `run` has reported, up to the first line that is not a step of the program."""
    lines = {file.name: _lines(file.content) for file in files if file.name.endswith(".py")} | {
        MAIN: _lines(code.encode())
    }
    steps: list[Step] = []
    end = ""
    for line in run.trace.split(b"\n"):
        read = _read(line)
        if isinstance(read, str) and read in protocol.TRACE_ENDS:
            end = read
            break
        if len(steps) == protocol.TRACE_STEPS or (step := _step(read, lines, len(run.stdout))) is None:
            break
        steps.append(step)
    cut = CUT_BY_STATUS.get(run.status) or (None if end == "end" else end or "lost")
    return Trace(tuple(steps), cut, run.stdout)


def _lines(text: bytes) -> int:
    return text.count(b"\n") + text.count(b"\r") + 1


def _read(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _step(read: Any, lines: dict[str, int], most_printed: int) -> Step | None:
    """Return what was read as a step; None if it is not one."""
    match read:
        case {"event": str(event), "value": value, "printed": int(printed), "depth": int(depth), "stack": list(stack)}:
            frames = tuple(_frame(each, lines) for each in stack[: protocol.TRACE_FRAMES])
        case _:
            return None
    if event not in protocol.TRACE_EVENTS or not frames or not len(frames) <= depth <= MOST_LINES:
        return None
    if printed < 0 or not (value is None or isinstance(value, str)):
        return None
    whole = tuple(frame for frame in frames if frame is not None)
    if len(whole) < len(frames):
        return None
    shown = None if value is None else _text(value)
    return Step(event, whole[-1].line, shown, min(int(printed), most_printed), int(depth), whole)


def _frame(read: Any, lines: dict[str, int]) -> Frame | None:
    match read:
        case {"function": str(function), "file": str(file), "line": int(line), "variables": dict(variables)}:
            pass
        case _:
            return None
    if file not in lines or not 0 <= line <= lines[file]:
        return None
    kept = list(variables.items())[: protocol.TRACE_VARIABLES]
    if not all(isinstance(value, str) for _, value in kept):
        return None
    return Frame(_text(function), file, max(1, int(line)), {_text(name): _text(value) for name, value in kept})


def _text(text: str) -> str:
    # A program may write half a surrogate pair, which no answer can hold.
    return text[: protocol.TRACE_CHARACTERS].encode("utf-8", "replace").decode()
