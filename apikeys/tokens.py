"""The tokens that callers send in `X-API-Key`: those of keys, and those of learners.

A key's token is `pl_<live|test>_<pub|sec>_`, 160 random bits in base62, and a checksum. Only its plain SHA-256 is
stored: 160 random bits cannot be guessed, so a slower hash is not needed, and one keyed with SECRET_KEY would be lost
when SECRET_KEY is rotated. The checksum lets us refuse mistyped and random tokens without a query. The prefix lets
scanners find tokens that were published by mistake.

A learner token is minted by a server of the site with its secret key, for one learner's page. It is signed, not stored.
It contains the key, the learner and its expiry, counts against the limits of the key that minted it and ends with it.
So a page need not contain a key.
"""

import hashlib
import re
import secrets
import string
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core import signing

from apikeys.models import ApiKey

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_BITS = 160
SECRET_LENGTH = 27  # 62 ** 27 > 2 ** 160
CHECKSUM_LENGTH = 6  # 62 ** 6 > 2 ** 32
SHOWN_LENGTH = 4
KIND_WORDS = {"publishable": "pub", "secret": "sec"}
TOKEN_PATTERN = re.compile(
    rf"(pl_(?:live|test)_(?:pub|sec)_[0-9A-Za-z]{{{SECRET_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)

LEARNER_PREFIX = "pl_learner_"
LEARNER_SALT = "apikeys.learner_tokens"
LONGEST_LEARNER_TOKEN = 2560
SHORTEST_LIFETIME_SECONDS = 60
LONGEST_LIFETIME_SECONDS = 60 * 60
DEFAULT_LIFETIME_SECONDS = 15 * 60


def generate_token(kind: str, environment: str = "live") -> str:
    """Return a new token for a key of `kind`, "publishable" or "secret", in `environment`, "live" or "test"."""
    body = f"pl_{environment}_{KIND_WORDS[kind]}_{_base62(secrets.randbits(SECRET_BITS), SECRET_LENGTH)}"
    return body + checksum(body)


def is_well_formed(token: str) -> bool:
    """Return whether `generate_token` can have returned `token`."""
    match = TOKEN_PATTERN.fullmatch(token)
    return match is not None and match[2] == checksum(match[1])


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token in hexadecimal, as it is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def visible_prefix(token: str) -> str:
    """Return the beginning of a token, by which staff recognize it: its kind and four random characters."""
    return token[: token.rindex("_") + 1 + SHOWN_LENGTH]


def environment_of(prefix: str) -> str:
    """Return the environment in a token or its visible prefix. API_KEY and the playground are "live"."""
    return "test" if prefix.startswith("pl_test_") else "live"


@dataclass(frozen=True, slots=True)
class LearnerToken:
    """What a learner token says: the id of the key that minted it, the learner it is for, and when it expires."""

    key_id: int
    learner: str
    ends: datetime

    def __str__(self) -> str:
        """Return the token as it is sent."""
        said = [self.key_id, self.learner, int(self.ends.timestamp())]
        return LEARNER_PREFIX + signing.dumps(said, salt=LEARNER_SALT)


def mint_learner_token(key: ApiKey, learner: str, lifetime_seconds: int) -> LearnerToken:
    """Return a token for `learner`."""
    return LearnerToken(key.pk, learner, datetime.fromtimestamp(int(time.time()) + lifetime_seconds, UTC))


def read_learner_token(token: str) -> LearnerToken | None:
    """Return what `token` says, or None if we have not signed it or it has expired. Makes no query."""
    if not token.startswith(LEARNER_PREFIX) or len(token) > LONGEST_LEARNER_TOKEN:
        return None
    try:
        key_id, learner, ends = signing.loads(token.removeprefix(LEARNER_PREFIX), salt=LEARNER_SALT)
    except signing.BadSignature:
        return None
    return LearnerToken(key_id, learner, datetime.fromtimestamp(ends, UTC)) if time.time() < ends else None


def checksum(body: str) -> str:
    """Return the checksum at the end of a token that begins with `body`."""
    return _base62(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
