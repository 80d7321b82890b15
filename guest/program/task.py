"""What happens in the child process: it reads one task from its stdin and runs it as `python main.py` would.

The supervisor forks the child before the task arrives, so no byte of a learner is ever read by a process that
is not already confined. The task is the first frame on descriptor 0; what follows it is the program's stdin.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys

from guest import protocol
from guest.program.case import run_case
from guest.program.main_module import FILE_NAME, Failed, MainModule
from guest.program.open_figures import show_open_figures
from guest.program.shown import screen

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from typing import NoReturn

    from guest.supervisor.mailbox import Mailbox

# What a submission may have replaced or taken away by the time we need it.
_print, _exit = print, os._exit


def run_task(mailbox: Mailbox) -> NoReturn:
    """Run the task that waits on stdin, and end the process as the interpreter would.

    After a program that failed, the detail of its error is left in `mailbox`.
    """
    if random := sys.modules.get("numpy.random"):
        random.seed()  # every child would draw the same numbers
    _, length = protocol.unpack_prefix(_read_exactly(protocol.PREFIX.size), longest_bytes=sys.maxsize)
    task = protocol.unpack_task(_read_exactly(length))
    code, most_images, is_test, test_code, test_input, input_is_stdin, call_stdin = task
    screen.most_images = most_images
    screen.is_on = not is_test  # until the test's own part: what the submission shows, it has shown in its own run
    main = MainModule(code)
    try:
        if is_test:
            run_case(main, test_code, test_input, input_is_stdin, call_stdin)
        else:
            main.execute(code, FILE_NAME)
        exit_code = 0
    except SystemExit as error:
        exit_code = _exit_code(error)
        if exit_code:
            _leave_detail(error, main, mailbox)
    _finish(main)
    _exit(exit_code & 0xFF)


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


def _exit_code(error: SystemExit) -> int:
    """Return the exit code for `error`; print its message, if it has one, as the interpreter does."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    _print(error.code, file=sys.stderr)
    return 1


def _leave_detail(end: SystemExit, main: MainModule, mailbox: Mailbox) -> None:
    """Leave in the mailbox the detail of the error that ended the program.

    At this point the learner has the traceback, and the globals are still there. If the program has replaced something
    in its own process, the detail may be missing or wrong. If something hangs, it does so until the deadline.
    """
    try:
        from guest.hints import detail

        error = end.__cause__ if isinstance(end, Failed) else end
        mailbox.put(detail.describe(error, FILE_NAME, main.sources[FILE_NAME]))
    except BaseException:  # noqa: S110 (whatever the program put there)
        pass


def _finish(main: MainModule) -> None:
    """Do what a learner can see of the interpreter's end: join threads, call atexit, delete the globals.

    The rest, freeing every loaded module, would take longer than most programs.
    """
    try:
        if threading := sys.modules.get("threading"):
            threading._shutdown()
        show_open_figures()
        atexit._run_exitfuncs()
        for name in main.namespace:
            if name != "__builtins__":
                main.namespace[name] = None
        gc.collect()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: S110 (whatever the program put there)
        pass
