"""The `__main__` of a learner's program: runs its code and reports its errors as `python main.py` does."""

from __future__ import annotations

import os
import sys

from guest.program.recursion import begin_at_the_bottom
from guest.started import LOADED_BY_PYTHON

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Any, NoReturn

# Saved because a submission may replace or delete them.
_exec, _compile = exec, compile
# A class of the program's may refuse or replace its own.
_with_traceback = BaseException.with_traceback
_traceback_of = BaseException.__dict__["__traceback__"].__get__

FILE_NAME, TEST_FILE_NAME = "main.py", "test.py"
DIRECTORY = "/tmp"  # noqa: S108 (the container's own tmpfs)
OURS = "/opt/sandbox/"


class Failed(SystemExit):
    """The end of a program by an exception, which is its cause."""


class MainModule:
    """A fresh `__main__`. `sources` reads the text of each file that runs in it, by name, where a traceback needs it.

    Only a traceback does: no object of ours keeps a test's text while the learner's code runs.
    """

    def __init__(self, code: str) -> None:
        """Become `__main__`, in a directory with the program's file."""
        main = type(sys)("__main__")
        main.__file__ = f"{DIRECTORY}/{FILE_NAME}"
        main.__annotations__ = {}
        main.__cached__ = None  # type: ignore[attr-defined]
        main.__builtins__ = sys.modules["builtins"]  # type: ignore[attr-defined]
        sys.modules["__main__"] = main
        sys.argv = [FILE_NAME]
        sys.path[0] = DIRECTORY  # instead of the directory of the supervisor's package
        os.chdir(DIRECTORY)
        with open(FILE_NAME, "w", encoding="utf-8", newline="") as file:
            file.write(code)
        self.namespace: dict[str, Any] = main.__dict__
        self.last_module = next(reversed(sys.modules))
        """What was imported last before the program."""
        self.sources: dict[str, Callable[[], str]] = {FILE_NAME: lambda: code}

    def execute(self, file_name: str, before_test: bool = False, begin: Callable[[], None] = lambda: None) -> None:
        """Run a file of `sources`; after an exception, show its traceback and exit as Python does.

        A submission that calls `sys.exit()` before its test has only finished, not failed. `begin` is called just
        before the code runs.
        """
        try:
            code = _compile(self.sources[file_name](), file_name, "exec", dont_inherit=True)
            begin()
            begin_at_the_bottom()
            _exec(code, self.namespace)
        except SystemExit as error:
            if not (before_test and error.code in (None, 0)):
                raise
        except BaseException as error:
            self.fail(error)

    def fail(self, error: BaseException) -> NoReturn:
        """Report `error` through sys.excepthook, as the interpreter does, and exit with 1."""
        if isinstance(error, SyntaxError) and _is_after_last_line(error):
            error.offset = 0  # Python marks nothing there in a file
        trace = _without_ours(_traceback_of(error))
        _with_traceback(error, trace)
        try:
            self._show_sources()
            sys.excepthook(type(error), error, trace)
        except Exception:  # whatever the program has replaced: it has failed for `error`, not for this
            sys.__excepthook__(type(error), error, trace)
        raise Failed(1) from error

    def _show_sources(self) -> None:
        """Let tracebacks show the lines of our files, as Python counts them: it does not split at a form feed."""
        import io
        import linecache

        for name, read in self.sources.items():
            source = read()
            lines = io.StringIO(source, newline=None).readlines()
            # Without a modification time linecache never reads the file, which the program may have changed.
            linecache.cache[name] = (len(source), None, lines, name)


def put_files(files: Iterable[tuple[str, memoryview]]) -> None:
    """Put the files that belong to the program into its directory. Their names are safe: the host has checked them.

    A module that is loaded only because we need it, or in advance, is forgotten if a file has its name: the program
    would get its own, as with plain Python.
    """
    for name, content in files:
        with open(name, "xb", buffering=0) as file:
            file.write(content)
        module, dot, ending = name.partition(".")
        if dot + ending == ".py" and module not in LOADED_BY_PYTHON:
            sys.modules.pop(module, None)


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without our own frames above the program's: those of our generators are not hidden."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(OURS):
        trace = trace.tb_next
    return trace


def _is_after_last_line(error: SyntaxError) -> bool:
    """Return whether a block, or the end of one, is missing at the end of the file."""
    is_missing = str(error.msg).startswith(("expected an indented block", "expected 'except'"))
    return is_missing and error.offset is not None and error.offset > len((error.text or "").rstrip("\r\n"))
