"""What a family of keys may run at once and in a day, and how much of it one learner or address may have.

Use is counted in the database. A quota is checked when an execution begins, under a lock, with running executions
counted as used; it is charged when the execution ends, with its record. So nothing is ever refunded: requests that were
refused, failures of our own and executions that died with their process were never charged.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Case, F, FloatField, Sum, Value, When
from django.db.models.functions import Least
from django.utils import timezone

from apikeys.limits import LimitUse, Refused
from apikeys.models import ApiKey, DailyUse
from apikeys.shares import ADDRESS, LEARNER, PARTS, kind_of, share, share_of_count, speaks_for_all
from web.moments import DAY_SECONDS

ALL = ""
"""The `who` of the row that counts a whole family."""

UNDIVIDED_AT_ONCE, UNDIVIDED_EXECUTIONS = 4, 10
"""Limits up to these are not shared out."""

RECENT_SECONDS = 10 * 60
LEAST_RECENT_CPU_SECONDS = 60
PACE = {ADDRESS: 2, LEARNER: 1}
"""How fast a caller may use CPU seconds, within RECENT_SECONDS, in multiples of the average pace of the key's day."""

# Needed for each request, so written as SQL (see `apikeys.authentication`).
ROWS = (
    "SELECT who, executions, cpu_seconds, recent_window, recent_cpu_seconds FROM apikeys_dailyuse"
    " WHERE family = %s AND day = %s AND who IN (%s, %s)"
)
CHARGE = (
    "UPDATE apikeys_dailyuse SET executions = executions + 1, cpu_seconds = cpu_seconds + %s,"
    " recent_cpu_seconds = %s + CASE WHEN recent_window = %s THEN recent_cpu_seconds ELSE 0 END, recent_window = %s"
    " WHERE family = %s AND day = %s AND who = %s"
)


@dataclass(frozen=True, slots=True)
class Account:
    """Whose use is counted, and on which day: the day on which the execution began.

    `names` are those of the caller (`apikeys.shares.names_of`). The widest, `who`, has a daily use.
    """

    key: ApiKey
    names: tuple[str, ...]
    day: date

    @property
    def who(self) -> str:
        return self.names[0]

    @classmethod
    def today(cls, key: ApiKey, names: tuple[str, ...]) -> "Account":
        """Return the account of an execution that begins now."""
        return cls(key, names, timezone.now().date())


@dataclass(frozen=True, slots=True)
class Use:
    """What a family, and one learner or address of it, has used on a day, and in the last minutes."""

    executions: int
    cpu_seconds: float
    own_executions: int
    own_cpu_seconds: float
    own_recent_cpu_seconds: float


@dataclass(frozen=True, slots=True)
class RunningGroup:
    """Executions of one caller that run now: how many, and when one of them will have ended."""

    names: tuple[str, ...]
    count: int
    ends: datetime


class Running:
    """The executions of a family that run now."""

    def __init__(self, groups: Sequence[RunningGroup]) -> None:
        self._groups = groups

    def count(self, name: str | None = None) -> int:
        """Return how many there are, or how many of a caller."""
        return sum(group.count for group in self._of(name))

    def seconds_left(self, name: str | None = None) -> int:
        """Return how long it takes at most until one of them ends."""
        first = min((group.ends for group in self._of(name)), default=timezone.now())
        return max(1, int((first - timezone.now()).total_seconds()) + 1)

    def _of(self, name: str | None) -> list[RunningGroup]:
        return [group for group in self._groups if name is None or name in group.names]


class _Row(NamedTuple):
    """A row that ROWS selects."""

    who: str
    executions: int
    cpu_seconds: float
    recent_window: int | None
    recent_cpu_seconds: float


def lock_use(account: Account) -> Use:
    """Return what has been used. Until the transaction ends, no other execution of the family begins or ends."""
    found = _locked_rows(account)
    if len(found) < 2:
        missing = [DailyUse(family=account.key.family, day=account.day, who=who) for who in (ALL, account.who)]
        DailyUse.objects.bulk_create(missing, ignore_conflicts=True)
        found = _locked_rows(account)
    whole, own = found[ALL], found[account.who]
    recent_cpu_seconds = own.recent_cpu_seconds if own.recent_window == _window() else 0.0
    return Use(whole.executions, whole.cpu_seconds, own.executions, own.cpu_seconds, recent_cpu_seconds)


def _locked_rows(account: Account) -> dict[str, _Row]:
    """Return the rows by `who`. Locked in one order, so that no two requests deadlock."""
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"{ROWS} ORDER BY who{lock}", (*_row(account), ALL, account.who))
        return {row[0]: _Row(*row) for row in cursor.fetchall()}


def _row(account: Account) -> tuple[Any, Any]:
    return account.key.family_in_sql(), connection.ops.adapt_datefield_value(account.day)


def _window() -> int:
    return int(time.time()) // RECENT_SECONDS


