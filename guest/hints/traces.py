"""What the traceback of an error says besides the message."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from types import FrameType

from guest.hints.rule import Words
from guest.hints.typos import meant_by

LINE_END = re.compile(r"\r\n|\r|\n")  # str.splitlines would also split at a form feed, and Python does not


def lines_of(program: str) -> list[str]:
    """Return the lines of `program` as Python counts them."""
    return LINE_END.split(program)


def with_nearest(hint: str, words: Words, known: Iterable[str]) -> str:
    """Return `hint`, or its `_near` form with the one of `known` that the word is a slip for."""
    private = words["name"].startswith("_")
    words["near"] = meant_by(words["name"], (each for each in known if private or not each.startswith("_")))
    return f"{hint}_near" if words["near"] else hint


def last_frame(error: BaseException) -> FrameType | None:
    """Return the frame that raised `error`, in the program or in a library."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame if trace else None


def line_of_module(error: BaseException, file_name: str) -> int:
    """Return the line that the top level of the file has reached, or else that of the first one, counted from 1."""
    reached, trace = 0, error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "<module>" and code.co_filename == file_name:
            return trace.tb_lineno
        if code.co_name == "<module>" and not reached:
            reached = trace.tb_lineno
        trace = trace.tb_next
    return reached


def is_hidden(name: str, path: str | None) -> bool:
    """Return whether the module, loaded from `path`, is a file of the program that hides another of the same name."""
    from importlib.machinery import PathFinder

    directory, *others = map(os.path.abspath, sys.path)
    if path is None or os.path.dirname(path) != directory:
        return False
    return PathFinder.find_spec(name, [each for each in others if each != directory]) is not None
