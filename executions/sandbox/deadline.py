"""A point on the monotonic clock by which something must be over."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """Shared by all steps of one undertaking, so that their waits cannot add up."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return the deadline `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """Return what is left, 0.0 when it has passed."""
        return max(0.0, self.at - time.monotonic())
