"""The values that the dashboard shows of executions."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from executions.review.dashboard.noticed import NoticedFigures
from web.visible_text import make_visible

SAMPLE_ROWS = 500
"""How many executions of each day, evenly spread, percentiles are computed from. All of them would take seconds."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of executions by status."""

    running: int = 0
    success: int = 0
    error: int = 0
    timeout: int = 0
    memory_limit: int = 0
    output_limit: int = 0
    cancelled: int = 0
    refused: int = 0
    internal_error: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.ran + self.running + self.cancelled + self.refused + self.internal_error

    @property
    def stopped(self) -> int:
        """Those stopped by a limit."""
        return self.timeout + self.memory_limit + self.output_limit

    @property
    def ran(self) -> int:
        """Those whose program ran and ended, in any way."""
        return self.success + self.error + self.stopped

    @property
    def success_share(self) -> float | None:
        """The share of those that ran which succeeded, from 0 to 1; None if none ran."""
        return self.success / self.ran if self.ran else None


@dataclass(frozen=True, slots=True)
class Spread:
    """The median and the 95th percentile, in seconds."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Day:
    """A day in UTC. The spreads are None if no programs ran."""

    date: date
    counts: Counts
    waiting: Spread | None = None
    running: Spread | None = None


@dataclass(frozen=True, slots=True)
class LearnerUse:
    """What a learner used, or an address if the learner is not verified. `kind` is "learner" or "address"."""

    kind: str
    name: str
    family: UUID
    key: str
    executions: int
    cpu_seconds: float
    part: float
    """The CPU time as a share of that of the first in the list."""

    badge: str = ""
    """That of an active suspension, as HTML."""

    @property
    def visible_name(self) -> str:
        """The name, with visible marks for invisible characters."""
        return make_visible(self.name)


@dataclass(frozen=True, slots=True)
class Month:
    """The last thirty days including today, oldest first, as counted at `counted`."""

    counted: datetime
    days: tuple[Day, ...]
    yesterday_by_now: Counts
    learners: tuple[LearnerUse, ...]
    sample_rows: int = SAMPLE_ROWS

    @property
    def yesterday(self) -> Day:
        """The whole day before today."""
        return self.days[-2]

    @property
    def today(self) -> Day:
        """Today so far."""
        return self.days[-1]


@dataclass(frozen=True, slots=True)
class Activity:
    """What ran, who ran it, and who was noticed."""

    month: Month
    cpu_seconds_today: float
    cpu_seconds_yesterday: float
    interrupted_today: int
    flags_today: int
    noticed: NoticedFigures
    learners_today: tuple[LearnerUse, ...]
