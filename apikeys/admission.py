"""Whom staff have shut out: keys, addresses and learners. Asked for each request, so in SQL that is ready made.

(Django takes longer to make these queries than a database to answer them; benchmarks/ would tell.)
"""

from enum import StrEnum
from typing import Any

from django.db import connection
from django.utils import timezone

from apikeys.models import ApiKey
from web.client_address import address_block

HOLDS = (
    " FROM apikeys_suspension s LEFT JOIN apikeys_apikey k ON k.id = s.key_id"
    " WHERE s.lifted IS NULL AND (s.ends IS NULL OR s.ends > %s)"
)
KEY_OR_ADDRESS = f"SELECT s.address{HOLDS} AND s.learner = '' AND (k.family = %s OR s.address = %s)"
LEARNER = f"SELECT 1{HOLDS} AND s.learner = %s AND k.family = %s LIMIT 1"


class ShutOut(StrEnum):
    """What is suspended."""

    KEY = "key"
    ADDRESS = "address"


def who_is_shut_out(key: ApiKey, address: str | None) -> ShutOut | None:
    """Return whether staff have suspended the key with its family, or this address for all keys; None for neither."""
    with connection.cursor() as cursor:
        cursor.execute(KEY_OR_ADDRESS, (_now(), key.family_in_sql(), address_block(address) if address else None))
        found = [suspended_address for (suspended_address,) in cursor.fetchall()]
    if not found:
        return None
    return ShutOut.KEY if None in found else ShutOut.ADDRESS


def is_learner_shut_out(key: ApiKey, learner: str) -> bool:
    """Return whether staff have suspended this learner of the key's family."""
    if not learner:
        return False
    with connection.cursor() as cursor:
        cursor.execute(LEARNER, (_now(), learner, key.family_in_sql()))
        return cursor.fetchone() is not None


def _now() -> Any:
    return connection.ops.adapt_datetimefield_value(timezone.now())
