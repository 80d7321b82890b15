"""What ended a program, as a verdict and a learner need it at least: the exception's full name, message and line."""

from __future__ import annotations

from guest import reports

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    Files = Mapping[str, str]
    """The files beside the program: by the names that code from them has, their own names."""

UNNAMED_MODULES = ("builtins", None)


def summary(error: BaseException, file_name: str, files: Files) -> bytes:
    """Return the body of a DETAIL frame with only the name and the message of `error` and its line in the program.

    If the error is in one of `files`, its line there, too.
    """
    beside = file_of(error, file_name, files)
    file = (files[beside], _line_of(error, beside), 0, 0) if beside else ("", 0, 0, 0)
    return reports.pack_detail(full_name(error), message_of(error), "", _line_of(error, file_name), 0, 0, file)


def file_of(error: BaseException, file_name: str, files: Files) -> str:
    """Return the one of `files` that `error` is in; an empty string if it is in the program itself."""
    if isinstance(error, SyntaxError) and error.filename in files:
        return error.filename or ""
    innermost = innermost_frame(error, file_name, *files)
    found = "" if innermost is None else innermost.tb_frame.f_code.co_filename
    return "" if found == file_name else found


def innermost_frame(error: BaseException, *file_names: str) -> TracebackType | None:
    """Return the innermost frame of `error` in the files: a library that the program called may have raised it."""
    innermost, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in file_names:
            innermost = trace
        trace = trace.tb_next
    return innermost


def _line_of(error: BaseException, file_name: str) -> int:
    """Return the line in the file, counted from 1, or 0 if `error` has none."""
    if frame := innermost_frame(error, file_name):
        return frame.tb_lineno
    return (error.lineno or 0) if isinstance(error, SyntaxError) and error.filename == file_name else 0


def full_name(error: BaseException) -> str:
    """Return the name of the exception's class after that of its module, which builtin exceptions go without."""
    return name_of(type(error))


def name_of(kind: type) -> str:
    """Return the name of a class after that of its module, which builtin classes go without."""
    return kind.__qualname__ if kind.__module__ in UNNAMED_MODULES else f"{kind.__module__}.{kind.__qualname__}"


def message_of(error: BaseException) -> str:
    """Return the message of `error` as a traceback shows it, without notes."""
    try:
        return str(error.msg if isinstance(error, SyntaxError) else error)
    except Exception:  # the learner's own __str__ may raise anything
        return ""
