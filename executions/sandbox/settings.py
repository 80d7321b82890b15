"""The settings of a sandbox, given by the code that creates it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How many containers to keep, and how long a caller may wait for one.

    `image` is the name of the guest image, "" for that of this version of guest/. `pool_size` containers are kept
    warm, and `science_pool_size` of the science profile: with 0, its programs get plain ones. At most `max_concurrent`
    of both together are in use at once; then `queue_length` callers may wait, each for `queue_seconds`.
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
    queue_length: int = 32
    queue_seconds: float = 5.0
    refill_threads: int = 4
    runtime: str | None = None
    input_seconds: float = 60.0
    input_seconds_in_all: float = 300.0
    directories: tuple[Path, ...] = ()
    least_free_percent: float = 0.0
