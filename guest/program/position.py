"""Says where the program is, shortly before its deadline: after that, no Python is left to ask.

The supervisor asks by SIGURG, which does nothing to a process that has no handler, as after exec(). System calls that
it interrupts go on, all but that of signal.pause(): programs that name `signal` are not asked.
See docs/decisions/0011-error-detail.md.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` itself would load enum and all that it needs

from guest import reports
from guest.program.main_module import FILE_NAME

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import Any

    from guest.program.main_module import MainModule
    from guest.supervisor.mailbox import Mailbox

LOOPS = ("for", "while", "async")
ENDS_OF_LOOPS = ("def", "class")
MOST_VARIABLES, SHOWN_CHARACTERS = 5, 60


def answer_where(main: MainModule, mailbox: Mailbox) -> None:
    """From now on, put the position into `mailbox` when the supervisor asks."""

    def answer(_: int, frame: FrameType | None) -> None:
        try:
            line, variables = _position(frame, main.sources[FILE_NAME]())
            mailbox.put(reports.pack_detail(reports.POSITION, variables, "", line, 0, 0))
        except BaseException:  # noqa: S110 (whatever the program has replaced, or has left no room for)
            pass

    signal.signal(signal.SIGURG, answer)
    signal.siginterrupt(signal.SIGURG, False)
    mailbox.answers = True


def stop_answering(mailbox: Mailbox) -> None:
    """Answer no more: the program has ended, and the mailbox is for its error."""
    mailbox.answers = False
    signal.signal(signal.SIGURG, signal.SIG_DFL)


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames of the program's own text, the innermost first."""
    while frame is not None:
        name = frame.f_code.co_filename
        if type(name) is str and name == FILE_NAME:
            yield frame
        frame = frame.f_back


def _position(frame: FrameType | None, source: str) -> tuple[int, str]:
    """Return the line in the innermost loop and the variables of the loop, such as `n = 3, total = 6`.

    Without a loop, it is the innermost line; 0 if there is none.
    """
    import io

    lines = io.StringIO(source, newline=None).readlines()
    frames = list(_frames(frame))
    for each in frames:
        if loop := _loop_around(lines, each.f_lineno):
            return each.f_lineno, ", ".join(f"{name} = {text}" for name, text in _values(each, loop))
    return frames[0].f_lineno if frames else 0, ""


def _loop_around(lines: list[str], number: int) -> list[str]:
    """Return the lines of the innermost loop around line `number`, judged by the indentation."""
    margin = _margin(lines[number - 1])
    for start in range(number - 1, -1, -1):
        words = _words(lines[start])
        if not words or (start < number - 1 and _margin(lines[start]) >= margin):
            continue
        margin = _margin(lines[start])
        if words[0] in LOOPS:
            end = start + 1
            while end < len(lines) and (not lines[end].strip() or _margin(lines[end]) > margin):
                end += 1
            return lines[start:end]
        if words[0] in ENDS_OF_LOOPS:
            return []
    return []


def _values(frame: FrameType, loop: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the variables that the lines of a loop name, in their order, with short texts."""
    from guest.program.glimpse import LOCALS, glimpse, is_definition

    found: Any = frame.f_locals
    spaces = [found, frame.f_globals] if type(found) in LOCALS else []
    left = MOST_VARIABLES
    for name in dict.fromkeys(word for line in loop for word in _words(line)):
        for space in spaces:
            if name in space and not name.startswith("__") and not is_definition(name, space[name]) and left:
                left -= 1
                text = glimpse(space[name])
                yield name, text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
                break


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


def _words(line: str) -> list[str]:
    """Return the names and keywords of a line, without a comment."""
    code = line.partition("#")[0]
    words = "".join(each if each.isalnum() or each == "_" else " " for each in code).split()
    return [word for word in words if word.isidentifier()]
