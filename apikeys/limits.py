"""The limits of a key and its learners: what is left of each, how often a key may be used, and the refusal.

Requests are counted by django-ratelimit in the shared cache. What may run in a day and at once is in `apikeys.quotas`.
"""

from dataclasses import dataclass

from django_ratelimit.core import get_usage

from apikeys.models import ApiKey
from web.notation import parse_rate

UNAVAILABLE = "unavailable"
"""The code of a refusal that is not the caller's fault."""

INPUT_RATE = "300/m"
"""How often one learner or address may send input to running programs, which do not count against the key's rate."""


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
