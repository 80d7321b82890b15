"""The overview that staff see first: today and the last thirty days, in a fixed number of queries.

Days are in UTC. Executions are counted in the index (created, status, …), which holds every column that is used here.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from statistics import quantiles

from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import cache
from django.db.models import Count, F, QuerySet, Subquery, Sum, Value
from django.utils import timezone
from redis.exceptions import RedisError

from apikeys.models import DailyUse
from apikeys.shares import LEARNER
from apikeys.suspension_badge import Badges, badges_for
from executions.cluster.workers import MOST_SHOWN, SeenWorker
from executions.models import Execution, ExecutionFlag
from executions.review.dashboard.figures import (
    SAMPLE_ROWS,
    Activity,
    Counts,
    Day,
    LearnerUse,
    Month,
    Spread,
)
from executions.review.dashboard.key_figures import (
    KeyFigures,
    SuspensionFigures,
    key_figures,
    names_of_families,
    suspension_figures,
)
from executions.review.dashboard.noticed import noticed_figures
from executions.review.dashboard.refusal_figures import RefusalFigures, refusal_figures
from executions.running.backend import ServiceHealth, get_backend

DAYS = 30
KEPT_SECONDS = 30
"""How long the figures of the thirty days are cached."""

TOP_LEARNERS = 8


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What one member of staff may see. A part is None without the permission for it.

    `workers` are the first of `worker_count`; None if programs run in this process.
    """

    health: ServiceHealth
    activity: Activity | None
    keys: KeyFigures | None
    refusals: RefusalFigures | None
    suspensions: SuspensionFigures | None
    workers: tuple[SeenWorker, ...] | None = None
    worker_count: int = 0


def dashboard_for(user: User | AnonymousUser) -> Dashboard | None:
    """Return what `user` may see, or None if that is nothing."""
    now = timezone.now()
    badges = badges_for(user)
    activity = find_activity(now, badges) if user.has_perm("executions.view_execution") else None
    sees_keys = user.has_perm("apikeys.view_apikey")
    keys = key_figures(now, badges) if sees_keys else None
    refusals = refusal_figures(now) if sees_keys else None
    suspensions = suspension_figures(badges) if user.has_perm("apikeys.view_suspension") else None
    if activity is None and keys is None and suspensions is None:
        return None
    backend = get_backend()
    workers = None if backend.workers is None else backend.workers()
    shown = None if workers is None else workers[:MOST_SHOWN]
    return Dashboard(backend.health(), activity, keys, refusals, suspensions, shown, len(workers or ()))


def find_activity(now: datetime, badges: Badges) -> Activity:
    """Return the figures of the executions at `now`, and the badges of those who are suspended."""
    today = now.date()
    month = _month(now)
    used_today = DailyUse.objects.filter(day=today)
    month = replace(month, learners=_badged(month.learners, badges))
    used_by_all = DailyUse.objects.filter(who="", day__gte=today - timedelta(days=1))
    cpu_seconds = dict(used_by_all.values_list("day").annotate(Sum("cpu_seconds")))
    return Activity(
        month=month,
        cpu_seconds_today=cpu_seconds.get(today, 0.0),
        cpu_seconds_yesterday=cpu_seconds.get(today - timedelta(days=1), 0.0),
        interrupted_today=_today(Execution.Status.INTERNAL_ERROR, today).filter(finished=None).count(),
        flags_today=ExecutionFlag.objects.filter(execution__gte=Subquery(_first_id(today))).count(),
        noticed=noticed_figures(now, badges),
        learners_today=_badged(_top_learners(used_today), badges),
    )


def _month(now: datetime) -> Month:
    """Return the counts of the thirty days, at most KEPT_SECONDS old."""
    name = f"dashboard-{now.date()}"
    try:
        kept: Month | None = cache.get(name)
        month = kept or count_month(now)
        if kept is None:
            cache.set(name, month, KEPT_SECONDS)
    except RedisError:  # the page says that it is away
        month = count_month(now)
    return month


