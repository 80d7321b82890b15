"""The child process: reads one task from its stdin and runs it as `python main.py` would.

The supervisor forks the child before the task arrives, so only a confined process ever reads a learner's bytes. The
task is the first frame on descriptor 0; the program's stdin follows it.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import os
import sys
from _weakref import ref

from guest import protocol, reports
from guest.hints import raised
from guest.program.case import is_call, run_case
from guest.program.main_module import DIRECTORY, FILE_NAME, Failed, MainModule, put_files
from guest.program.open_figures import show_open_figures
from guest.program.position import answer_where, stop_answering
from guest.program.rules import answer_rules
from guest.program.shown import screen

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import NoReturn

    from guest.program.tracer import Tracer
    from guest.supervisor.mailbox import Mailbox, TestPart, Trace

# Saved because a submission may replace or delete them.
_print, _exit = print, os._exit

BITS_OF_A_STATUS = 64


def run_task(mailbox: Mailbox, part: TestPart, trace: Trace) -> NoReturn:
    """Run the task that waits on stdin, and end the process as the interpreter would.

    If the program fails, put the detail of its error into `mailbox`. A test reads its own part from `part`.
    A traced run puts its steps into `trace`, a suite the verdicts of its methods, a watched program its strokes.
    """
    if random := sys.modules.get("numpy.random"):
        random.seed()  # every child would draw the same numbers
    _, length = protocol.unpack_prefix(_read_exactly(protocol.PREFIX.size), longest_bytes=sys.maxsize)
    kind, code, most_images, files = protocol.unpack_task(_read_exactly(length))
    if kind == protocol.FIND_CALLS:
        _find_calls(code.split("\0"))
    screen.most_images = most_images
    screen.is_on = kind in protocol.PROGRAMS  # off until a test's own part: the main run has shown the images
    screen.strokes = trace if kind == protocol.WATCHED else None
    main = MainModule(code)
    names = [name for name, _ in files]
    tracer = _make_tracer(trace, names) if kind == protocol.TRACED else None  # before a file hides what it imports
    put_files(files)
    if kind not in (protocol.FIND_USES, protocol.TRACED) and not _deals_with_signals(code, files):
        answer_where(main, mailbox)
    del files  # they may have a megabyte
    try:
        if kind in protocol.PROGRAMS:
            main.execute(FILE_NAME)
        elif kind == protocol.FIND_USES:
            answer_rules(main)
        elif tracer is not None:
            _trace(main, tracer)
        else:
            run_case(main, kind, part, trace)
        exit_code = 0
    except SystemExit as error:
        exit_code = _exit_code(error)
        if exit_code:
            stop_answering(mailbox)
            _leave_detail(error, main, names, mailbox)
    _finish(main)
    _exit(exit_code & 0xFF)


def _deals_with_signals(code: str, files: list[tuple[str, memoryview]]) -> bool:
    return "signal" in code or any(b"signal" in bytes(content) for name, content in files if name.endswith(".py"))


def _make_tracer(trace: Trace, names: list[str]) -> Tracer:
    from guest.program.tracer import Tracer  # few runs need it

    return Tracer(trace, names)


def _trace(main: MainModule, tracer: Tracer) -> None:
    try:
        main.execute(FILE_NAME, begin=tracer.start)
    finally:
        tracer.end()


def _find_calls(texts: list[str]) -> NoReturn:
    for text in texts:
        os.write(1, b"1" if is_call(text) else b"0")  # each at once: the next may need more memory than there is
    _exit(0)


def _read_exactly(size: int) -> bytearray:
    # Not through sys.stdin: it would read ahead, into the program's stdin.
    data = bytearray(size)
    view = memoryview(data)
    while view:
        taken = os.readv(0, [view])
        if not taken:
            os._exit(1)
        view = view[taken:]
    return data


def _exit_code(error: SystemExit) -> int:
    """Return the exit code for `error`; print its message, if it has one, as the interpreter does."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code if error.code.bit_length() < BITS_OF_A_STATUS else 255
    if stream := sys.stderr or sys.__stderr__:
        try:
            _print(error.code, file=stream)
        except Exception:  # what the program exits with may raise anything as it is printed
            _print(file=stream)
    return 1


