"""What a container reports about one run, checked as it comes: nothing from a container is trusted."""

import codecs
import re
import signal
from collections.abc import Collection
from dataclasses import replace
from typing import TypeVar

from executions.sandbox.console import Console, Drawn, Printed, Shown
from executions.sandbox.container.received_files import FileCollector
from executions.sandbox.container.received_images import ImageCollector
from executions.sandbox.container.received_strokes import StrokeCollector
from executions.sandbox.container.task import Task
from executions.sandbox.engine.options import CPU_PERIOD_MICROSECONDS, CPU_QUOTA_MICROSECONDS
from executions.sandbox.results import ErrorDetail, ErrorInFile, File, Flag, Hint, Run, RunStatus
from guest import protocol, reports

CPU_SHARE = CPU_QUOTA_MICROSECONDS / CPU_PERIOD_MICROSECONDS

LONGEST_SOURCE = 500
"""How many characters of a program's line an error detail shows."""

LINE_END = re.compile(r"\r\n|\r|\n")  # as Python and editors count lines


class Transcript:
    """Collects the frames of one run and turns them into a Run. Puts output, images and strokes on the console."""

    def __init__(self, task: Task, images: ImageCollector, console: Console | None) -> None:
        self._task = task
        self._is_test = not task.is_program
        self._images = images
        self._console = console
        self._raised: tuple[str, ...] = ()
        self._detail: ErrorDetail | None = None
        self._hint: Hint | None = None
        self._has_detail = False
        self._returned: str | None = None
        self._trace = bytearray()
        self._files = FileCollector(task.collect)
        self._strokes = StrokeCollector()
        self._outputs = _fresh_outputs()
        self._tested = self._completed = False
        self._flags: set[Flag] = set()

    def add(self, kind: int, body: bytes) -> None:
        """Add one frame other than the result. Raises KeyError or ValueError if it is invalid or out of turn."""
        if kind == protocol.TEST and self._is_test and not self._tested:
            self._outputs = _fresh_outputs()
            self._tested = True
        elif kind == protocol.TESTED and self._tested and not self._completed:
            self._completed = True
        elif kind == protocol.VALUE and self._tested and self._returned is None:
            self._returned = _storable(body.decode("utf-8", "replace"))
        elif kind == protocol.FLAG and (flag := Flag(body.decode())) not in self._flags:
            self._flags.add(flag)
        elif kind == protocol.DETAIL and not self._has_detail:
            self._raised, self._detail, self._hint = read_detail(body, self._task.code, self._task.files)
            self._has_detail = True
        elif kind == protocol.TRACE and len(self._trace) + len(body) <= protocol.TRACE_BYTES:
            self._trace += body
        elif kind == protocol.IMAGE:
            image = self._images.add(body)
            if image is not None and self._console is not None:
                self._console.put(Shown(image))
        elif kind == protocol.DRAWING and self._console is not None and not self._is_test:
            if strokes := self._strokes.add(body):
                self._console.put(Drawn(strokes))
        elif kind == protocol.FILE:
            self._files.add(body)
        elif body:
            self._print(kind, body)
        else:
            raise ValueError(f"an empty frame of kind {kind}")

    def run(self, result: bytes, longest_seconds: float, frames_before: int) -> Run:
        """Return the run that ends with the body of a RESULT frame, which must hold the number of frames before it."""
        status, exit_code, signal_number, *times, peak_kb, truncated, frames = protocol.unpack_result(result)
        wall_seconds, delayed_seconds, cpu_seconds = (_within(seconds, 3600) for seconds in times)
        if frames != frames_before:
            raise ValueError(f"{frames_before} frames of {frames}")
        is_position = self._raised[:1] == (reports.POSITION,)
        is_timeout = status == RunStatus.TIMEOUT
        told = (self._raised, self._detail, self._hint)
        raised, detail, hint = ((), None, None) if is_position or is_timeout else told
        return replace(
            # The container's clock is not trusted: no run takes longer than we have waited for it.
            self.cut_short(RunStatus(status), min(wall_seconds, longest_seconds)),
            delayed_seconds=min(delayed_seconds, wall_seconds, longest_seconds),
            exit_code=None if exit_code is None else _within(exit_code, 255),
            signal=None if signal_number is None else _signal_name(signal_number),
            # gVisor counts the time for which each of a thousand threads waited for its turn.
            cpu_seconds=min(cpu_seconds, _most_cpu_seconds(longest_seconds)),
            memory_peak_kb=_within(peak_kb, 2**31 - 1),
            truncated=truncated,
            raised=raised[0] if raised else "",
            bases=raised[1:],
            detail=detail,
            hint=hint,
            position=self._detail if is_position and is_timeout else None,
            returned=self._returned,
            trace=bytes(self._trace),
        )

    def cut_short(self, status: RunStatus, wall_seconds: float) -> Run:
        """Return the run so far, for a supervisor that could not report its end."""
        for kind in self._outputs:
            self._print(kind, b"", is_end=True)
        return Run(
            status,
            stdout=self._outputs[protocol.STDOUT].text,
            stderr=self._outputs[protocol.STDERR].text,
            wall_seconds=wall_seconds,
            # Not measured. It cannot be more, and a fork storm uses all of it.
            cpu_seconds=wall_seconds * CPU_SHARE,
            tested=self._tested,
            completed=self._completed,
            flags=frozenset(self._flags),
            waited_in_vain=status is RunStatus.TIMEOUT and self._console is not None and self._console.has_given_up,
            images=tuple(self._images.images),
            images_dropped=self._images.dropped,
            collected=tuple(self._files.files),
            not_collected=tuple(self._files.others),
        )

    def _print(self, kind: int, body: bytes, is_end: bool = False) -> None:
        text = self._outputs[kind].add(body, is_end)
        if text and self._console is not None and not self._is_test:
            self._console.put(Printed("stdout" if kind == protocol.STDOUT else "stderr", text))


