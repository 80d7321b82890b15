"""One test case: runs the submission, and then the test's own part.

The process stops itself where that part begins and where it ends, which tells the supervisor; see
docs/decisions/0003-where-a-test-begins.md.
"""

from __future__ import annotations

import io
import os
import sys

from guest import protocol
from guest.program.findings import Findings, name_assertion
from guest.program.literal import literal
from guest.program.main_module import DIRECTORY, FILE_NAME, TEST_FILE_NAME, Failed
from guest.program.open_figures import begin_showing
from guest.program.recursion import begin_at_the_bottom

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from guest.program.main_module import MainModule
    from guest.program.suite import Suite
    from guest.supervisor.mailbox import TestPart, Trace

# Saved because a submission may replace or delete them.
_print, _eval, _compile = print, eval, compile
_kill, _getpid = os.kill, os.getpid
_errors = sys.stdout.errors

SIGSTOP = 19  # as signal.SIGSTOP: loading `signal` takes as long as all the rest of this package
STDIN_NAME = ".stdin"
READ_BYTES = 64 * 1024


def run_case(main: MainModule, kind: int, part: TestPart, trace: Trace) -> None:
    """Run the submission and then the test's own part; without code or a call, the submission is that part.

    A suite writes the verdicts of its methods into `trace`.
    """
    process = _getpid()
    if kind == protocol.TEST_STDIN:
        _begin_test()
        _end_test(process)  # only how the program ends matters
        main.execute(FILE_NAME)
        return
    _keep_stdin()
    suite = _load_suite(kind, trace) if kind in protocol.SUITES else None
    # The submission may keep them, and print through them in the test.
    sys.stdout = sys.__stdout__ = _counting_stream()  # type: ignore[misc]
    main.execute(FILE_NAME, before_test=True)
    if _getpid() != process:
        raise SystemExit  # a fork of the submission: the test is its parent's
    _begin_test()
    main.sources[TEST_FILE_NAME] = part.read  # it has come by now
    if suite is not None:
        _run_suite(suite, main)
        _end_test(process)
        return
    findings = Findings(part.read() if kind == protocol.TEST_CODE else "")
    try:
        if kind == protocol.TEST_CODE:
            main.execute(TEST_FILE_NAME)
        else:
            _evaluate(main, kind, part)
    except SystemExit as error:
        _end_by_exit(error, main, findings, process)
        raise
    if failure := _found(lambda: findings.verdict(main.namespace, TEST_FILE_NAME)):
        raise Failed(1) from failure
    _end_test(process)


def _end_by_exit(error: SystemExit, main: MainModule, findings: Findings, process: int) -> None:
    """End a test by its own exit, such as that of unittest.main(). An exit in the submission does not complete it."""
    if isinstance(error, Failed):
        if isinstance(cause := error.__cause__, AssertionError):
            _found(lambda: name_assertion(cause, main.sources[TEST_FILE_NAME](), TEST_FILE_NAME))
    elif error.code in (None, 0) and not _comes_from_submission(error):
        if failure := _found(lambda: findings.verdict(main.namespace, TEST_FILE_NAME)):
            raise Failed(1) from failure
        _end_test(process)
    elif failure := _found(lambda: findings.first(error.code)):
        raise Failed(error.code) from failure


def _load_suite(kind: int, trace: Trace) -> Suite:
    """Load what runs a suite, before the submission can change it, and from no file beside the program."""
    sys.path.remove(DIRECTORY)
    try:
        if kind == protocol.TEST_DOCTEST:
            from guest.program.doctests import DoctestSuite

            return DoctestSuite(trace)
        from guest.program.unittests import UnittestSuite

        return UnittestSuite(trace)
    finally:
        sys.path.insert(0, DIRECTORY)


def _run_suite(suite: Suite, main: MainModule) -> None:
    sys.modules["main"] = sys.modules["__main__"]  # for a suite that imports from the program
    try:
        failure = suite.run(main)
    except SystemExit:
        raise
    except BaseException as error:
        main.fail(error)
    if failure is not None:
        raise Failed(1) from failure


