"""Who calls, and whether staff have suspended the caller's key, address or learner.

Suspensions are looked up for each request, so the queries are written as SQL, as in `apikeys.authentication`.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from apikeys.limits import Refused
from apikeys.models import ApiKey
from apikeys.shares import names_of
from web.connection import address_block
from web.sentences import INVALID_KEY, SUSPENDED

ACTIVE_SUSPENSION = (
    " FROM apikeys_suspension s LEFT JOIN apikeys_apikey k ON k.id = s.key_id"
    " WHERE s.lifted IS NULL AND (s.ends IS NULL OR s.ends > %s)"
)
KEY_OR_ADDRESS = f"SELECT s.address{ACTIVE_SUSPENSION} AND s.learner = '' AND (k.family = %s OR s.address = %s)"
LEARNER_SUSPENSION = f"SELECT 1{ACTIVE_SUSPENSION} AND s.learner = %s AND k.family = %s LIMIT 1"


@dataclass(frozen=True, slots=True)
class Caller:
    """Takes the place of Django's user.

    `address` is the client's, None if it is unknown; `learner` is the one that a learner token is bound to.
    """

    key: ApiKey
    address: str | None
    learner: str | None = None

    is_authenticated = True

    @property
    def is_server(self) -> bool:
        """Whether this is a server of the site, which holds the secret key itself."""
        return self.key.kind == ApiKey.Kind.SECRET and self.learner is None

    def names(self, claimed_learner: str) -> tuple[str, ...]:
        """Return the names that use is counted under, the widest first (`apikeys.shares.names_of`).

        A server knows its learners, and a token is bound to one.
        """
        learner = claimed_learner if self.learner is None else self.learner
        return names_of(learner, self.address, is_proven=self.key.proves_learners)

    def counted_as(self, claimed_learner: str) -> str:
        """Return the widest of these names: the learner's if it can be trusted, else the address."""
        return self.names(claimed_learner)[0]


def refuse_suspended(caller: Caller) -> None:
    """Refuse a key whose family is suspended, as if it did not exist, and a suspended address. Raises Refused."""
    block = address_block(caller.address) if caller.address else None
    with connection.cursor() as cursor:
        cursor.execute(KEY_OR_ADDRESS, (_now(), caller.key.family_in_sql(), block))
        found = [suspended_address for (suspended_address,) in cursor.fetchall()]
    if None in found:
        raise Refused("invalid_key", INVALID_KEY)
    if found:
        raise Refused("suspended", SUSPENDED)


def refuse_suspended_learner(key: ApiKey, learner: str) -> None:
    """Refuse a learner who is suspended for the key's family. Raises Refused.

    Not one that a page only claims: somebody else of that name may be meant.
    """
    if not (learner and key.proves_learners):
        return
    with connection.cursor() as cursor:
        cursor.execute(LEARNER_SUSPENSION, (_now(), learner, key.family_in_sql()))
        if cursor.fetchone() is not None:
            raise Refused("suspended", SUSPENDED)


def _now() -> Any:
    return connection.ops.adapt_datetimefield_value(timezone.now())
