"""How often a key may be used, by all and by each learner: counted by django-ratelimit in the shared cache."""

from django_ratelimit.core import get_usage

from apikeys.callers import Caller
from apikeys.limits import UNAVAILABLE, LimitUse, Refused
from web.notation import parse_rate

INPUT_RATE = "300/m"
"""Input for running programs, of one learner or address. The programs themselves count against the rates of the key."""


def count_execution(caller: Caller, who: str) -> list[LimitUse]:
    """Count a request to run a program, for `who` and then for the key. Return what is left. Raises Refused.

    Refused learners do not use up the key's rate: else a learner in a loop could spend the site's share.
    """
    key = caller.key
    uses = []
    if key.learner_rate:
        uses.append(_count_learner("learner", f"{key.family}:{who}", key.learner_rate))
    return [*uses, count_request(caller, "execute")]


def count_request(caller: Caller, group: str) -> LimitUse:
    """Count a request against the key's rate among those of its `group`. Raises Refused."""
    use = _count(group, "key", str(caller.key.family), caller.key.rate)
    if use.remaining < 0:
        raise Refused("rate_limited", "This API key has made too many requests.", use)
    return use


def count_input(caller: Caller, who: str) -> LimitUse:
    """Count input that `who` sends to a running program. Raises Refused."""
    return _count_learner("input", f"{caller.key.family}:{who}", INPUT_RATE)


def _count_learner(name: str, counted: str, rate: str) -> LimitUse:
    use = _count(name, name, counted, rate)
    if use.remaining < 0:
        raise Refused("learner_rate_limited", "This learner has made too many requests.", use)
    return use


def _count(group: str, name: str, counted: str, rate: str) -> LimitUse:
    """Count one more of `counted`. A negative rest means that it was too many. Raises Refused without a cache."""
    used = get_usage(None, group=group, key=lambda group, request: counted, rate=rate, increment=True)
    limit, window_seconds = parse_rate(rate)
    if used is None or used["limit"] != limit:  # this is how it shows that the cache did not answer
        raise Refused(UNAVAILABLE, "the cache did not count a request")
    return LimitUse(name, limit, limit - used["count"], max(1, used["time_left"]), window_seconds)