def is_call(text: str) -> bool:
    """Return whether `text` is a call such as `add(5, 3)`, or an expression with one such as `add(5, 3) == 8`.

    In the middle of an expression a bracket follows the name at once. Otherwise `Paris (2), Rome (3)` would be calls.
    """
    import ast
    import re
    import warnings

    text = text.strip()
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(text, TEST_FILE_NAME, "eval")
            calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
            if not isinstance(tree.body, ast.Call):
                lines = [line.encode() for line in re.split(r"\r\n|\r|\n", text)]
                calls = [
                    each for each in calls if lines[(each.end_lineno or 1) - 1].startswith(b"(", each.end_col_offset)
                ]
            return bool(calls and _compile(tree, TEST_FILE_NAME, "eval", dont_inherit=True))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False


def _keep_stdin() -> None:
    """Move the program's whole stdin to a file without a name: only then can the supervisor receive the test's part."""
    data = os.read(0, READ_BYTES)
    if not data:
        return
    file = os.open(STDIN_NAME, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    os.unlink(STDIN_NAME)
    while data:
        os.write(file, data)
        data = os.read(0, READ_BYTES)
    os.lseek(file, 0, os.SEEK_SET)
    os.dup2(file, 0)
    os.close(file)


def _comes_from_submission(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != FILE_NAME:
        trace = trace.tb_next
    return trace is not None


def _found(look: Callable[[], BaseException | None]) -> BaseException | None:
    try:
        return look()
    except Exception:  # whatever the submission has replaced
        return None


class _CountingOutput(io.FileIO):
    """Descriptor 1. It is noted for all whether anything was printed through one."""

    used = False

    def write(self, data: Any) -> int:
        _CountingOutput.used = True
        return io.FileIO.write(self, data)


def _counting_stream() -> io.TextIOWrapper:
    """Return a stream for what is printed, which is like Python's own."""
    output = _CountingOutput(1, "w", closefd=False)
    output.name = "<stdout>"
    stream = io.TextIOWrapper(output, encoding="utf-8", errors=_errors, newline="\n", write_through=True)
    stream.mode = "w"  # type: ignore[misc]
    return stream


_replaced: list[object] = []
"""Streams that the submission has used. To free one could close what it wraps."""


def _begin_test() -> None:
    """Tell the supervisor that the test's output begins here, and give the test fresh streams."""
    begin_showing()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: S110 (the submission may have replaced it: it may raise anything)
            pass
    _replaced.extend((sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__))
    sys.stdout = _counting_stream()
    errors = io.FileIO(2, "w", closefd=False)
    sys.stderr = io.TextIOWrapper(errors, "utf-8", "backslashreplace", "\n", write_through=True)
    # While all threads are stopped, the supervisor empties the pipe; what comes later is the test's output.
    _kill(_getpid(), SIGSTOP)
    _CountingOutput.used = False


def _end_test(process: int) -> None:
    """Tell the supervisor that the test's own part has reached its end, in the `process` that it has begun in."""
    if _getpid() == process:
        _kill(process, SIGSTOP)


def _evaluate(main: MainModule, kind: int, part: TestPart) -> None:
    """Evaluate the call, and print its value with `print` or, if that is what is compared, put it into `part`.

    None is printed only if the call has printed nothing: so a test can expect what a function prints, or None.
    """
    try:
        call = _compile(main.sources[TEST_FILE_NAME]().strip(), TEST_FILE_NAME, "eval", dont_inherit=True)
        begin_at_the_bottom()
        value = _eval(call, main.namespace)
        if kind == protocol.TEST_VALUE:
            part.put_value(literal(value))
        elif not _CountingOutput.used:
            _print(value)
            part.put_value(b"")
        elif value is not None:
            _print(value)
    except SystemExit:
        raise
    except BaseException as error:
        main.fail(error)
