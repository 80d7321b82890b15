"""How much CPU time the machine has left."""

import os
import time
from collections.abc import Callable

WINDOW_SECONDS = 0.1
STALE_SECONDS = 1.0

STAT = os.open("/proc/stat", os.O_RDONLY | os.O_CLOEXEC)
"""Stays open, so that the pool still knows when descriptors have run out."""


def read_cpu_times() -> tuple[float, float]:
    """Return the CPU time of the whole machine since its start: idle and total (proc(5), /proc/stat)."""
    times = [float(number) for number in os.pread(STAT, 4096, 0).split(b"\n", 1)[0].split()[1:9]]
    return times[3] + times[4], sum(times)


class SpareCpu:
    """Compares the CPU times of the machine with those of a moment ago. Not for many threads at once."""

    def __init__(self, read: Callable[[], tuple[float, float]] = read_cpu_times) -> None:
        self._read = read
        self._at = 0.0
        self._idle = self._total = 0.0
        self._share = 0.0

    def share(self) -> float:
        """Return the share of CPU time that was idle lately, from 0 to 1; 0 if the last call was over a second ago."""
        now = time.monotonic()
        if now - self._at < WINDOW_SECONDS:
            return self._share
        idle, total = self._read()
        is_known = now - self._at < STALE_SECONDS and total > self._total
        self._share = (idle - self._idle) / (total - self._total) if is_known else 0.0
        self._at, self._idle, self._total = now, idle, total
        return self._share
