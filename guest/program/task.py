"""What happens in the child process: it reads one task from its stdin and runs it as `python main.py` would.

The supervisor forks the child before the task arrives, so no byte of a learner is ever read by a process that
is not already confined. The task is the first frame on descriptor 0; what follows it is the program's stdin.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys

from guest import protocol

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from types import CodeType, ModuleType, TracebackType
    from typing import Any, NoReturn

    from guest.supervisor.mailbox import Mailbox

# What a submission may have replaced or taken away by the time we need it.
_print, _exec, _eval, _compile = print, exec, eval, compile
_kill, _getpid, _exit = os.kill, os.getpid, os._exit

SIGSTOP = 19  # of `signal`, which takes as long to load as all the rest of this program
FILE_NAME = "main.py"
TEST_FILE_NAME = "test.py"
DIRECTORY = "/tmp"  # noqa: S108 (the container's own tmpfs)

shows_images = True
"""False under a test until its own part begins: what the submission shows before, it has shown in its own run."""

most_images = protocol.IMAGES
"""How many images are made; of more, it is only told that they were shown."""

_sources: dict[str, str] = {}
"""The text of each file that a traceback may show."""


def run_task(mailbox: Mailbox) -> NoReturn:
    """Run the task that waits on stdin, and end the process as the interpreter would.

    Of a program that failed, what is told of its error is left in `mailbox`.
    """
    global shows_images, most_images
    if random := sys.modules.get("numpy.random"):
        random.seed()  # every child would draw the same numbers
    _, length = protocol.unpack_prefix(_read_exactly(protocol.PREFIX.size), longest_bytes=sys.maxsize)
    task = protocol.unpack_task(_read_exactly(length))
    code, most_images, is_test, test_code, test_input, input_is_stdin, call_stdin = task
    shows_images = not is_test
    namespace: dict[str, Any] = {}
    try:
        namespace = _become_main(code)
        if is_test:
            _run_test(namespace, code, test_code, test_input, input_is_stdin, call_stdin)
        else:
            _execute(code, FILE_NAME, namespace)
        exit_code = 0
    except SystemExit as error:
        exit_code = _exit_code(error)
        if exit_code:
            _leave_detail(error, mailbox)
    _finish(namespace)
    _exit(exit_code & 0xFF)


def _run_test(
    namespace: dict[str, Any], code: str, test_code: str, test_input: str, input_is_stdin: bool, call_stdin: str
) -> None:
    """Run the submission and then its test's own part, or the submission as that part."""
    call = None if test_code else _parse_call(test_input)
    if call is not None and input_is_stdin:
        _replace_stdin(call_stdin)
    if not test_code and call is None:
        _begin_test()
        _end_test()  # how the program ends is all there is to it
        _execute(code, FILE_NAME, namespace)
        return
    _execute(code, FILE_NAME, namespace, before_test=True)
    output = _begin_test()
    try:
        if call is None:
            _execute(test_code, TEST_FILE_NAME, namespace)
        else:
            _print_value(call, test_input, namespace, output)
    except SystemExit as error:
        # The test's own, as unittest.main() ends; a submission that leaves has not let it come to its end.
        if error.code in (None, 0) and not _comes_from_submission(error):
            _end_test()
        raise
    _end_test()


