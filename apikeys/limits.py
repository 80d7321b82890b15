"""The limits of a key and its learners: how often they may call, what may run in a day and at once, and the refusal.

Rates limit requests, which django-ratelimit counts in the shared cache before their bodies are validated.

Quotas limit what a family of keys runs, which is counted in the database. A quota is checked when an execution begins,
under a lock, with running executions counted as used; it is charged when the execution ends, with its record. So
nothing is ever refunded: requests that were refused, failures of our own and executions that died with their process
were never charged.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django_ratelimit.core import get_usage

from apikeys.models import ApiKey, DailyUse
from web.notation import parse_rate

UNAVAILABLE = "unavailable"
"""The code of a refusal that is not the caller's fault."""

INPUT_RATE = "300/m"
"""How often one learner or address may send input to running programs, which do not count against the key's rate."""

ALL = ""
"""The `who` of the row that counts a whole family."""

DAY_SECONDS = 24 * 60 * 60

# Needed for each request, so written as SQL (see `apikeys.authentication`).
ROWS = " FROM apikeys_dailyuse WHERE family = %s AND day = %s AND who IN (%s, %s)"
CHARGE = (
    "UPDATE apikeys_dailyuse SET executions = executions + 1, cpu_seconds = cpu_seconds + %s"
    " WHERE family = %s AND day = %s AND who = %s"
)


@dataclass(frozen=True, slots=True)
class LimitUse:
    """What is left of one limit, in the terms of the RateLimit header fields.

    (IETF draft-ietf-httpapi-ratelimit-headers-10.) `window_seconds` is None for what is counted at one moment.
    """

    name: str
    limit: int
    remaining: int
    seconds_left: int
    window_seconds: int | None
    unit: str = "requests"

    def field(self) -> str:
        """Return its item of the `RateLimit` header field."""
        return f'"{self.name}";r={max(0, self.remaining)};t={self.seconds_left}'

    def policy(self) -> str:
        """Return its item of the `RateLimit-Policy` header field."""
        window = "" if self.window_seconds is None else f";w={self.window_seconds}"
        unit = "" if self.unit == "requests" else f';qu="{self.unit}"'
        return f'"{self.name}";q={self.limit}{window}{unit}'


class Refused(Exception):
    """A request is not admitted; nothing has run or been recorded.

    `code` and `sentence` are those of the answer. With `UNAVAILABLE`, which is not the caller's fault, the sentence is
    only logged. `use` is the limit that is used up, with the seconds until it resets; None for any other reason.
    """

    def __init__(self, code: str, sentence: str, use: LimitUse | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.use = use


def count_execution(key: ApiKey, who: str) -> list[LimitUse]:
    """Count a request to run a program, for `who` and then for the key. Return what is left. Raises Refused.

    Refused learners do not use up the key's rate: else a learner in a loop could spend the site's share.
    """
    uses = []
    if key.learner_rate:
        uses.append(_count_learner("learner", f"{key.family}:{who}", key.learner_rate))
    return [*uses, count_request(key, "execute")]


def count_request(key: ApiKey, group: str) -> LimitUse:
    """Count a request against the key's rate among those of its `group`. Raises Refused."""
    use = _count(group, "key", str(key.family), key.rate)
    if use.remaining < 0:
        raise Refused("rate_limited", "This API key has made too many requests.", use)
    return use


def count_input(key: ApiKey, who: str) -> LimitUse:
    """Count input that `who` sends to a running program. Raises Refused."""
    return _count_learner("input", f"{key.family}:{who}", INPUT_RATE)


def _count_learner(name: str, counted: str, rate: str) -> LimitUse:
    use = _count(name, name, counted, rate)
    if use.remaining < 0:
        raise Refused("learner_rate_limited", "This learner has made too many requests.", use)
    return use


def _count(group: str, name: str, counted: str, rate: str) -> LimitUse:
    """Count one more request of `counted`: one too many if `remaining` is negative. Raises Refused without a cache."""
    used = get_usage(None, group=group, key=lambda group, request: counted, rate=rate, increment=True)
    limit, window_seconds = parse_rate(rate)
    if used is None or used["limit"] != limit:  # its sign that the cache did not answer
        raise Refused(UNAVAILABLE, "the cache did not count a request")
    return LimitUse(name, limit, limit - used["count"], max(1, used["time_left"]), window_seconds)


@dataclass(frozen=True, slots=True)
class Account:
    """Whose use is counted, and on which day: the day on which the execution began."""

    key: ApiKey
    who: str
    day: date

    @classmethod
    def today(cls, key: ApiKey, who: str) -> "Account":
        """Return the account of `who` for an execution that begins now."""
        return cls(key, who, timezone.now().date())


@dataclass(frozen=True, slots=True)
class Use:
    """What a family, and one learner or address of it, has used on a day."""

    executions: int
    cpu_seconds: float
    own_cpu_seconds: float


def lock_use(account: Account) -> Use:
    """Return what has been used. Until the transaction ends, no other execution of the family begins or ends."""
    found = _locked_rows(account)
    if len(found) < 2:
        missing = [DailyUse(family=account.key.family, day=account.day, who=who) for who in (ALL, account.who)]
        DailyUse.objects.bulk_create(missing, ignore_conflicts=True)
        found = _locked_rows(account)
    (executions, cpu_seconds), (_, own_cpu_seconds) = found[ALL], found[account.who]
    return Use(executions, cpu_seconds, own_cpu_seconds)


def _locked_rows(account: Account) -> dict[str, tuple[int, float]]:
    """Return executions and CPU seconds by `who`. Locked in one order, so that no two requests deadlock."""
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT who, executions, cpu_seconds{ROWS} ORDER BY who{lock}", (*_row(account), ALL, account.who)
        )
        return {who: (executions, cpu_seconds) for who, executions, cpu_seconds in cursor.fetchall()}


def _row(account: Account) -> tuple[Any, Any]:
    return account.key.family_in_sql(), connection.ops.adapt_datefield_value(account.day)


def check_quotas(account: Account, use: Use, running: int) -> None:
    """Raise Refused if nothing more may run. `running` is how many executions of the family run now.

    Count `running` after `lock_use`. CPU time is known only at the end, so running executions may still overdraw it.
    """
    key = account.key
    if running >= key.max_concurrent:
        at_once = LimitUse("concurrent", key.max_concurrent, 0, 1, None, "concurrent-requests")
        sentence = f"This API key is running {key.max_concurrent} programs already."
        raise Refused("concurrency_limited", sentence, at_once)
    seconds_left = _seconds_left(account.day)
    if use.executions + running >= key.executions_per_day:
        executions = LimitUse("executions", key.executions_per_day, 0, seconds_left, DAY_SECONDS)
        sentence = f"This API key has used up the {key.executions_per_day} executions of its day (UTC)."
        raise Refused("executions_used_up", sentence, executions)
    if use.cpu_seconds >= key.cpu_seconds_per_day:
        cpu = LimitUse("cpu", key.cpu_seconds_per_day, 0, seconds_left, DAY_SECONDS, "cpu-seconds")
        sentence = f"This API key has used up the {key.cpu_seconds_per_day} CPU seconds of its day (UTC)."
        raise Refused("cpu_used_up", sentence, cpu)


def charge(account: Account, cpu_seconds: float) -> None:
    """Count one execution that has run, in the transaction that records its end."""
    with connection.cursor() as cursor:
        for who in (ALL, account.who):  # in the order of `lock_use`
            cursor.execute(CHARGE, (cpu_seconds, *_row(account), who))


def _seconds_left(day: date) -> int:
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    return max(1, int((end - timezone.now()).total_seconds()))