def check_quotas(account: Account, use: Use, running: Running) -> None:
    """Raise Refused if nothing more may run, of the family or of the caller.

    Find `running` after `lock_use`. CPU time is known only at the end, so running executions may still overdraw it.
    """
    is_divided = not speaks_for_all(account.key, account.names)
    _check_at_once(account, running, is_divided)
    _check_executions(account, use, running, is_divided)
    _check_cpu(account, use, is_divided)
    if is_divided:
        _check_recent_cpu(account, use)


def _check_at_once(account: Account, running: Running, is_divided: bool) -> None:
    most, total = account.key.max_concurrent, running.count()
    if total >= most:
        at_once = LimitUse("concurrent", most, 0, running.seconds_left(), None, "concurrent-requests")
        raise Refused("concurrency_limited", f"This API key is already running {most} programs.", at_once)
    for name in account.names if is_divided else ():
        own = running.count(name)
        own_most = share_of_count(name, most, total - own, UNDIVIDED_AT_ONCE)
        if own >= own_most:
            at_once = LimitUse("concurrent", own_most, 0, running.seconds_left(name), None, "concurrent-requests")
            sentence = (
                "Many people at your address are running programs."
                if kind_of(name) == ADDRESS
                else f"This learner is already running {own} programs."
            )
            raise Refused("concurrency_limited", sentence, at_once)


def _check_executions(account: Account, use: Use, running: Running, is_divided: bool) -> None:
    most, total = account.key.executions_per_day, use.executions + running.count()
    seconds_left = _seconds_left(account.day)
    if total >= most:
        executions = LimitUse("executions", most, 0, seconds_left, DAY_SECONDS)
        sentence = f"This API key has used up its {most} executions for today (UTC)."
        raise Refused("executions_used_up", sentence, executions)
    own = use.own_executions + running.count(account.who)
    own_most = share_of_count(account.who, most, total - own, UNDIVIDED_EXECUTIONS)
    if is_divided and own >= own_most:
        executions = LimitUse("executions", own_most, 0, seconds_left, DAY_SECONDS)
        raise Refused("executions_used_up", f"{_owner(account.who)} of today's executions (UTC).", executions)


def _check_cpu(account: Account, use: Use, is_divided: bool) -> None:
    most, own, used = account.key.cpu_seconds_per_day, use.own_cpu_seconds, use.cpu_seconds
    largest = most * PARTS[kind_of(account.who)]
    if used >= most and is_divided and own <= largest:
        used = _used_within_shares(account)
    own_most = share(account.who, most, used - min(own, largest))
    seconds_left = _seconds_left(account.day)
    if used >= most or (is_divided and own > own_most and use.cpu_seconds >= most):
        cpu = LimitUse("cpu", most, 0, seconds_left, DAY_SECONDS, "cpu-seconds")
        raise Refused("cpu_used_up", f"This API key has used up its {most} CPU seconds for today (UTC).", cpu)
    if is_divided and own > own_most:
        cpu = LimitUse("cpu", int(own_most), 0, seconds_left, DAY_SECONDS, "cpu-seconds")
        raise Refused("cpu_used_up", f"{_owner(account.who)} of today's CPU seconds (UTC).", cpu)


def _used_within_shares(account: Account) -> float:
    """Return the CPU seconds that the family has used, without what callers have used beyond the largest share.

    Programs that run when a share is used up overdraw it. That must not be taken from those who have used nothing yet.
    """
    most = {kind: account.key.cpu_seconds_per_day * part for kind, part in PARTS.items()}
    of_address = When(who__startswith=f"{ADDRESS}:", then=Value(most[ADDRESS]))
    largest = Case(of_address, default=Value(most[LEARNER]), output_field=FloatField())
    rows = DailyUse.objects.filter(family=account.key.family, day=account.day).exclude(who=ALL)
    return float(rows.aggregate(used=Sum(Least(F("cpu_seconds"), largest)))["used"] or 0)


def _check_recent_cpu(account: Account, use: Use) -> None:
    pace = PACE[kind_of(account.who)] * account.key.cpu_seconds_per_day / DAY_SECONDS
    most = max(LEAST_RECENT_CPU_SECONDS, int(pace * RECENT_SECONDS))
    if use.own_recent_cpu_seconds >= most:
        seconds_left = RECENT_SECONDS - int(time.time()) % RECENT_SECONDS
        cpu = LimitUse("recent-cpu", most, 0, seconds_left, RECENT_SECONDS, "cpu-seconds")
        whose = "from your address" if kind_of(account.who) == ADDRESS else "of this learner"
        raise Refused("learner_rate_limited", f"The programs {whose} have used a lot of CPU time.", cpu)


def _owner(who: str) -> str:
    return f"{'Your address' if kind_of(who) == ADDRESS else 'This learner'} has used up its share"


def charge(account: Account, cpu_seconds: float) -> None:
    """Count one execution that has run, in the transaction that records its end."""
    window = _window()
    with connection.cursor() as cursor:
        for who in (ALL, account.who):  # in the order of `lock_use`
            cursor.execute(CHARGE, (cpu_seconds, cpu_seconds, window, window, *_row(account), who))


def _seconds_left(day: date) -> int:
    end = datetime.combine(day + timedelta(days=1), time_of_day(), UTC)
    return max(1, int((end - timezone.now()).total_seconds()))
