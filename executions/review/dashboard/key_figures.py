"""The dashboard's figures of keys: today's use of their quotas, keys that expire soon, and active suspensions."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.safestring import SafeString

from apikeys.models import ApiKey, DailyUse, active_suspensions
from apikeys.suspension_badge import Badges, name_of

EXPIRES_SOON = timedelta(days=7)
NEAR = 0.8
"""The share of a quota from which a key is close to it."""

SHOWN_KEYS = 10
SHOWN_SUSPENSIONS = 3


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What a family of keys used today, and the limits of its newest key."""

    key_id: int
    name: str
    executions: int
    executions_per_day: int
    cpu_seconds: float
    cpu_seconds_per_day: int
    badge: SafeString

    @property
    def executions_share(self) -> float:
        """The used share of its executions, from 0 to 1."""
        return self.executions / self.executions_per_day

    @property
    def cpu_share(self) -> float:
        """The used share of its CPU time, from 0 to slightly above 1."""
        return self.cpu_seconds / self.cpu_seconds_per_day


@dataclass(frozen=True, slots=True)
class ExpiringKey:
    """A key that expires soon and has no successor."""

    key_id: int
    name: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """The keys. `used` are those nearest to a limit, and `used_count` how many have been used today."""

    active: int
    inactive: int
    expiring: tuple[ExpiringKey, ...]
    used: tuple[KeyUse, ...]
    used_count: int

    near: int = 0
    """How many keys are close to a limit."""


@dataclass(frozen=True, slots=True)
class HeldSuspension:
    """An active suspension, and its badge with the reason, the end and the button to lift it."""

    subject: str
    begins: datetime
    badge: SafeString


@dataclass(frozen=True, slots=True)
class SuspensionFigures:
    """The number of active suspensions, and the newest of them."""

    count: int
    newest: tuple[HeldSuspension, ...]


def key_figures(now: datetime, badges: Badges) -> KeyFigures:
    """Return the figures of the keys at `now`."""
    keys = list(ApiKey.objects.order_by("id"))
    active = [key for key in keys if key.is_usable()]
    expiring = sorted(
        (
            ExpiringKey(key.pk, key.name, key.expires)
            for key in active
            if key.expires and key.expires - now < EXPIRES_SOON and key.replaced_by_id is None
        ),
        key=lambda key: key.expires,
    )
    newest = {key.family: key for key in keys}
    used = sorted(
        (
            _use(newest[row.family], row, badges)
            for row in DailyUse.objects.filter(day=now.date(), who="", executions__gt=0)
            if row.family in newest
        ),
        key=lambda use: (-max(use.executions_share, use.cpu_share), use.name),
    )
    near = sum(max(use.executions_share, use.cpu_share) >= NEAR for use in used)
    return KeyFigures(len(active), len(keys) - len(active), tuple(expiring), tuple(used[:SHOWN_KEYS]), len(used), near)


def _use(key: ApiKey, row: DailyUse, badges: Badges) -> KeyUse:
    return KeyUse(
        key.pk,
        key.name,
        row.executions,
        key.executions_per_day,
        row.cpu_seconds,
        key.cpu_seconds_per_day,
        badges.of_key(key.family),
    )


def suspension_figures(badges: Badges) -> SuspensionFigures:
    """Return the active suspensions."""
    held = active_suspensions().select_related("key")
    newest = tuple(HeldSuspension(name_of(each), each.begins, badges.of(each)) for each in held[:SHOWN_SUSPENSIONS])
    return SuspensionFigures(held.count(), newest)


def names_of_families(families: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the name of the newest key of each family."""
    return dict(ApiKey.objects.filter(family__in=set(families)).order_by("id").values_list("family", "name"))
