"""The strokes that a program's turtles have written: assembled, checked and limited. Nothing in them is trusted."""

import json
import re
from typing import Any

from executions.sandbox.strokes import Stroke
from guest import protocol

COLOR = re.compile(r"#[0-9a-f]{6}")


class StrokeCollector:
    """Takes the bodies of a run's DRAWING frames: lines of JSON, one per stroke. Ignores what follows a bad one."""

    def __init__(self) -> None:
        self._received_bytes = 0
        self._begun = bytearray()  # the line that the next body continues
        self._is_broken = False

    def add(self, body: bytes) -> tuple[Stroke, ...]:
        """Return the strokes that the body completes. Raises ValueError if there is more than a supervisor sends."""
        self._received_bytes += len(body)
        if self._received_bytes > protocol.TRACE_BYTES:
            raise ValueError("more strokes than a supervisor sends")
        strokes: list[Stroke] = []
        self._begun += body
        if b"\n" not in body:  # it would be split again and again
            return ()
        *lines, self._begun = self._begun.split(b"\n")
        for line in lines:
            stroke = None if self._is_broken else read_stroke(line)
            self._is_broken = stroke is None
            if stroke is not None:
                strokes.append(stroke)
        return tuple(strokes)


def read_stroke(line: bytes | bytearray) -> Stroke | None:
    """Return the stroke that a line describes, None if it describes none."""
    match _read(line):
        case [str(kind), str(color), width, [*points], str(text), str(align)]:
            pass
        case _:
            return None
    if kind not in protocol.STROKES or align not in protocol.ALIGNS or not COLOR.fullmatch(color):
        return None
    if not points or len(points) % 2 or not all(map(_is_near, (width, *points))):
        return None
    # A program may write half a surrogate pair, which no event can hold.
    return Stroke(kind, color, width, tuple(points), text.encode("utf-8", "replace").decode(), align)


def _read(line: bytes | bytearray) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_near(number: object) -> bool:
    return (
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and -protocol.FARTHEST <= number <= protocol.FARTHEST  # also rejects NaN
    )
