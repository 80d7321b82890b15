"""The settings of a sandbox, given by the code that creates it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

MEMORY_BYTES = 128 * 1024 * 1024
"""What a program may use, in every sandbox."""
GVISOR = "runsc"
"""The container runtime of gVisor."""


def is_gvisor(runtime: str | None) -> bool:
    """Return whether `runtime`, the name of a container runtime, stands for gVisor: runsc, runsc-kvm and the like."""
    return runtime is not None and runtime.startswith(GVISOR)


class Reuse(StrEnum):
    """Whether a container may serve another submission after a check shows that it is clean.

    `pressure`: only while callers find no fresh container.
    """

    NEVER = "never"
    PRESSURE = "pressure"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How many containers to keep, and how long a caller may wait for one.

    `image` is the name of the guest image, "" for that of this version of guest/. `pool_size` containers are kept
    warm, and `science_pool_size` of the science profile: with 0, its programs get plain ones. At most `max_concurrent`
    of both together are in use at once, and at most `busy_concurrent` while the processors have no time left; then
    `queue_length` callers may wait, each for `queue_seconds`. `reuse` says when a container may serve again; each
    serves at most `reuse_runs` submissions.
    `refill_threads` launch new containers of each profile at the same time. `runtime` names one of the engine's
    container runtimes; None is its default.
    A program may wait for `input_seconds` for one input, and for `input_seconds_in_all` in total.
    No program runs while the disk of one of `directories`, or the engine's disk, has less than `least_free_percent` of
    its bytes or inodes free.

    The service sets all of these but `image`; the defaults are for tests.
    """

    image: str = ""
    pool_size: int = 4
    science_pool_size: int = 0
    max_concurrent: int = 4
    busy_concurrent: int = 64
    reuse: Reuse = Reuse.NEVER
    reuse_runs: int = 50
    queue_length: int = 32
    queue_seconds: float = 5.0
    refill_threads: int = 4
    runtime: str | None = None
    input_seconds: float = 60.0
    input_seconds_in_all: float = 300.0
    directories: tuple[Path, ...] = ()
    least_free_percent: float = 0.0
