"""The dashboard's figures of refused requests: how many, of which keys and for which reasons."""

from dataclasses import dataclass
from datetime import UTC, datetime, time

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from apikeys import traffic
from apikeys.models import ApiKey, KeyTraffic

MANY = 0.1
"""The share of refused requests from which the light at the top is amber."""

SHOWN = 6


@dataclass(frozen=True, slots=True)
class RefusedRequests:
    """Requests of a key that were refused for one reason: today, and in the last minutes. `key_id` is 0 for no key."""

    key_id: int
    key: str
    reason: str
    today: int
    recent: int


@dataclass(frozen=True, slots=True)
class RefusalFigures:
    """The refusals, most recent first, and all requests. "Recent" is this period of ten minutes and the one before."""

    requests_today: int
    refused_today: int
    recent_requests: int
    recent_refused: int
    most: tuple[RefusedRequests, ...]

    @property
    def recent_share(self) -> float:
        """The refused share of recent requests, from 0 to 1."""
        return self.recent_refused / self.recent_requests if self.recent_requests else 0.0

    @property
    def are_many(self) -> bool:
        """Whether so many are refused that staff must see it."""
        return self.recent_share >= MANY


def refusal_figures(now: datetime) -> RefusalFigures:
    """Return the figures at `now`."""
    midnight = datetime.combine(now.date(), time(), UTC)
    recently = traffic.period_of(now) - traffic.PERIOD
    rows = list(
        KeyTraffic.objects.filter(begins__gte=min(midnight, recently))
        .values_list("key_number", "reason")
        .annotate(
            today=Coalesce(Sum("requests", filter=Q(begins__gte=midnight)), 0),
            recent=Coalesce(Sum("requests", filter=Q(begins__gte=recently)), 0),
        )
    )
    refused = [row for row in rows if row[1]]
    first = sorted(refused, key=lambda row: (row[3], row[2]), reverse=True)[:SHOWN]
    names = dict(ApiKey.objects.filter(pk__in=[row[0] for row in first]).values_list("pk", "name"))
    return RefusalFigures(
        requests_today=sum(row[2] for row in rows),
        refused_today=sum(row[2] for row in refused),
        recent_requests=sum(row[3] for row in rows),
        recent_refused=sum(row[3] for row in refused),
        most=tuple(RefusedRequests(row[0], names.get(row[0], "no known key"), *row[1:]) for row in first),
    )
