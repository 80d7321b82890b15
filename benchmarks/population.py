"""Fills an empty database with the executions of sixty days of lessons, some of them hostile."""

import hashlib
import ipaddress
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, cast

from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.utils import timezone

from apikeys.keys import create_key
from apikeys.models import ApiKey, DailyUse, KeyTraffic
from apikeys.traffic import KEPT, PERIOD, UNKNOWN, period_of
from executions.models import Attempt, Execution, ExecutionFlag
from executions.records.attempts import attempt_of
from executions.records.shape import shape_of

DAYS = 60
KEYS = 20
LEARNERS = 5_000
ADDRESSES = 2_000
TEXTS = 4_000
TEXTS_OF_AN_EXERCISE = 20
SIGNAL_SHARE = 0.01
BATCH_ROWS = 5_000
STAFF = "benchmark"

HOSTILE = (
    "print('</pre><script>alert(1)</script>')",
    "print('\u202e\u2066gnihton ot si siht\u2069 \x1b[31mred\x1b[0m \x1b]0;title\x07')",
    '=HYPERLINK("http://attacker.example","result")',
    "x = '" + "\u0301" * 300 + "'",
    "'''" + "A" * 1_500 + "'''",
)
WORDS = "total count name price learner score list item value result index text number lesson answer word".split()
STATUSES = {
    Execution.Status.SUCCESS: 700,
    Execution.Status.ERROR: 212,
    Execution.Status.TIMEOUT: 40,
    Execution.Status.MEMORY_LIMIT: 10,
    Execution.Status.OUTPUT_LIMIT: 8,
    Execution.Status.REFUSED: 24,
    Execution.Status.INTERNAL_ERROR: 6,
}
NOT_CHARGED = {Execution.Status.REFUSED, Execution.Status.INTERNAL_ERROR}
TESTS = [{"input": "add(5, 3)", "expected_output": "8", "code": "", "name": "adds", "match": "exact", "hidden": False}]
RESULTS = [{"passed": True, "message": "✅ Test passed: add(5, 3) -> Expected: 8", "input": "add(5, 3)"}]
MISTAKE = {"type": "NameError", "message": "name 'nmae' is not defined", "line": None}


def populate(rows: int, traffic_days: int = KEPT.days) -> None:
    """Create keys, a superuser, `rows` executions, their flags and daily use, and `traffic_days` of counted requests.

    Each call creates the same data.
    """
    chance = random.Random(3)
    User.objects.create_superuser(STAFF)
    keys = _keys()
    use: dict[tuple[uuid.UUID, date, str], list[float]] = defaultdict(lambda: [0, 0.0])
    flags: list[dict[str, Any]] = []
    shapes: dict[str, int] = {}
    for batch in _batches(_executions(chance, rows, keys)):
        for row in batch:
            _charge(row, keys, use)
            if chance.random() < SIGNAL_SHARE:
                flags.append({"execution_id": row["id"], "kind": chance.choice(ExecutionFlag.Kind.values)})
        _insert(Execution, batch)
        _insert(Attempt, [_attempt(row, shapes) for row in batch if row["status"] not in NOT_CHARGED])
    for some in _batches(flags):
        _insert(ExecutionFlag, some)
    used = (
        {"family": family, "day": day, "who": who, "executions": count, "cpu_seconds": seconds}
        for (family, day, who), (count, seconds) in use.items()
    )
    for each in _batches(used):
        _insert(DailyUse, each)
    for each in _batches(_traffic(keys, traffic_days)):
        _insert(KeyTraffic, each)
    _settle()


def _keys() -> dict[int, ApiKey]:
    keys = (
        create_key(f"School {number}", "secret" if number % 4 == 0 else "publishable", ["https://pylearn.net"])[0]
        for number in range(KEYS)
    )
    return {key.pk: key for key in keys}