def count_month(now: datetime) -> Month:
    """Count the executions of the thirty days up to `now`."""
    today = now.date()
    dates = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    counts = _count(dates, now)
    samples = _sample({day: counts[day].total for day in dates if counts[day].total})
    days = tuple(
        Day(
            day,
            counts[day],
            _spread([waited for waited, _ in samples[day] if waited is not None]),
            _spread([ran for _, ran in samples[day] if ran is not None]),
        )
        for day in dates
    )
    used = DailyUse.objects.filter(day__gte=dates[0], day__lte=today)
    return Month(now, days, counts[None], _top_learners(used))


def _count(dates: Iterable[date], now: datetime) -> dict[date | None, Counts]:
    """Return the counts of each day and, under None, those of yesterday up to this time of day."""
    found: dict[date | None, dict[str, int]] = defaultdict(dict)
    # One range of the index for each day: grouping by date would call a function for each row.
    ranges = [_of(day).annotate(day=Value(day.isoformat())) for day in dates]
    yesterday = now - timedelta(days=1)
    by_now = Execution.objects.filter(created__gte=_begin(yesterday.date()), created__lt=yesterday)
    ranges.append(by_now.annotate(day=Value("")))
    each = [one.order_by().values_list("day", "status").annotate(count=Count("*")) for one in ranges]
    for day, status, count in each[0].union(*each[1:], all=True):
        found[date.fromisoformat(day) if day else None][status] = count
    return {day: Counts(**found[day]) for day in (*dates, None)}


def _sample(totals: dict[date, int]) -> dict[date, list[tuple[float | None, float | None]]]:
    """Return the wait and run times of about SAMPLE_ROWS executions of each day, or of all if there are fewer."""
    found: dict[date, list[tuple[float | None, float | None]]] = defaultdict(list)
    each = [
        _of(day)
        .annotate(day=Value(day.isoformat()), rest=F("id") % math.ceil(total / SAMPLE_ROWS))
        .filter(rest=0, execution_time__isnull=False)
        .order_by()
        .values_list("day", "waited_seconds", "execution_time")
        for day, total in totals.items()
    ]
    for day, waited, ran in each[0].union(*each[1:], all=True) if each else ():
        found[date.fromisoformat(day)].append((waited, ran))
    return found


def _spread(seconds: list[float]) -> Spread | None:
    if len(seconds) < 2:
        return Spread(seconds[0], seconds[0]) if seconds else None
    twentieths = quantiles(seconds, n=20, method="inclusive")
    return Spread(twentieths[9], twentieths[18])


def _top_learners(used: QuerySet[DailyUse]) -> tuple[LearnerUse, ...]:
    """Return who used the most CPU time, leaving out those who used none."""
    rows = (
        used.exclude(who="")
        .values_list("family", "who")
        .annotate(Sum("executions"), cpu=Sum("cpu_seconds"))
        .filter(cpu__gt=0)
        .order_by("-cpu", "who")[:TOP_LEARNERS]
    )
    names = names_of_families(family for family, *_ in rows)
    uses = []
    for family, who, executions, cpu_seconds in rows:
        kind, _, name = who.partition(":")
        uses.append(
            LearnerUse(kind, name, family, names.get(family, ""), executions, cpu_seconds, cpu_seconds / rows[0][3])
        )
    return tuple(uses)


def _badged(learners: Iterable[LearnerUse], badges: Badges) -> tuple[LearnerUse, ...]:
    """Return `learners` with the badges of those who are suspended, which are never cached."""
    return tuple(
        replace(
            each,
            badge=badges.of_learner(each.family, each.name)
            if each.kind == LEARNER
            else badges.of_address(each.name if each.name != "unknown" else None),
        )
        for each in learners
    )


def _first_id(day: date) -> QuerySet[Execution, int]:
    return Execution.objects.filter(created__gte=_begin(day)).order_by("created").values_list("id", flat=True)[:1]


def _today(status: str, today: date) -> QuerySet[Execution]:
    return Execution.objects.filter(created__gte=_begin(today), status=status)


def _of(day: date) -> QuerySet[Execution]:
    return Execution.objects.filter(created__gte=_begin(day), created__lt=_begin(day + timedelta(days=1)))


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
