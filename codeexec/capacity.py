"""How much may run, worked out from the machine: what `auto` means in the settings. See docs/settings.md."""

import os
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
PROGRAM_BYTES = 128 * MIB
SHARE_FOR_PROGRAMS = 0.6
"""Of the free memory; the rest is for waiting containers, the page cache and everything else on the server."""
BYTES_PER_PLAIN, BYTES_PER_SCIENCE = 16 * MIB, 128 * MIB
BYTES_PER_REQUEST = 4 * MIB
MOST_THREADS = 1000
SHARE_FOR_STOCK = 0.1
"""Of the free memory, for the waiting containers of one profile."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Numbers of containers and requests, for this many processors and so much free memory. The names are those of the
    settings; while the processors have no time left, only `busy_concurrent` programs run at once."""

    processors: int
    free_bytes: int
    pool_size: int
    science_pool_size: int
    max_concurrent: int
    busy_concurrent: int
    max_interactive: int
    queue_length: int

    @classmethod
    def of(cls, processors: int, free_bytes: int) -> "Capacity":
        """Return the capacity of a machine. Each program and each request in line takes one of MOST_THREADS.

        A program uses at most a quarter of a processor, so four containers a processor keep it busy. Twice as many
        may run while it is: short programs then do not wait for long ones. Programs that only wait are bounded by
        memory alone.
        """
        most_programs = min(64 * processors, MOST_THREADS // 2)
        programs = _within(int(free_bytes * SHARE_FOR_PROGRAMS) // PROGRAM_BYTES, 2, most_programs)
        running = max(1, programs * 2 // 3)
        stock_bytes = int(free_bytes * SHARE_FOR_STOCK)
        return cls(
            processors,
            free_bytes,
            pool_size=_within(stock_bytes // BYTES_PER_PLAIN, 2, 4 * processors),
            science_pool_size=_within(stock_bytes // BYTES_PER_SCIENCE, 1, 4 * processors),
            max_concurrent=running,
            busy_concurrent=min(running, 8 * processors),
            max_interactive=max(1, programs - running),
            queue_length=_within(free_bytes // BYTES_PER_REQUEST, 32, min(128 * processors, MOST_THREADS - programs)),
        )

    @classmethod
    def of_this_machine(cls) -> "Capacity":
        """Return the capacity of this machine, on which the engine runs as well."""
        return cls.of(os.cpu_count() or 1, _available_bytes())


def _within(number: int, least: int, most: int) -> int:
    return max(least, min(number, most))


def _available_bytes() -> int:
    """Return how much memory new processes can get without swapping (proc(5), MemAvailable)."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    raise OSError("/proc/meminfo names no MemAvailable")
