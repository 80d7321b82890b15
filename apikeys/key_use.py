"""What the page of a key shows of its use: each day's requests, why some were refused, and each token of the family.

The old token of a rotated key is a key of its own, so its requests are counted apart from those of the others.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Max, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from apikeys.models import ApiKey, KeyTraffic
from apikeys.standing import state_in_words, with_standing

DAYS = 30
HEIGHT = 100
REFUSED_USES = 500
"""How many of the latest entries of the audit log are read."""

SHOWN = 12


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
    """Tries that were refused for the token or its origin, from one address: at most one a minute is on record."""

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
    reasons: tuple[tuple[str, int, int], ...]
    """Why requests with this token were refused: the reason, how many today and in thirty days."""
    tokens: tuple[TokenOfFamily, ...]
    tries: tuple[RefusedUse, ...]


def use_of(key: ApiKey) -> KeyUse:
    """Return the use of `key`, in four queries."""
    today = timezone.now().date()
    dates = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    family: list[Any] = list(with_standing(ApiKey.objects.filter(family=key.family)).order_by("-pk"))
    rows = list(
        KeyTraffic.objects.filter(
            key_number__in=[each.pk for each in family], begins__gte=datetime.combine(dates[0], time(), UTC)
        )
        .values_list("key_number", "reason", TruncDate("begins"))
        .annotate(Sum("requests"), Max("begins"))
    )
    own, others, refused = Counter[date](), Counter[date](), Counter[date]()
    reasons, reasons_today, answered, all_refused = Counter[str](), Counter[str](), Counter[int](), Counter[int]()
    last: dict[int, datetime] = {}
    for number, reason, day, requests, begins in rows:
        if not reason:
            (own if number == key.pk else others)[day] += requests
            answered[number] += requests
            continue
        all_refused[number] += requests
        last[number] = max(begins, last.get(number, begins))
        if number == key.pk:
            refused[day] += requests
            reasons[reason] += requests
            reasons_today[reason] += requests if day == today else 0
    most = max(1, *(own[day] + others[day] + refused[day] for day in dates))
    return KeyUse(
        tuple(_day(day, own[day], others[day], refused[day], most) for day in dates),
        most,
        tuple((reason, reasons_today[reason], count) for reason, count in reasons.most_common()),
        tuple(
            TokenOfFamily(
                each,
                state_in_words(each.state, each.expires),
                each.pk == key.pk,
                answered[each.pk],
                all_refused[each.pk],
                last.get(each.pk),
            )
            for each in family
        ),
        _refused_uses(key),
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
    """Return from where the token was tried in vain, as the audit log has it, the latest first."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(ApiKey), object_id=key.pk, action=LogEntry.Action.ACCESS
    )
    columns = ("additional_data", "remote_addr", "timestamp")
    found: dict[tuple[str, str, str], list[datetime]] = {}
    for data, address, moment in entries.order_by("-id").values_list(*columns)[:REFUSED_USES]:
        if (event := (data or {}).get("event")) in ("revoked_key_used", "origin_refused"):
            found.setdefault((event, address or "", data.get("origin", "")), []).append(moment)
    return tuple(RefusedUse(*who, min(moments), max(moments)) for who, moments in found.items())[:SHOWN]
