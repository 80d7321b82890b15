"""Counts the requests of each key, and why they are refused, for `/metrics` and for staff.

An attacker can be refused any number of times. So a request is only counted in memory, and every few seconds a thread
adds the sums to one row for each key, reason and period. All tokens that belong to no key are counted together.
"""

import logging
import threading
from collections import Counter
from datetime import datetime, timedelta

import prometheus_client
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import F
from django.utils import timezone

from apikeys.models import ApiKey, KeyTraffic

PERIOD = timedelta(minutes=10)
KEPT = timedelta(days=31)
"""How long the rows are kept: staff see thirty days."""

WRITE_SECONDS = 5.0
REFUSED_STATUSES = (403, 429, 503)
UNKNOWN = 0
"""The number that stands for all tokens that belong to no key."""

KEY_REQUESTS = prometheus_client.Counter(
    "codeexec_key_requests",
    "API requests by the beginning of the key's token, and by the error's code if refused (403, 429 or 503).",
    ["key", "reason"],
)

log = logging.getLogger(__name__)

_lock = threading.Lock()
_counted: Counter[tuple[datetime, int, str]] = Counter()
_cleaned: datetime | None = None
"""The period in which old rows were last deleted."""


def count(key: ApiKey | None, reason: str) -> None:
    """Count a request with a token of `key`, None if it belongs to none. `reason` is "" unless it was refused."""
    if key is None and not reason:  # it was not even asked for its key
        return
    KEY_REQUESTS.labels("unknown" if key is None else key.prefix, reason).inc()
    with _lock:
        _counted[period_of(timezone.now()), UNKNOWN if key is None else key.pk, reason] += 1


def period_of(moment: datetime) -> datetime:
    """Return when the period began that `moment` is in."""
    return moment - timedelta(minutes=moment.minute % 10, seconds=moment.second, microseconds=moment.microsecond)


def write() -> None:
    """Add to the database what has been counted since the last time, and delete what is older than KEPT.

    If the database fails, the counts wait for the next time.
    """
    waiting = take()
    try:
        for (begins, number, reason), requests in sorted(waiting.items()):
            _add(begins, number, reason, requests)
            del waiting[begins, number, reason]
        _delete_old()
    except (DatabaseError, InterfaceError) as error:
        log.warning("cannot record the requests of keys yet: %s", error)
    finally:
        with _lock:
            _counted.update(waiting)


def write_and_disconnect() -> None:
    """Do so in a thread of its own."""
    try:
        write()
    finally:
        connection.close()


def take() -> Counter[tuple[datetime, int, str]]:
    """Return what has been counted and not written, by period, number of the key and reason; and forget it."""
    with _lock:
        taken = _counted.copy()
        _counted.clear()
    return taken


def _add(begins: datetime, number: int, reason: str, requests: int) -> None:
    row = KeyTraffic.objects.filter(begins=begins, key_number=number, reason=reason)
    if not row.update(requests=F("requests") + requests):
        new = KeyTraffic(begins=begins, key_number=number, reason=reason, requests=0)
        KeyTraffic.objects.bulk_create([new], ignore_conflicts=True)  # another process may have been faster
        row.update(requests=F("requests") + requests)


def _delete_old() -> None:
    """Delete old rows, once in each period."""
    global _cleaned
    if _cleaned != (period := period_of(timezone.now())):
        KeyTraffic.objects.filter(begins__lt=period - KEPT).delete()
        _cleaned = period