class _Output:
    """One output stream of a run, decoded as it comes."""

    def __init__(self) -> None:
        self.text = ""
        self._size_bytes = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, data: bytes, is_end: bool = False) -> str:
        """Add output; return the text that it completes. The bytes of a partial character wait for the rest.

        If the rest was not kept, they are dropped.
        """
        self._size_bytes += len(data)
        if self._size_bytes > protocol.STREAM_KEPT_BYTES:
            raise ValueError("more output than is kept")
        is_cut = self._size_bytes == protocol.STREAM_KEPT_BYTES
        text = _storable(self._decoder.decode(data, is_end and not is_cut))
        self.text += text
        return text


def _fresh_outputs() -> dict[int, _Output]:
    return {protocol.STDOUT: _Output(), protocol.STDERR: _Output()}


def read_detail(
    body: bytes, code: str, files: Collection[File] = ()
) -> tuple[tuple[str, ...], ErrorDetail | None, Hint | None]:
    """Return the exception that the body of a DETAIL frame names, its detail in `code`, without a hint, and its hint.

    The exception is the full name of its class and those of its bases; it is empty, and the detail None, if the body
    describes no error. The program's own process writes it, and can write anything: a position outside `code`, or
    outside the text of one of `files`, is omitted.
    """
    try:
        name, message, hint, line, column, end_column = reports.unpack_detail(body)
    except protocol.ProtocolError:
        return (), None, None
    raised = _storable(name[: reports.TYPE_CHARACTERS])
    if not raised:
        return (), None, None
    kind = raised.rpartition(".")[2] or raised
    file = _in_file(*reports.unpack_file(body), files)
    detail = replace(_detail(kind, message, (line, column, end_column), code), file=file)
    return (raised, *reports.unpack_bases(body)), detail, _hint(hint)


def _hint(packed: str) -> Hint | None:
    key, words = reports.unpack_hint(packed[: reports.HINT_BYTES])
    return Hint(key, tuple(words.items())) if key else None


def _detail(kind: str, message: str, position: tuple[int, int, int], code: str) -> ErrorDetail:
    message = _storable(message[: reports.MESSAGE_CHARACTERS])
    found = _within_text(position, code)
    return ErrorDetail(kind, message) if found is None else ErrorDetail(kind, message, *found)


def _in_file(name: str, line: int, column: int, end_column: int, files: Collection[File]) -> ErrorInFile | None:
    content = next((file.content for file in files if file.name == name), None)
    if content is None:
        return None
    found = _within_text((line, column, end_column), content.decode("utf-8-sig", "replace"))
    return None if found is None else ErrorInFile(name, *found)


def _within_text(position: tuple[int, int, int], text: str) -> tuple[int, int | None, int | None, str] | None:
    """Return a line and the columns with the text of the line; no columns, or None, if they are not in the text."""
    line, column, end_column = position
    lines = LINE_END.split(text)
    if not 1 <= line <= len(lines):
        return None
    source = lines[line - 1]
    shown = _storable(source[:LONGEST_SOURCE])
    is_within = 1 <= column <= end_column <= len(source) + 1
    return (line, column, end_column, shown) if is_within else (line, None, None, shown)


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd")  # PostgreSQL cannot store NUL


def _most_cpu_seconds(wall_seconds: float) -> float:
    """Return the most that a container can have used: its share, and the quotas of the periods at both ends."""
    return wall_seconds * CPU_SHARE + 2 * CPU_QUOTA_MICROSECONDS / 1_000_000


Number = TypeVar("Number", int, float)


def _within(value: Number, highest: int) -> Number:
    if not 0 <= value <= highest:  # also rejects NaN
        raise ValueError(f"{value} is out of range")
    return value


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"SIG{number}"
