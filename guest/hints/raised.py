"""What ended a program, as a verdict needs it: the exception's full name and its message."""

from __future__ import annotations

from guest import protocol

UNNAMED_MODULES = ("builtins", None)


def summary(error: BaseException) -> bytes:
    """Return the body of a DETAIL frame with only the name and the message of `error`."""
    return protocol.pack_detail(full_name(error), message_of(error), "", 0, 0, 0)


def full_name(error: BaseException) -> str:
    """Return the name of the exception's class after that of its module, which builtin exceptions go without."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ in UNNAMED_MODULES else f"{kind.__module__}.{kind.__qualname__}"


def message_of(error: BaseException) -> str:
    """Return the message of `error` as a traceback shows it, without notes."""
    try:
        return str(error.msg if isinstance(error, SyntaxError) else error)
    except Exception:  # the learner's own __str__ may raise anything
        return ""