def _traffic(keys: Iterable[int], days: int) -> Iterator[dict[str, Any]]:
    """Yield as many rows of requests as there can be in the days: of each key, in each period, answered and refused."""
    newest = period_of(timezone.now())
    for ago in range(timedelta(days=days) // PERIOD):
        for number in (UNKNOWN, *keys):
            for reason, requests in ("", 100), ("learner_rate_limited", 5), ("suspended", 1):
                yield {
                    "begins": newest - ago * PERIOD,
                    "key_number": number,
                    "reason": reason,
                    "requests": requests,
                }


def _executions(chance: random.Random, rows: int, keys: Mapping[int, ApiKey]) -> Iterator[dict[str, Any]]:
    """Yield each execution's values, the oldest first."""
    codes = [_code(chance, number) for number in range(TEXTS)]
    hashes = [hashlib.sha256(code.encode()).hexdigest() for code in codes]
    statuses = [str(status) for status in chance.choices(list(STATUSES), list(STATUSES.values()), k=rows)]
    key_ids = list(keys)
    for number, created in enumerate(_times(chance, rows)):
        text = int(TEXTS * chance.random() ** 3)  # everybody runs the first lessons
        learner = int(LEARNERS * chance.random() ** 2)
        row = {
            "id": number + 1,
            "public_id": _uuid7(chance, created),
            "status": statuses[number],
            "code": codes[text],
            "code_hash": hashes[text],
            "timeout": 5,
            "key_id": key_ids[int(KEYS * (learner / LEARNERS) ** 2)],
            "learner": f"learner-{learner:05}" if learner % 8 else "",
            "exercise": f"lesson-{text // TEXTS_OF_AN_EXERCISE:03}",
            "origin": "https://pylearn.net",
            "client_address": str(ipaddress.IPv4Address(0xCB000000 + (learner * 7919) % ADDRESSES)),
            "created": created,
        }
        yield row | _outcome(chance, row)


def _times(chance: random.Random, rows: int) -> Iterator[datetime]:
    """Yield the time of each request: lessons are in the daytime, with fewer at weekends."""
    now = timezone.now()
    today = datetime.combine(now.date(), datetime.min.time(), UTC)
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    weights = [0.4 if day.weekday() >= 5 else 1.0 for day in days]
    passed_seconds = (now - today).total_seconds()
    counts = Counter(chance.choices(days, weights, k=rows))
    for day in days:
        length_seconds = passed_seconds if day == today else 86_400
        yield from (
            day + timedelta(seconds=seconds)
            for seconds in sorted(chance.betavariate(4, 3) * length_seconds for _ in range(counts[day]))
        )


def _outcome(chance: random.Random, row: Mapping[str, Any]) -> dict[str, Any]:
    status = row["status"]
    finished = row["created"] + timedelta(milliseconds=20)
    if status in NOT_CHARGED:
        return {"error": "Nothing ran: the service was busy or unavailable.", "finished": finished}
    waited_seconds = chance.expovariate(1 / 0.004)
    seconds = 5.0 if status == Execution.Status.TIMEOUT else min(chance.lognormvariate(-4, 1.2), 4.9)
    cpu_seconds = seconds / 4 if status == Execution.Status.TIMEOUT else seconds * 0.6
    tested = chance.random() < 0.3
    printed = str(int(40 * chance.random() ** 3))
    failed = {
        "passed": False,
        "actual_output": printed,
        "diff": f"Line 1 differs:\n  expected: 8\n  printed:  {printed}",
    }
    return {
        "output": (" ".join(chance.choices(WORDS, k=3)) + "\n") * chance.choice((1, 1, 1, 3, 20)),
        "error": "" if status == Execution.Status.SUCCESS else "Traceback (most recent call last):\nNameError: nmae",
        "test_cases": TESTS if tested else None,
        "test_results": (RESULTS if printed == "8" else [failed]) if tested else None,
        "error_detail": MISTAKE if status == Execution.Status.ERROR else None,
        "exit_code": 0 if status == Execution.Status.SUCCESS else 1,
        "waited_seconds": waited_seconds,
        "execution_time": seconds,
        "cpu_time": cpu_seconds,
        "total_cpu_seconds": cpu_seconds * (2 if tested else 1),
        "memory_peak_kb": chance.randrange(9_000, 60_000),
        "finished": finished + timedelta(seconds=waited_seconds + seconds),
    }


def _attempt(row: Mapping[str, Any], shapes: dict[str, int]) -> dict[str, Any]:
    """Return the attempt that an execution was. `shapes` remembers those of the programs."""
    own = {name: row[name] for name in ("id", "exercise", "learner", "client_address", "test_cases")}
    attempt = attempt_of(Execution(**own), row)
    assert attempt is not None
    columns = {field.attname: getattr(attempt, field.attname) for field in Attempt._meta.concrete_fields}
    if (code := row["code"]) not in shapes:
        shapes[code] = shape_of(code)
    return columns | {"shape": shapes[code]}


def _code(chance: random.Random, number: int) -> str:
    """Return a program of 200 to about 2,000 bytes. One in a hundred is hostile."""
    length = chance.randrange(200, 2_000)
    lines = [f"# exercise {number}"]
    while sum(map(len, lines)) < length:
        first, second, third = chance.choices(WORDS, k=3)
        lines.append(f"{first} = {second!r} + str({chance.randrange(1000)})  # the {third} of {second}")
    if number % 100 == 7:
        lines.insert(1, HOSTILE[number // 100 % len(HOSTILE)])
    return "\n".join(lines)


def _uuid7(chance: random.Random, created: datetime) -> uuid.UUID:
    milliseconds = int(created.timestamp() * 1000)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | chance.getrandbits(76) & ~(0x3 << 62) | 0x2 << 62)


def _charge(row: Mapping[str, Any], keys: Mapping[int, ApiKey], use: dict[Any, list[float]]) -> None:
    if row["status"] in NOT_CHARGED:
        return
    who = f"learner:{row['learner']}" if row["learner"] else f"address:{row['client_address']}"
    for name in ("", who):
        entry = use[keys[row["key_id"]].family, row["created"].date(), name]
        entry[0] += 1
        entry[1] += row["total_cpu_seconds"]


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    left = iter(rows)
    while batch := list(islice(left, BATCH_ROWS)):
        yield batch


def _insert(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in one transaction, without a model instance for each. Missing values get the field's default."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key or field.attname in rows[0]]
    defaults = {field.attname: field.get_default() for field in fields}
    columns = ", ".join(f'"{field.column}"' for field in fields)
    statement = f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({", ".join(["%s"] * len(fields))})'
    values = [[_adapted(field, row.get(field.attname, defaults[field.attname])) for field in fields] for row in rows]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(statement, values)


def _adapted(field: "models.Field[Any, Any]", value: Any) -> Any:
    """Return `value` as the database needs it. Most values need no conversion, so skip it for them."""
    return value if type(value) in (str, int, float, bool) else field.get_db_prep_save(value, connection)


def _settle() -> None:
    """Do the maintenance that would have happened over weeks: PostgreSQL vacuums by itself, SQLite does not."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Execution]):
            cursor.execute(statement)
        if connection.vendor == "postgresql":
            cast(Any, connection).lift_time_limits()
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()  # the next connection has its time limits again
