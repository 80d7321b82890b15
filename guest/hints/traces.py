"""What the traceback of an error tells besides its message."""

from __future__ import annotations

import re
import traceback

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from types import FrameType

    from guest.hints.diagnosis import Words


def last_line(error: BaseException) -> str:
    """Return the last line that Python prints, which may end with a suggestion."""
    shown = traceback.TracebackException(type(error), error, error.__traceback__, limit=0, lookup_lines=False)
    return next(shown.format_exception_only(), "").rstrip()


def with_suggestion(hint: str, words: Words, error: BaseException) -> str:
    """Return `hint`, or where Python suggests a name, the hint that tells it besides."""
    near = re.search(r"[Dd]id you mean:? '([^']+)'", last_line(error))
    words["near"] = near[1] if near else ""
    return f"{hint}_near" if near else hint


def last_frame(error: BaseException) -> FrameType | None:
    """Return the frame in which `error` was raised, of the program or of a library."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame if trace else None
