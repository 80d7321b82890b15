"""Whether a run waits for a person. Loaded for interactive runs alone.

A run waits when one of its processes sleeps in read(2) of the run's stdin and that pipe is empty: so it is with
`input()`, with every other way to read stdin, in threads and in children. The kernel tells in /proc/PID/syscall; what
keeps that from us only does not wait, and its time runs on. See docs/decisions/0017-live.md.
"""

from __future__ import annotations

import fcntl
import os
import termios
import time

from guest import protocol

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from collections.abc import Iterator

SIGN_SECONDS = 1.0
"""How often the host is told that a run still waits, so that it knows of us when we are starved."""

CPU_SHARE = 0.25
"""What a container may use of a CPU: processor time is worth four times as much time of the program."""

CPU_COUNTERS = (("/sys/fs/cgroup/cpuacct/cpuacct.usage", 1e-9), ("/sys/fs/cgroup/cpu.stat", 1e-6))  # cgroup v1, v2

READ_OF_STDIN = {"x86_64": b"0 0x0 ", "aarch64": b"63 0x0 "}
"""How /proc/PID/syscall begins for read(0, …)."""

_start = bytearray(8)
"""The rest of that line holds numbers that the program has chosen: they are not even read."""


class Waiting:
    """One run's waits. `is_on` tells whether it waits now, `seconds` how long it has, but for time on the processor."""

    def __init__(self, stdin: int) -> None:
        self.is_on = False
        self.seconds = 0.0
        self._stdin = os.fstat(stdin)
        self._call = READ_OF_STDIN.get(os.uname().machine)
        self._counter = _open_counter()
        self._looked = time.monotonic()
        self._used_seconds = self._run_cpu_seconds()
        self._is_another = True
        self._told = 0.0  # when the host was last told that the run waits; 0.0: it knows that it does not

    def look(self, stdin: int) -> bytes | None:
        """See whether the run waits, and account for the time since the last look; return what to tell the host.

        `stdin` is our end of the run's; -1 when it is closed, or there is more for it.
        """
        now, used_seconds = time.monotonic(), self._run_cpu_seconds()
        if self.is_on:
            passed_seconds = now - self._looked
            # A thread may compute while another waits. That is time of the program, as if nobody waited.
            busy_seconds = min(passed_seconds, (used_seconds - self._used_seconds) / CPU_SHARE)
            self.seconds += passed_seconds - max(0.0, busy_seconds)
        self._looked, self._used_seconds = now, used_seconds
        self.is_on = stdin >= 0 and self._counter is not None and self._waits(stdin)
        return self._news(now)

    def _news(self, now: float) -> bytes | None:
        if not self.is_on:
            self._is_another = True
            told, self._told = self._told, 0.0
            return protocol.GOES_ON if told else None
        if self._is_another:
            self._is_another = False
            self._told = now
            return protocol.WAITS
        if now - self._told > SIGN_SECONDS:
            self._told = now
            return protocol.STILL_WAITS
        return None

    def close(self) -> None:
        if self._counter is not None:
            os.close(self._counter[0])

    def _waits(self, stdin: int) -> bool:
        if self._call is None or _held_bytes(stdin):
            return False
        return any(self._reads_stdin(pid, task) for pid, task in _tasks())

    def _reads_stdin(self, pid: str, task: str) -> bool:
        try:
            file = os.open(f"/proc/{pid}/task/{task}/syscall", os.O_RDONLY | os.O_CLOEXEC)
            try:
                size = os.readv(file, [memoryview(_start)[: len(self._call or b"")]])
            finally:
                os.close(file)
            if size == 0 or not _start.startswith(self._call or b"?"):
                return False
            descriptor = os.stat(f"/proc/{pid}/task/{task}/fd/0")
        except OSError:  # it has ended, or keeps it from us
            return False
        # Its descriptor 0 may be another pipe, as in a child that reads what its parent writes.
        return (descriptor.st_dev, descriptor.st_ino) == (self._stdin.st_dev, self._stdin.st_ino)

    def _run_cpu_seconds(self) -> float:
        """Return the processor time of all that is in the container but ourselves."""
        if self._counter is None:
            return 0.0
        file, unit = self._counter
        text = os.pread(file, 64, 0).removeprefix(b"usage_usec ")
        return int(text.split()[0]) * unit - time.process_time()


def _open_counter() -> tuple[int, float] | None:
    """Return a descriptor of the container's processor time and its unit. Without it, nobody waits: nobody could say
    what was used meanwhile."""
    for path, unit in CPU_COUNTERS:
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC), unit
        except OSError:
            continue
    return None


def _held_bytes(pipe: int) -> int:
    """Return how much lies in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), "little")


def _tasks() -> Iterator[tuple[str, str]]:
    """Yield the ids of each thread but our own."""
    for pid in os.listdir("/proc"):
        if pid.isdecimal() and pid != "1":
            try:
                tasks = os.listdir(f"/proc/{pid}/task")
            except OSError:
                continue
            for task in tasks:
                yield pid, task
