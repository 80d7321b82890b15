"""Whether a run waits for input. Loaded only for interactive runs.

A run waits when one of its processes sleeps in read(2) of the run's stdin and that pipe is empty. This covers `input()`
and every other way to read stdin, in threads and in child processes. The kernel shows it in /proc/PID/syscall; a
process that hides this from us counts as not waiting, and its time runs on. See docs/decisions/0017-live.md.
"""

from __future__ import annotations

import fcntl
import os
import termios
import time

from guest import protocol
from guest.supervisor.cgroup import CPU_SHARE

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guest.supervisor.processes import Processes

SIGN_SECONDS = 1.0
"""How often we tell the host that a run still waits. If we are silent, it knows that we get no CPU time."""

READ_OF_STDIN = {"x86_64": b"0 0x0 ", "aarch64": b"63 0x0 "}
"""How /proc/PID/syscall begins for read(0, …)."""


class Waiting:
    """The waits of one run. `is_on`: it waits now; `seconds`: how long it has waited, less its CPU time."""

    def __init__(self, stdin: int, processes: Processes) -> None:
        self.is_on = False
        self.seconds = 0.0
        self._stdin = os.fstat(stdin)
        self._call = READ_OF_STDIN.get(os.uname().machine, b"")
        # The rest of that line holds numbers that the program has chosen; they are never read.
        self._line_start = bytearray(len(self._call))
        self._processes = processes
        self._looked = time.monotonic()
        self._used_seconds = self._processes.cpu_seconds
        self._owed_seconds = 0.0  # of the program's time, for CPU time that it used while it waited
        self._told = 0.0  # when we last told the host that the run waits; 0.0 if the last word was that it does not

    def look(self, stdin: int) -> bytes | None:
        """Check whether the run waits, and account for the time since the last check; return what to tell the host.

        `stdin` is our end of the run's pipe, or -1 if it is closed or there is more to write to it.
        """
        now, used_seconds = time.monotonic(), self._processes.cpu_seconds
        if self.is_on:
            passed_seconds = now - self._looked
            # A thread may compute while another waits. That counts as the program's time: at once, or later if the
            # container has used up its share of a whole period and is now stopped, as we are.
            self._owed_seconds += max(0.0, used_seconds - self._used_seconds) / CPU_SHARE
            busy_seconds = min(passed_seconds, self._owed_seconds)
            self._owed_seconds -= busy_seconds
            self.seconds += passed_seconds - busy_seconds
        self._looked, self._used_seconds = now, used_seconds
        # Without a CPU counter no wait is detected: the CPU time that it used would be unknown.
        self.is_on = stdin >= 0 and self._processes.counts_cpu and self._waits(stdin)
        return self._next_word(now)

    def _next_word(self, now: float) -> bytes | None:
        if not self.is_on:
            told, self._told = self._told, 0.0
            return protocol.GOES_ON if told else None
        if self._told and now - self._told <= SIGN_SECONDS:
            return None
        word = protocol.STILL_WAITS if self._told else protocol.WAITS
        self._told = now
        return word

    def _waits(self, stdin: int) -> bool:
        if not self._call or _held_bytes(stdin):
            return False
        return any(self._reads_stdin(pid, task) for pid, task in _tasks())

    def _reads_stdin(self, pid: str, task: str) -> bool:
        try:
            file = os.open(f"/proc/{pid}/task/{task}/syscall", os.O_RDONLY | os.O_CLOEXEC)
            try:
                size = os.readv(file, [self._line_start])
            finally:
                os.close(file)
            if size < len(self._line_start) or self._line_start != self._call:
                return False
            descriptor = os.stat(f"/proc/{pid}/task/{task}/fd/0")
        except OSError:  # it has ended, or hides this from us
            return False
        # Its descriptor 0 may be another pipe, as in a child that reads what its parent writes.
        return (descriptor.st_dev, descriptor.st_ino) == (self._stdin.st_dev, self._stdin.st_ino)


def _held_bytes(pipe: int) -> int:
    """Return how many bytes a pipe holds."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), "little")


def _tasks() -> Iterator[tuple[str, str]]:
    """Yield the process and thread ids of each thread but our own."""
    for pid in os.listdir("/proc"):
        if pid.isdecimal() and pid != "1":
            try:
                tasks = os.listdir(f"/proc/{pid}/task")
            except OSError:
                continue
            for task in tasks:
                yield pid, task
