"""Time in the sandbox: deadlines on the monotonic clock, and the intervals and pauses of its threads."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """A point on the monotonic clock. All steps of one task share it, so their waits cannot add up."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return the deadline `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """Return the time left, 0.0 when it has passed."""
        return max(0.0, self.at - time.monotonic())


@dataclass(slots=True)
class Allowance:
    """How long a run may take: until `deadline`, which can move once by `more_seconds`."""

    deadline: Deadline
    more_seconds: float = 0.0

    def move(self, seconds: float) -> None:
        """Move the deadline, because the run was not running."""
        self.deadline = Deadline(self.deadline.at + seconds)

    def extend(self) -> None:
        """Move the deadline by `more_seconds`, but only once."""
        self.move(self.more_seconds)
        self.more_seconds = 0.0

    def end_within(self, seconds: float) -> None:
        """End the run within `seconds`, whatever its allowance."""
        self.deadline, self.more_seconds = Deadline.after(seconds), 0.0


@dataclass(frozen=True, slots=True)
class Timing:
    """The intervals of a sandbox. The service uses these defaults; tests use shorter ones.

    The keeper checks the engine and the waiting containers, and pauses for `check_seconds` after each check. At every
    `checks_per_reap`th, it removes strays, orphans and what was not started within `abandoned_seconds`. After failed
    probes it waits for `retry_probes_seconds`; after a build of the image it builds no other for `retry_build_seconds`.
    The canary pauses for `canary_seconds` after each probe, and so runs all of them within twenty minutes.

    A started container has `ready_seconds` to report that it is ready, and `science_ready_seconds` if it loads packages
    first. After a failed launch a refill thread pauses for the next of `relaunch_seconds`, the last of which repeats.
    Once `failures_to_give_up` launches in a row have failed, callers are refused at once. A refill waits for
    `refill_delay_seconds` while other containers are in stock.

    Pressure lasts for `pressure_seconds` after a caller has found no fresh container. Meanwhile the refill threads look
    every `look_seconds` (otherwise every `check_seconds`), and launch for a line that has not moved for
    `stall_seconds`, or, while the processors have no time left, for `long_stall_seconds`. A container serves no other
    submission `retire_seconds` after its launch.

    The engine has `late_oom_seconds` to report that a dead container was killed for memory. When its events end, they
    are requested again after `retry_events_seconds`.
    """

    check_seconds: float = 1.0
    checks_per_reap: int = 5
    abandoned_seconds: float = 3600.0
    retry_probes_seconds: float = 10.0
    retry_build_seconds: float = 60.0
    canary_seconds: float = 60.0
    ready_seconds: float = 10.0
    science_ready_seconds: float = 30.0
    relaunch_seconds: tuple[float, ...] = (0.1, 0.5, 1.0, 2.0)
    failures_to_give_up: int = 3
    refill_delay_seconds: float = 0.05
    pressure_seconds: float = 1.0
    stall_seconds: float = 0.1
    long_stall_seconds: float = 0.5
    look_seconds: float = 0.05
    retire_seconds: float = 600.0
    late_oom_seconds: float = 1.0
    retry_events_seconds: float = 1.0


DEFAULT_TIMING = Timing()
