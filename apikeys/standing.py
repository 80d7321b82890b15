"""The state of each key, and what its family has used today."""

from datetime import datetime
from typing import Any

from django.db.models import Case, Exists, OuterRef, QuerySet, Subquery, TextChoices, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from apikeys.models import ApiKey, DailyUse, active_suspensions


class State(TextChoices):
    """The states of a key. The first that applies counts."""

    REVOKED = "revoked"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    ROTATING = "rotating"
    ACTIVE = "active"


def with_standing(keys: QuerySet[ApiKey]) -> QuerySet[Any]:
    """Add `state`, `executions_today` and `cpu_seconds_today` to each of `keys`, in the same query."""
    now = timezone.now()
    suspended = active_suspensions().filter(learner="", key__family=OuterRef("family"))
    today = DailyUse.objects.filter(family=OuterRef("family"), day=now.date(), who="")
    return keys.annotate(
        state=Case(
            When(is_active=False, then=Value(State.REVOKED)),
            When(expires__lte=now, then=Value(State.EXPIRED)),
            When(Exists(suspended), then=Value(State.SUSPENDED)),
            When(replaced_by__isnull=False, then=Value(State.ROTATING)),
            default=Value(State.ACTIVE),
        ),
        executions_today=Coalesce(Subquery(today.values("executions")), 0),
        cpu_seconds_today=Coalesce(Subquery(today.values("cpu_seconds")), 0.0),
    )


def state_in_words(state: str, expires: datetime | None) -> str:
    """Return a state in words for staff."""
    if state == State.ROTATING and expires is not None:
        return f"rotating until {expires:%Y-%m-%d %H:%M} UTC"
    return str(State(state).label).lower()


def use_in_words(used: float, allowed: int) -> str:
    """Return how much of a daily quota is used, such as `312 / 20,000`."""
    return f"{used:,.0f} / {allowed:,}"
