"""What the page of a key shows of its use: each day's requests, why some were refused, and each token of the family.

The old token of a rotated key is a key of its own, so its requests are counted apart from those of the others.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Max, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from apikeys.models import ApiKey, KeyTraffic
from apikeys.standing import state_in_words, with_standing

DAYS = 30
HEIGHT = 100
REFUSED_USES = 500
"""How many of the latest entries of the audit log are read."""

SHOWN = 12

WHAT_HELPS = {
    "invalid_key": "The token is no longer valid or the key is suspended. Send the site its new token, "
    "or lift the suspension.",
    "origin_not_allowed": "The page is not one of the origins below. If it belongs to the site, add its origin.",
    "suspended": "The learner or address is suspended. If that is a mistake, lift the suspension.",
    "secret_key_required": "A page requested something that only the site's server may do.",
    "rate_limited": "If it is the site's own traffic, raise the rate below.",
    "learner_rate_limited": "If it is a class behind one address, raise the address rate below.",
    "concurrency_limited": "If it is the site's own traffic, raise the concurrent executions below.",
    "interactive_limited": "A learner or address already has its share of the programs that wait for input.",
    "executions_used_up": "If it is the site's own traffic, raise the executions per day below.",
    "cpu_used_up": "If it is the site's own traffic, raise the CPU seconds per day below.",
    "unavailable": "The service is busy or down: see its state on the dashboard.",
}
"""What staff can do about refusals, by their reason."""


@dataclass(frozen=True, slots=True)
class DayOfUse:
    """The requests of a day: answered with this token, answered with others of the family, and refused with this one.

    `bars` are their parts of the chart, from bottom to top: name, y and height.
    """

    date: date
    own: int
    others: int
    refused: int
    bars: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class TokenOfFamily:
    """A token, with its requests of thirty days and when the last of them began at the latest."""

    key: ApiKey
    state: str
    is_own: bool
    answered: int
    refused: int
    last_refused: datetime | None


@dataclass(frozen=True, slots=True)
class RefusedUse:
    """Failed attempts with the token or from a wrong origin, by one address. At most one a minute is on record."""

    event: str
    address: str
    origin: str
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class KeyUse:
    """The use of a key."""

    days: tuple[DayOfUse, ...]
    most: int
    reasons: tuple[tuple[str, int, int, str], ...]
    """Why requests with this token were refused: the reason, how many today and in thirty days, and what helps."""
    tokens: tuple[TokenOfFamily, ...]
    tries: tuple[RefusedUse, ...]


def use_of(key: ApiKey) -> KeyUse:
    """Return the use of `key`, in three queries."""
    today = timezone.now().date()
    dates = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    family: list[Any] = list(with_standing(ApiKey.objects.filter(family=key.family)).order_by("-pk"))
    found = _Sums(key.pk, today)
    for row in _rows([each.pk for each in family], dates[0]):
        found.add(*row)
    most = max(1, *(found.own[day] + found.others[day] + found.refused[day] for day in dates))
    return KeyUse(
        tuple(_day(day, found.own[day], found.others[day], found.refused[day], most) for day in dates),
        most,
        tuple(
            (reason, found.reasons_today[reason], count, WHAT_HELPS.get(reason, ""))
            for reason, count in found.reasons.most_common()
        ),
        tuple(found.token(each) for each in family),
        _refused_uses(key),
    )


def _rows(numbers: list[int], since: date) -> QuerySet[KeyTraffic, tuple[int, str, date, int, datetime]]:
    """Return the requests of these keys: number, reason, day, how many, and the beginning of the last period."""
    begin = datetime.combine(since, time(), UTC)
    rows = KeyTraffic.objects.filter(key_number__in=numbers, begins__gte=begin)
    days = rows.values_list("key_number", "reason", TruncDate("begins"))
    return days.annotate(Sum("requests"), Max("begins"))


class _Sums:
    """Adds up rows: by day, by reason and by token."""

    def __init__(self, own_number: int, today: date) -> None:
        self._own_number = own_number
        self._today = today
        self.own, self.others, self.refused = Counter[date](), Counter[date](), Counter[date]()
        self.reasons, self.reasons_today = Counter[str](), Counter[str]()
        self._answered, self._refused = Counter[int](), Counter[int]()
        self._last_refused: dict[int, datetime] = {}

    def add(self, number: int, reason: str, day: date, requests: int, begins: datetime) -> None:
        """Add a row."""
        is_own = number == self._own_number
        if not reason:
            (self.own if is_own else self.others)[day] += requests
            self._answered[number] += requests
            return
        self._refused[number] += requests
        self._last_refused[number] = max(begins, self._last_refused.get(number, begins))
        if is_own:
            self.refused[day] += requests
            self.reasons[reason] += requests
            self.reasons_today[reason] += requests if day == self._today else 0

    def token(self, key: Any) -> TokenOfFamily:
        """Return a token of the family, `key` with its standing."""
        return TokenOfFamily(
            key,
            state_in_words(key.state, key.expires),
            key.pk == self._own_number,
            self._answered[key.pk],
            self._refused[key.pk],
            self._last_refused.get(key.pk),
        )


def _day(day: date, own: int, others: int, refused: int, most: int) -> DayOfUse:
    bars = []
    y = float(HEIGHT)
    for name, count in (("own", own), ("others", others), ("refused", refused)):
        height = round(count / most * HEIGHT, 3)
        y -= height
        if count:
            bars.append((name, round(y, 3), height))
    return DayOfUse(day, own, others, refused, tuple(bars))


def _refused_uses(key: ApiKey) -> tuple[RefusedUse, ...]:
    """Return the failed attempts with the token that the audit log has, the latest first."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(ApiKey), object_id=key.pk, action=LogEntry.Action.ACCESS
    )
    columns = ("additional_data", "remote_addr", "timestamp")
    found: dict[tuple[str, str, str], list[datetime]] = {}
    for data, address, moment in entries.order_by("-id").values_list(*columns)[:REFUSED_USES]:
        if (event := (data or {}).get("event")) in ("revoked_key_used", "origin_refused"):
            found.setdefault((event, address or "", data.get("origin", "")), []).append(moment)
    return tuple(RefusedUse(*who, min(moments), max(moments)) for who, moments in found.items())[:SHOWN]
