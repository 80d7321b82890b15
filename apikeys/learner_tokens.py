"""Learner tokens: a server of the site mints them with its secret key, and a page sends them in `X-API-Key`.

A token is signed, not stored. It contains the key, the learner and its expiry, counts against the limits of the key
that minted it and ends with it. So a page need not contain a key.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core import signing

from apikeys.models import ApiKey

PREFIX = "pl_learner_"
SALT = "apikeys.learner_tokens"
LONGEST_TOKEN = 2048
SHORTEST_LIFETIME_SECONDS = 60
LONGEST_LIFETIME_SECONDS = 60 * 60
DEFAULT_LIFETIME_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class LearnerToken:
    """What a token says: the id of the key that minted it, the learner it is for, and when it expires."""

    key_id: int
    learner: str
    ends: datetime

    def __str__(self) -> str:
        """Return the token as it is sent."""
        return PREFIX + signing.dumps([self.key_id, self.learner, int(self.ends.timestamp())], salt=SALT)


def mint(key: ApiKey, learner: str, lifetime_seconds: int) -> LearnerToken:
    """Return a token for `learner`."""
    return LearnerToken(key.pk, learner, datetime.fromtimestamp(int(time.time()) + lifetime_seconds, UTC))


def read(token: str) -> LearnerToken | None:
    """Return what `token` says, or None if we have not signed it or it has expired. Makes no query."""
    if not token.startswith(PREFIX) or len(token) > LONGEST_TOKEN:
        return None
    try:
        key_id, learner, ends = signing.loads(token.removeprefix(PREFIX), salt=SALT)
    except signing.BadSignature:
        return None
    return LearnerToken(key_id, learner, datetime.fromtimestamp(ends, UTC)) if time.time() < ends else None
