"""Which addresses and origins ran programs with a key, and since when: what staff ask first when a key has leaked."""

from dataclasses import dataclass, field
from datetime import datetime

from apikeys.models import ApiKey
from apikeys.suspension_badge import Badges
from executions.models import Execution
from web.visible_text import make_visible

LATEST_EXECUTIONS = 1_000
SHOWN = 12


@dataclass(slots=True)
class Source:
    """An address and the origin of its pages, with its first and last execution among the latest of the key."""

    address: str
    origin: str
    badge: str
    first: datetime
    last: datetime
    executions: int = 0
    learners: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a key's latest executions, newest first."""

    newest: tuple[Source, ...]
    count: int
    executions: int

    @property
    def are_all(self) -> bool:
        """Whether these are all executions of the key on record."""
        return self.executions < LATEST_EXECUTIONS


def sources_of(key: ApiKey, badges: Badges) -> Sources:
    """Return where the latest executions with this token came from; other tokens of the family do not count."""
    found: dict[tuple[str, str], Source] = {}
    columns = ("client_address", "origin", "learner", "created")
    rows = list(Execution.objects.filter(key=key).order_by("-id").values_list(*columns)[:LATEST_EXECUTIONS])
    for address, origin, learner, created in rows:
        new = Source(address or "", make_visible(origin), badges.of_address(address), created, created)
        source = found.setdefault((new.address, origin), new)
        source.first = min(created, source.first)
        source.executions += 1
        source.learners.add(learner)
    newest = sorted(found.values(), key=lambda source: source.first, reverse=True)
    return Sources(tuple(newest[:SHOWN]), len(newest), len(rows))
