"""The kernel's counters for this container, under cgroup v2 or v1, and for its network namespace.

The files stay open: opening one twice in a run would take a tenth of the time of a short program.
"""

from __future__ import annotations

import os

ROOT = "/sys/fs/cgroup"
MEMORY = ("memory.events", "memory/memory.oom_control")  # cgroup v2, v1
PIDS = ("pids.events", "pids/pids.events")  # v2, v1
CPU = ("cpuacct/cpuacct.usage", "cpu.stat")  # v1, v2
CHARGED_MEMORY = ("memory.current", "memory/memory.usage_in_bytes")  # v2, v1
MEMORY_PEAK = ("memory.peak", "memory/memory.max_usage_in_bytes")  # v2, v1
MEMORY_LIMIT = ("memory.max", "memory/memory.limit_in_bytes")  # v2, v1
THROTTLING = ("cpu/cpu.stat", "cpu.stat")  # v1, v2
CPU_PERIOD = ("cpu/cpu.cfs_period_us", "cpu.max")  # v1, v2

CPU_SHARE = 0.25
"""The share of a CPU that a container may use: a second of CPU time takes four seconds of the program's time."""

V2_CPU_PREFIX = b"usage_usec "

SOCKETS = "/proc/net/sockstat"
UNKNOWN = 1 << 30
"""The number of sockets if the kernel does not count them: more than any limit."""


class Cgroup:
    """The counters. One whose file is missing stays at zero."""

    def __init__(self) -> None:
        self._memory = _open_first(MEMORY)
        self._pids = _open_first(PIDS)
        self._cpu = _open_first(CPU)
        self._sockets = _open(SOCKETS)
        self.counts_cpu = self._cpu is not None
        self._charged_memory = _open_first(CHARGED_MEMORY)
        self._memory_peak = _open_first(MEMORY_PEAK)
        self._memory_limit = _read_first(MEMORY_LIMIT)
        self._throttling = _open_first(THROTTLING)
        period = _read_first(CPU_PERIOD).split()  # under v2 after the quota
        self.cpu_period_seconds = int(period[-1]) * 1e-6 if period else 0.0

    def oom_kills(self) -> int:
        """Return how many processes of this container the kernel has killed for memory."""
        if self._memory is None:
            return 0
        counters = os.pread(self._memory, 4096, 0).split()
        return int(counters[counters.index(b"oom_kill") + 1]) if b"oom_kill" in counters else 0

    def memory_bytes(self) -> int:
        """Return how much memory the kernel charges to this container."""
        return 0 if self._charged_memory is None else int(os.pread(self._charged_memory, 64, 0))

    def has_met_memory_limit(self) -> bool:
        """Return whether this container has ever used all the memory that it may."""
        # Not by a count of refusals: v1 does not count those that the kernel could reclaim memory for.
        peak = None if self._memory_peak is None else os.pread(self._memory_peak, 64, 0)
        return peak is not None and self._memory_limit.strip().isdigit() and int(peak) >= int(self._memory_limit)

    def cpu_periods(self) -> tuple[int, int]:
        """Return how many periods of the CPU limit have begun, and in how many the container used up its share."""
        if self._throttling is None:
            return 0, 0
        counters = os.pread(self._throttling, 4096, 0).split()
        if b"nr_throttled" not in counters:
            return 0, 0
        return int(counters[counters.index(b"nr_periods") + 1]), int(counters[counters.index(b"nr_throttled") + 1])

    def refused_forks(self) -> int:
        """Return how many forks the limit on processes has refused."""
        return 0 if self._pids is None else int(os.pread(self._pids, 64, 0).split()[1])

    def sockets(self) -> int:
        """Return how many sockets exist, of any kind, including those that are closed but still hold data."""
        return UNKNOWN if self._sockets is None else int(os.pread(self._sockets, 64, 0).split()[2])

    def cpu_seconds(self) -> float:
        """Return the CPU time of everything in this container, ourselves included."""
        if self._cpu is None:
            return 0.0
        text = os.pread(self._cpu, 64, 0)
        return int(text.split()[1]) * 1e-6 if text.startswith(V2_CPU_PREFIX) else int(text) * 1e-9


def _read_first(paths: tuple[str, ...]) -> bytes:
    """Return the content of the first of these files that exists."""
    file = _open_first(paths)
    if file is None:
        return b""
    content = os.pread(file, 64, 0)
    os.close(file)
    return content


def _open_first(paths: tuple[str, ...]) -> int | None:
    """Return a descriptor of the first of these files that exists."""
    for path in paths:
        if (descriptor := _open(f"{ROOT}/{path}")) is not None:
            return descriptor
    return None


def _open(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
