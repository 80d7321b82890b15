"""Answers which words of the rules a program uses, and on which line. The program is read, and never run."""

from __future__ import annotations

import os
import sys

from guest.program.main_module import FILE_NAME

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from guest.program.main_module import MainModule

READ_BYTES = 64 * 1024


def answer_rules(main: MainModule) -> None:
    """Print a line for each word on stdin, as protocol.FIND_USES says. Fails as the program does if it is no Python."""
    import ast
    import gc
    import warnings

    from guest.program.syntax import Uses

    words = _read_stdin().decode().split("\n")
    gc.disable()  # it would go through the whole tree again and again
    source = main.sources[FILE_NAME]()
    failure = None
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(source, FILE_NAME, "exec", dont_inherit=True)  # finds more mistakes than the parser alone
            uses = Uses(ast.parse(source, FILE_NAME))
    except BaseException as error:
        failure = error.with_traceback(None)
    if isinstance(failure, SyntaxError):
        _fail_as_when_run(main, source)
    if failure is not None:
        main.fail(failure)
    sys.stdout.write("".join(f"{line} {count}\n" for line, count in map(uses.answer, words)))


def _fail_as_when_run(main: MainModule, source: str) -> None:
    """Fail with the warnings that Python shows before the error: this stands for the program's own run."""
    try:
        compile(source, FILE_NAME, "exec", dont_inherit=True)
    except BaseException as error:
        main.fail(error)


def _read_stdin() -> bytes:
    pieces = []
    while piece := os.read(0, READ_BYTES):
        pieces.append(piece)
    return b"".join(pieces)
