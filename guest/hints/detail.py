"""Describe an error for an editor: its type, its position in the program, and a hint. Loaded only after an error.

Lines and columns count from 1, columns in characters; the end column is the one after the last character.
"""

from __future__ import annotations

import itertools
import warnings

from guest import reports
from guest.hints import diagnosis
from guest.hints.raised import file_of, full_name, innermost_frame, message_of
from guest.hints.traces import lines_of

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from guest.hints.raised import Files

Position = tuple[int, int, int]
"""Line, column and end column; 0 means unknown."""

NOWHERE = (0, 0, 0)
INDENTATION_ERRORS = ("unexpected indent", "unindent does not match", "inconsistent use of tabs")
ONLY_PARSE = 0x400  # ast.PyCF_ONLY_AST


def describe(error: BaseException, file_name: str, code: str, files: Files) -> bytes:
    """Return the body of a DETAIL frame about `error`, which ended the program `code` that had `files` beside it."""
    is_in_text = isinstance(error, SyntaxError) and error.__traceback__ is None  # not in an eval() of the program
    position = _position(error, file_name, code, is_in_text)
    location, file = position, ("", *NOWHERE)
    if beside := file_of(error, file_name, files):
        file_name, code = beside, _text_of(beside)
        is_in_text = isinstance(error, SyntaxError) and error.filename == beside
        location = _position(error, beside, code, is_in_text)
        file = (files[beside], *location)
    message = message_of(error)
    try:
        source = lines_of(code)[location[0] - 1] if location[0] else ""
        key, words = diagnosis.hint_for(error, message, source, *location[1:], code, file_name, is_in_text)
        hint = reports.pack_hint(key, words)
    except Exception:  # it asks the program's own objects for their names
        hint = ""
    return reports.pack_detail(full_name(error), message, hint, *position, file)


def _text_of(file: str) -> str:
    """Return the text of a file as Python decodes it; an empty string if it cannot be read any more."""
    import linecache  # loaded by the traceback

    return "".join(linecache.getlines(file))


def _position(error: BaseException, file_name: str, code: str, is_in_text: bool) -> Position:
    lines = lines_of(code)
    if is_in_text and isinstance(error, SyntaxError):
        return _position_of_syntax_error(error, file_name, code, lines)
    return _position_of_exception(error, file_name, lines)


def _position_of_exception(error: BaseException, file_name: str, lines: list[str]) -> Position:
    """Return the position in the innermost frame of the learner's code: a library may have raised the error."""
    innermost = innermost_frame(error, file_name)
    if innermost is None or not 0 < (line := innermost.tb_lineno) <= len(lines):
        return NOWHERE
    instruction = max(0, innermost.tb_lasti) // 2
    positions = itertools.islice(innermost.tb_frame.f_code.co_positions(), instruction, None)
    first, last, start, end = next(positions, (None,) * 4)
    if first != line or start is None or end is None:
        return line, 0, 0
    text = lines[line - 1]
    return line, _characters(text, start) + 1, _characters(text, end) + 1 if last == line else len(text) + 1


def _position_of_syntax_error(error: SyntaxError, file_name: str, code: str, lines: list[str]) -> Position:
    if error.filename != file_name or not error.lineno:
        return NOWHERE
    if error.lineno > len(lines):  # at the end of the file
        return len(lines), len(lines[-1]) + 1, len(lines[-1]) + 1
    text = lines[error.lineno - 1]
    if not error.offset:  # at the end of the file, after this line
        return error.lineno, len(text) + 1, len(text) + 1
    if error.msg.startswith(INDENTATION_ERRORS):
        return error.lineno, 1, len(text) - len(text.lstrip()) + 1
    column, end = error.offset, error.end_offset or 0
    if error.end_lineno is not None and error.end_lineno > error.lineno:
        end = len(text) + 1
    elif _is_parsed(code, file_name):  # then the compiler found the error, and it counts bytes
        column, end = _characters(text, column - 1) + 1, _characters(text, end - 1) + 1
    column = min(max(1, column), len(text) + 1)
    return error.lineno, column, min(max(column + 1, end), len(text) + 1)


def _is_parsed(code: str, file_name: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):  # compiling it the first time has shown them
            compile(code, file_name, "exec", ONLY_PARSE, dont_inherit=True)
    except (SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _characters(text: str, size: int) -> int:
    """Return the number of characters in the first `size` bytes of `text`."""
    return len(text.encode("utf-8", "replace")[: max(0, size)].decode("utf-8", "ignore"))