def _leave_detail(end: SystemExit, main: MainModule, names: list[str], mailbox: Mailbox) -> None:
    """Put the detail of the error that ended the program into the mailbox. `names` are those of the files beside it.

    At this point the traceback is printed and the globals still exist. If the program has replaced something in its own
    process, the detail may be missing or wrong, or this may hang until the deadline. What the verdict needs is written
    first: the hint looks at more of what a program may have broken.
    """
    try:
        error = end.__cause__ if isinstance(end, Failed) else end
        if error is None:
            return
        bases = reports.pack_bases(_names_of_bases(error))
        files = {name: name for name in names} | {f"{DIRECTORY}/{name}": name for name in names}
        mailbox.put(raised.summary(error, FILE_NAME, files) + bases)
        from guest.hints import detail

        mailbox.put(detail.describe(error, FILE_NAME, main.sources[FILE_NAME](), files) + bases)
    except BaseException:  # noqa: S110 (whatever the program has replaced)
        pass


def _names_of_bases(error: BaseException) -> list[str]:
    """Return the names, as `raised.full_name` gives them, of the exceptions that the class of `error` stands for.

    Those are what it inherits, up to a class of the program's that inherits several: it could stand for any of them.
    """
    kind, kinds = type(error), []
    while kind is not getattr(builtins, kind.__name__, None):
        bases = [base for base in kind.__bases__ if issubclass(base, BaseException)]
        if len(bases) != 1:
            break
        kind = bases[0]
        kinds.append(kind)
    else:
        kinds += kind.__mro__[1:-1]  # without object
    return list(map(raised.name_of, kinds))


def _finish(main: MainModule) -> None:
    """Do the visible part of the interpreter's shutdown: join threads, call atexit, delete the globals, also those of
    the program's own modules.

    The rest, freeing every loaded module, would take longer than most programs.
    """
    steps: tuple[Callable[[], object], ...] = (
        _end_tracing,
        _join_threads,
        show_open_figures,
        atexit._run_exitfuncs,
        lambda: _let_go(main),
        lambda: sys.stdout.flush(),
        lambda: sys.stderr.flush(),
    )
    for step in steps:
        try:
            step()
        except BaseException:  # noqa: S110 (whatever the program has replaced)
            pass


def _end_tracing() -> None:
    """What follows is no step of the program."""
    sys.settrace(None)
    sys.setprofile(None)


def _join_threads() -> None:
    if threading := sys.modules.get("threading"):
        threading._shutdown()


def _let_go(main: MainModule) -> None:
    """Delete the globals as the interpreter does: first the modules that nobody else has, whose objects still find all
    names; then the names of the others.
    """
    if threading := sys.modules.get("threading"):
        threading.excepthook = _ignore  # type: ignore[attr-defined]  # daemon threads miss what is deleted
    gc.collect()  # as the interpreter does: a second collection then finds a file's text before its bytes
    left = _forget_modules(main)
    del main.namespace
    gc.collect()
    for each in left:
        if (module := each()) is not None:
            namespace = vars(module)
            for name in list(namespace):
                if name != "__builtins__":
                    namespace[name] = None
    gc.collect()


def _forget_modules(main: MainModule) -> list[ref[ModuleType]]:
    """Forget the modules of the program, the last imported first; return weak references to them.

    Those that were there before are not looked at: each look copies a page of the supervisor's memory.
    """
    names = []
    for name in reversed(sys.modules):
        if name == main.last_module:
            break
        names.append(name)
    found = []
    for name in (*names, "__main__"):
        module = sys.modules[name]
        if type(module) is not type(sys):
            continue
        path = vars(module).get("__file__")
        if isinstance(path, str) and path.startswith(f"{DIRECTORY}/"):
            found.append(ref(module))
            sys.modules[name] = None  # type: ignore[assignment]
    return found


def _ignore(_: object) -> None:
    """Stand for threading.excepthook."""
