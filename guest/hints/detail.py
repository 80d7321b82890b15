"""What an editor is told of an error: what it is, where in the learner's program, and a hint. Loaded only after one.

Lines and columns are counted from 1, columns in characters; the end column is the one after the last character.
"""

from __future__ import annotations

import itertools
import re

from guest import protocol
from guest.hints import diagnosis

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from types import TracebackType

    Place = tuple[int, int, int]  # line, column, end column; 0 is not known

NOWHERE = (0, 0, 0)
LINE_END = re.compile(r"\r\n|\r|\n")  # not str.splitlines: for Python, a form feed ends no line
INDENTATION_ERRORS = ("unexpected indent", "unindent does not match", "inconsistent use of tabs")
ONLY_PARSE = 0x400  # ast.PyCF_ONLY_AST


def describe(error: BaseException | None, file_name: str, code: str) -> bytes:
    """Return the body of a DETAIL frame about `error`, which ended the program `code`."""
    if error is None:
        return b""
    lines = LINE_END.split(code)
    if isinstance(error, SyntaxError) and error.__traceback__ is None:  # of the program itself, not of an eval() in it
        place = _place_of_syntax(error, file_name, code, lines)
    else:
        place = _place_of_run(error, file_name, lines)
    message = _message(error)
    line, column, end_column = place
    hint = diagnosis.hint_for(error, message, lines[line - 1] if line else "", column, end_column)
    return protocol.pack_detail(type(error).__name__, message, hint, *place)


def _message(error: BaseException) -> str:
    try:
        return str(error.msg if isinstance(error, SyntaxError) else error)
    except Exception:  # the learner's own __str__
        return ""


def _place_of_run(error: BaseException, file_name: str, lines: list[str]) -> Place:
    """Return where the innermost frame of the learner's code was: a library may have raised."""
    innermost: TracebackType | None = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file_name:
            innermost = trace
        trace = trace.tb_next
    if innermost is None or not 0 < (line := innermost.tb_lineno) <= len(lines):
        return NOWHERE
    instruction = max(0, innermost.tb_lasti) // 2
    positions = itertools.islice(innermost.tb_frame.f_code.co_positions(), instruction, None)
    first, last, start, end = next(positions, (None,) * 4)
    if first != line or start is None or end is None:
        return line, 0, 0
    text = lines[line - 1]
    return line, _characters(text, start) + 1, _characters(text, end) + 1 if last == line else len(text) + 1


def _place_of_syntax(error: SyntaxError, file_name: str, code: str, lines: list[str]) -> Place:
    if error.filename != file_name or not error.lineno:
        return NOWHERE
    if error.lineno > len(lines):  # at the end of the file
        return len(lines), len(lines[-1]) + 1, len(lines[-1]) + 1
    text = lines[error.lineno - 1]
    if error.msg.startswith(INDENTATION_ERRORS):
        return error.lineno, 1, len(text) - len(text.lstrip()) + 1
    column, end = error.offset or 0, error.end_offset or 0
    if error.end_lineno is not None and error.end_lineno > error.lineno:
        end = len(text) + 1
    elif _is_parsed(code, file_name):  # then the compiler found it, which counts in bytes
        column, end = _characters(text, column - 1) + 1, _characters(text, end - 1) + 1
    column = min(max(1, column), len(text) + 1)
    return error.lineno, column, min(max(column + 1, end), len(text) + 1)


def _is_parsed(code: str, file_name: str) -> bool:
    try:
        compile(code, file_name, "exec", ONLY_PARSE, dont_inherit=True)
    except Exception:
        return False
    return True


def _characters(text: str, size: int) -> int:
    """Return how many characters the first `size` bytes of `text` are."""
    return len(text.encode("utf-8", "replace")[: max(0, size)].decode("utf-8", "ignore"))
