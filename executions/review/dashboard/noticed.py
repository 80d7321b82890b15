"""Who to look at first: the flags of the last day, together for each learner or address and key."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Subquery
from django.utils.safestring import SafeString

from apikeys.models import ApiKey
from apikeys.suspension_badge import Badges
from executions.models import Execution, ExecutionFlag
from web.connection import address_block
from web.visible_text import make_visible

LOOKED_BACK = timedelta(days=1)
LATEST_FLAGS = 2_000
"""How many flags are read. In a flood, the oldest flags are left out, but not who caused it."""

SHOWN = 8
SHOWN_CLAIMS = 3

Kind = ExecutionFlag.Kind
Row = tuple[str, int, datetime, str, str | None, int, str, str, UUID]
COLUMNS = (
    "kind",
    "execution_id",
    "execution__created",
    "execution__learner",
    "execution__client_address",
    "execution__key_id",
    "execution__key__name",
    "execution__key__kind",
    "execution__key__family",
)

ATTACKS = {Kind.FORK_STORM, Kind.NETWORK_ATTEMPT, Kind.FORBIDDEN_CALL}
"""What beginners rarely do by mistake. One of these counts more than any number of others."""

SUSPICIOUS = {Kind.SHARED_CODE, Kind.CPU_BUDGET, Kind.OUTPUT_FLOOD}


@dataclass(slots=True)
class Noticed:
    """A learner of a family of keys, or an address, with its flags. `execution_id` is the latest flagged execution."""

    kind: str
    name: str
    key_id: int
    key: str
    execution_id: int
    last: datetime
    badge: SafeString
    kinds: Counter[str] = field(default_factory=Counter)
    claims: Counter[str] = field(default_factory=Counter)
    """The learners that pages at this address named."""

    @property
    def visible_name(self) -> str:
        """The name, with visible marks for invisible characters."""
        return make_visible(self.name)

    @property
    def claimed(self) -> list[str]:
        """The learners that were named most."""
        return [make_visible(name) for name, _ in self.claims.most_common(SHOWN_CLAIMS)]

    @property
    def flags(self) -> list[tuple[str, int]]:
        """The kinds of flags and how many of each, the worst first."""
        by_weight = sorted(self.kinds.items(), key=lambda each: (_weight(each[0]), each[1]), reverse=True)
        return [(str(Kind(kind).label).lower(), count) for kind, count in by_weight]

    def rank(self) -> tuple[bool, int, int]:
        """Return a sort key: those who still can do harm, then the worst, then the most."""
        return not self.badge, max(_weight(kind) for kind in self.kinds), self.kinds.total()


@dataclass(frozen=True, slots=True)
class NoticedFigures:
    """Those to look at first, and how many there are in all."""

    first: tuple[Noticed, ...]
    count: int


def noticed_figures(now: datetime, badges: Badges) -> NoticedFigures:
    """Return who was noticed in the day before `now`."""
    begin = Execution.objects.filter(created__gte=now - LOOKED_BACK).order_by("created").values("id")[:1]
    rows = ExecutionFlag.objects.filter(execution__gte=Subquery(begin), execution__key__isnull=False)
    found = _together(rows.order_by("-execution_id").values_list(*COLUMNS)[:LATEST_FLAGS], badges)
    ranked = sorted(found, key=Noticed.rank, reverse=True)
    return NoticedFigures(tuple(ranked[:SHOWN]), len(ranked))


def _together(
    rows: Iterable[tuple[str, int, datetime, str, str | None, int, str, str, UUID]], badges: Badges
) -> list[Noticed]:
    """Return each learner and address once. The latest rows come first."""
    found: dict[tuple[str, str, UUID], Noticed] = {}
    for kind, number, created, learner, address, key_id, key, key_kind, family in rows:
        if learner and key_kind == ApiKey.Kind.SECRET:
            who, name, badge = "learner", learner, badges.of_learner(family, learner)
        else:
            who, name, badge = "address", address or "", badges.of_address(address)
        block = address_block(name) if who == "address" and name else name
        badge = badge or badges.of_key(family)
        one = found.setdefault((who, block, family), Noticed(who, name, key_id, key, number, created, badge))
        one.kinds[kind] += 1
        if learner and who == "address":
            one.claims[learner] += 1
    return list(found.values())


def _weight(kind: str) -> int:
    return 3 if kind in ATTACKS else 2 if kind in SUSPICIOUS else 1