def _comes_from_submission(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != FILE_NAME:
        trace = trace.tb_next
    return trace is not None


def _replace_stdin(text: str) -> None:
    """Make `text` the stdin, in place of a call that was sent as if it were."""
    file = os.memfd_create("stdin")
    os.write(file, text.encode())
    os.lseek(file, 0, os.SEEK_SET)
    os.dup2(file, 0)
    os.close(file)


def _exit_code(error: SystemExit) -> int:
    """Return the exit code that the interpreter makes of `error`, whose message it prints."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    _print(error.code, file=sys.stderr)
    return 1


def _finish(namespace: dict[str, Any]) -> None:
    """Do what a learner can see of the interpreter's end: join threads, call atexit, delete the globals.

    The rest of it, the freeing of every loaded module, would cost more than most programs.
    """
    try:
        if threading := sys.modules.get("threading"):
            threading._shutdown()
        _show_open_figures()
        atexit._run_exitfuncs()
        for name in namespace:
            if name != "__builtins__":
                namespace[name] = None
        gc.collect()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: S110 (whatever the program put there)
        pass


def _show_open_figures() -> None:
    """Show what would stand on the screen now."""
    if not shows_images:
        return
    try:
        if figures := _figures():
            figures.show_open_figures()
    except Exception as error:
        sys.excepthook(type(error), error, None)


def _figures() -> ModuleType | None:
    """Return `guest.program.figures` if a figure is open. Costs nothing where matplotlib is not in use."""
    pylab = sys.modules.get("matplotlib._pylab_helpers")
    if pylab is None or not pylab.Gcf.figs:
        return None
    from guest.program import figures

    return figures


def _read_exactly(size: int) -> bytes:
    # Not through sys.stdin: it would read ahead into what belongs to the program.
    parts = []
    while size:
        part = os.read(0, size)
        if not part:
            os._exit(1)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _parse_call(text: str) -> CodeType | None:
    """Return `text` compiled if it is a call expression such as `add(5, 3)`, else None: then it is stdin."""
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


def _become_main(code: str) -> dict[str, Any]:
    """Make a fresh `__main__` of main.py, as `python main.py` does, and return its namespace."""
    main = type(sys)("__main__")
    main.__file__ = f"{DIRECTORY}/{FILE_NAME}"
    main.__builtins__ = sys.modules["builtins"]  # type: ignore[attr-defined]
    sys.modules["__main__"] = main
    sys.argv = [FILE_NAME]
    sys.path[0] = DIRECTORY  # where the supervisor's own package was found
    os.chdir(DIRECTORY)
    with open(FILE_NAME, "w", encoding="utf-8", newline="") as file:
        file.write(code)
    _sources[FILE_NAME] = code
    return main.__dict__


def _execute(code: str, name: str, namespace: dict[str, Any], before_test: bool = False) -> None:
    """Run `code`; on an exception show its traceback without our frames and exit as Python does.

    A submission that ends itself by `sys.exit()` before its test is only done, not failed.
    """
    _sources[name] = code
    try:
        _exec(_compile(code, name, "exec", dont_inherit=True), namespace)
    except SystemExit as error:
        if not (before_test and error.code in (None, 0)):
            raise
    except BaseException as error:
        _fail(error)


def _fail(error: BaseException) -> None:
    """Report `error` through sys.excepthook, as the interpreter does, and exit with 1."""
    import linecache

    for name, source in _sources.items():
        # Without a modification time linecache never looks for the file, which the program may have changed.
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    error.__traceback__ = _own_frames(error.__traceback__)
    sys.excepthook(type(error), error, error.__traceback__)
    raise _Failed(1) from error


class _Failed(SystemExit):
    """The end of a program by an exception, which is its cause."""


def _leave_detail(end: SystemExit, mailbox: Mailbox) -> None:
    """Leave in the mailbox what is told of the error that ended the program.

    When the learner has the traceback, and the globals are still there. What the program has replaced in its own
    process may keep it from us or make it wrong: then it is missing or wrong. What hangs does so until the deadline.
    """
    try:
        from guest.hints import detail

        error = end.__cause__ if isinstance(end, _Failed) else end
        mailbox.put(detail.describe(error, FILE_NAME, _sources[FILE_NAME]))
    except BaseException:  # noqa: S110 (whatever the program put there)
        pass


def _own_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return `trace` without the frames of this module that it starts with."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def _begin_test() -> _CountingOutput:
    """Tell the supervisor that what is printed from here on is the test's, and give the test fresh streams."""
    _begin_showing()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: S110 (the submission put it there: it may raise anything)
            pass
    output = _CountingOutput(1, "w", closefd=False)
    sys.stdout = io.TextIOWrapper(output, encoding="utf-8", errors="strict", newline="\n", write_through=True)
    sys.stderr = sys.__stderr__
    # While every thread stands still, the supervisor reads the pipe empty and starts the test's output there.
    _kill(_getpid(), SIGSTOP)
    return output


def _begin_showing() -> None:
    """Show images from here on: those of the test's own part."""
    global shows_images
    try:
        if figures := _figures():
            figures.keep_open_ones_back()
    except Exception:  # noqa: S110 (the submission put it there: it may raise anything)
        pass
    shows_images = True


def _end_test() -> None:
    """Tell the supervisor that the test's own part has come to its end."""
    _kill(_getpid(), SIGSTOP)


class _CountingOutput(io.FileIO):
    """Descriptor 1, knowing whether anything was printed through it."""

    used = False

    def write(self, data: Any) -> int:
        self.used = True
        return super().write(data)


def _print_value(call: CodeType, text: str, namespace: dict[str, Any], output: _CountingOutput) -> None:
    """Evaluate `call` and print its value with `print`.

    None is printed only when the call printed nothing, so that both a function that prints and one that
    returns None can be tested by what a learner expects to see.
    """
    _sources[TEST_FILE_NAME] = text.strip()
    try:
        value = _eval(call, namespace)
        if value is not None or not output.used:
            _print(value)
    except SystemExit:
        raise
    except BaseException as error:
        _fail(error)
