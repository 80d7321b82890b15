"""One test case: runs the submission, and then the test's own part.

The process stops itself where that part begins and where it ends, which tells the supervisor; see
docs/decisions/0003-where-a-test-begins.md.
"""

from __future__ import annotations

import io
import os
import sys

from guest.program.main_module import FILE_NAME
from guest.program.open_figures import begin_showing

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from guest.program.main_module import MainModule

# Saved because a submission may replace or delete them.
_print, _eval, _compile = print, eval, compile
_kill, _getpid = os.kill, os.getpid

SIGSTOP = 19  # as signal.SIGSTOP: loading `signal` takes as long as all the rest of this package
TEST_FILE_NAME = "test.py"


def run_case(main: MainModule, test_code: str, test_input: str, input_is_stdin: bool, call_stdin: str) -> None:
    """Run the submission and then the test's own part; without code or a call, the submission is that part."""
    call = None if test_code else _parse_call(test_input)
    if call is not None and input_is_stdin:
        _replace_stdin(call_stdin)
    if not test_code and call is None:
        _begin_test()
        _end_test()  # only how the program ends matters
        main.execute(FILE_NAME)
        return
    main.execute(FILE_NAME, before_test=True)
    output = _begin_test()
    try:
        if call is None:
            main.sources[TEST_FILE_NAME] = test_code
            main.execute(TEST_FILE_NAME)
        else:
            _print_value(call, test_input, main, output)
    except SystemExit as error:
        # The test's own exit, as by unittest.main(), completes it; an exit in the submission does not.
        if error.code in (None, 0) and not _comes_from_submission(error):
            _end_test()
        raise
    _end_test()


def _parse_call(text: str) -> CodeType | None:
    """Return `text` compiled if it is a call expression such as `add(5, 3)`, or None if it is stdin."""
    if "(" not in text:
        return None
    import ast
    import warnings

    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(text.strip(), TEST_FILE_NAME, "eval")
            if isinstance(tree.body, ast.Call):
                return _compile(tree, TEST_FILE_NAME, "eval", dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        pass
    return None


def _replace_stdin(text: str) -> None:
    """Make `text` the stdin, in place of the call that was sent as stdin."""
    path = "/dev/shm/stdin"  # noqa: S108 (memory of the container; nobody else has run here)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.unlink(path)
    os.write(file, text.encode())
    os.lseek(file, 0, os.SEEK_SET)
    os.dup2(file, 0)
    os.close(file)


def _comes_from_submission(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != FILE_NAME:
        trace = trace.tb_next
    return trace is not None


class _CountingOutput(io.FileIO):
    """Descriptor 1, which notes whether anything was printed through it."""

    used = False

    def write(self, data: Any) -> int:
        self.used = True
        return super().write(data)


def _begin_test() -> _CountingOutput:
    """Tell the supervisor that the test's output begins here, and give the test fresh streams."""
    begin_showing()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: S110 (the submission may have replaced it: it may raise anything)
            pass
    output = _CountingOutput(1, "w", closefd=False)
    sys.stdout = io.TextIOWrapper(output, encoding="utf-8", errors="strict", newline="\n", write_through=True)
    sys.stderr = sys.__stderr__
    # While all threads are stopped, the supervisor empties the pipe; what comes later is the test's output.
    _kill(_getpid(), SIGSTOP)
    return output


def _end_test() -> None:
    """Tell the supervisor that the test's own part has reached its end."""
    _kill(_getpid(), SIGSTOP)


def _print_value(call: CodeType, text: str, main: MainModule, output: _CountingOutput) -> None:
    """Evaluate `call` and print its value with `print`.

    None is printed only if the call has printed nothing: so a test can expect what a function prints, or None.
    """
    main.sources[TEST_FILE_NAME] = text.strip()
    try:
        value = _eval(call, main.namespace)
        if value is not None or not output.used:
            _print(value)
    except SystemExit:
        raise
    except BaseException as error:
        main.fail(error)
