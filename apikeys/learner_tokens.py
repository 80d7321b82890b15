"""Learner tokens: a server of the site mints them with its secret key, and a page sends them in `X-API-Key`.

A token is signed, not stored: it holds the key, the learner and its own end. It works under the limits of the key that
minted it and ends with it; so a page need not hold a key at all.
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
    """What a token says: for whom it was minted, with which key (its id), and when it ends."""

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
    """Return what `token` says; None if we have not signed it, or if it has ended. Makes no query."""
    if not token.startswith(PREFIX) or len(token) > LONGEST_TOKEN:
        return None
    try:
        key_id, learner, ends = signing.loads(token.removeprefix(PREFIX), salt=SALT)
    except signing.BadSignature:
        return None
    return LearnerToken(key_id, learner, datetime.fromtimestamp(ends, UTC)) if time.time() < ends else None
