"""How often a key may be used, by all and by each learner: counted by django-ratelimit in the shared cache."""

from django.http import HttpRequest
from django_ratelimit.core import get_usage

from apikeys.callers import Caller
from apikeys.limits import LimitReached, LimitUse
from web.notation import parse_rate

INPUT_RATE = "300/m"
"""Answers to programs, of one learner or address. The programs themselves count against the rates of the key."""


class NotCounted(Exception):
    """The cache did not count the request, so that nobody knows whether it is within the rate."""


def count_execution(request: HttpRequest, caller: Caller, who: str) -> list[LimitUse]:
    """Count a request to run a program, for `who` and then for the key. Return what is left.

    One who is refused costs the key nothing: else a learner in a loop could spend the site's share. Raises
    LimitReached or NotCounted.
    """
    key = caller.key
    uses = []
    if key.learner_rate:
        use = _count(request, "learner", "learner", f"{key.family}:{who}", key.learner_rate)
        if use.remaining < 0:
            raise LimitReached("learner_rate_limited", "This learner has made too many requests.", use)
        uses.append(use)
    return [*uses, count_request(request, caller, "execute")]


def count_request(request: HttpRequest, caller: Caller, group: str) -> LimitUse:
    """Count a request against the key's rate among those of its `group`. Raises LimitReached or NotCounted."""
    use = _count(request, group, "key", str(caller.key.family), caller.key.rate)
    if use.remaining < 0:
        raise LimitReached("rate_limited", "This API key has made too many requests.", use)
    return use


def count_input(request: HttpRequest, caller: Caller, who: str) -> LimitUse:
    """Count an answer of `who` to a program that runs. Raises LimitReached or NotCounted."""
    use = _count(request, "input", "input", f"{caller.key.family}:{who}", INPUT_RATE)
    if use.remaining < 0:
        raise LimitReached("learner_rate_limited", "This learner has made too many requests.", use)
    return use


def _count(request: HttpRequest, group: str, name: str, counted: str, rate: str) -> LimitUse:
    """Count one more of `counted`. A negative rest says that it was too many."""
    used = get_usage(request, group=group, key=lambda group, request: counted, rate=rate, increment=True)
    limit, window_seconds = parse_rate(rate)
    if used is None or used["limit"] != limit:  # so it tells that the cache did not answer
        raise NotCounted
    return LimitUse(name, limit, limit - used["count"], max(1, used["time_left"]), window_seconds)
