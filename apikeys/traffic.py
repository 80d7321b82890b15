"""Counts the requests of each key, and why they are refused, for `/metrics` and for staff.

An attacker can be refused any number of times. So a request is only counted in memory, and every few seconds a thread
adds the sums to one row for each key, reason and period. All tokens that belong to no key are counted together.
"""

import logging
import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import prometheus_client
from django.apps import apps
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import F
from django.utils import timezone

from apikeys.models import ApiKey, KeyTraffic

if TYPE_CHECKING:
    from apikeys.apps import ApiKeysConfig

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


class Traffic:
    """What one process counts. For many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: Counter[tuple[datetime, int, str]] = Counter()
        self._cleaned: datetime | None = None
        """The period in which old rows were last deleted."""

    def count(self, key: ApiKey | None, reason: str) -> None:
        """Count a request with a token of `key`, None if it belongs to none. `reason` is "" unless it was refused."""
        if key is None and not reason:  # it was not even asked for its key
            return
        KEY_REQUESTS.labels("unknown" if key is None else key.prefix, reason).inc()
        with self._lock:
            self._counted[period_of(timezone.now()), UNKNOWN if key is None else key.pk, reason] += 1

    def write(self) -> None:
        """Add to the database what has been counted since the last time, and delete what is older than KEPT.

        If the database fails, the counts wait for the next time.
        """
        waiting = self.take()
        try:
            for (begins, number, reason), requests in sorted(waiting.items()):
                _add(begins, number, reason, requests)
                del waiting[begins, number, reason]
            self._delete_old()
        except (DatabaseError, InterfaceError) as error:
            log.warning("cannot record the requests of keys yet: %s", error)
        finally:
            with self._lock:
                self._counted.update(waiting)

    def write_and_disconnect(self) -> None:
        """Do so in a thread of its own."""
        try:
            self.write()
        finally:
            connection.close()

    def take(self) -> Counter[tuple[datetime, int, str]]:
        """Return what has been counted and not written, by period, number of the key and reason; and forget it."""
        with self._lock:
            taken = self._counted.copy()
            self._counted.clear()
        return taken

    def _delete_old(self) -> None:
        """Delete old rows, once in each period."""
        if self._cleaned != (period := period_of(timezone.now())):
            KeyTraffic.objects.filter(begins__lt=period - KEPT).delete()
            self._cleaned = period


def get_traffic() -> Traffic:
    """Return what this process counts; the app creates it."""
    return cast("ApiKeysConfig", apps.get_app_config("apikeys")).traffic


def period_of(moment: datetime) -> datetime:
    """Return when the period began that `moment` is in."""
    return moment - timedelta(minutes=moment.minute % 10, seconds=moment.second, microseconds=moment.microsecond)


def _add(begins: datetime, number: int, reason: str, requests: int) -> None:
    row = KeyTraffic.objects.filter(begins=begins, key_number=number, reason=reason)
    if not row.update(requests=F("requests") + requests):
        new = KeyTraffic(begins=begins, key_number=number, reason=reason, requests=0)
        KeyTraffic.objects.bulk_create([new], ignore_conflicts=True)  # another process may have been faster
        row.update(requests=F("requests") + requests)
