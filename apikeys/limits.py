"""The refusal, the limit that it names, and the rates: how often a key, its learners and addresses may call.

django-ratelimit counts requests in the shared cache, before their bodies are validated. What may run is limited by
`apikeys/quotas.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django_ratelimit.core import get_usage

from apikeys.models import ApiKey
from apikeys.shares import ADDRESS, kind_of, share_of_count, speaks_for_all
from web.notation import parse_rate

INPUT_RATE = "3000/m"
"""How often one learner or address, perhaps a class, may send input to running programs, which does not count against
the key's rate."""

UNDIVIDED_REQUESTS = 10
"""Rates up to this are not divided."""

REASONS = {
    "key": ("rate_limited", "This API key has made too many requests."),
    "address": ("learner_rate_limited", "Many people at your address are running programs."),
    "learner": ("learner_rate_limited", "This learner has made too many requests."),
    "claimed": ("learner_rate_limited", "This learner has made too many requests."),
}
"""The code and the sentence of the refusal, by whose rate it is."""


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

    `code` and `sentence` are those of the answer. `use` is the limit that is used up, with the seconds until it resets;
    None for any other reason.
    """

    def __init__(self, code: str, sentence: str, use: LimitUse | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.use = use


class Unavailable(Refused):
    """A request is not admitted, which is not the caller's fault. The `reason` is only logged."""

    def __init__(self, reason: str) -> None:
        super().__init__("unavailable", reason)


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate of `counted` among requests of one `group`. `name` is whose rate it is: a kind of caller, or the key."""

    group: str
    name: str
    counted: str
    rate: str

    def look(self) -> LimitUse:
        """Return what is left, without counting a request. Raises Unavailable without a cache."""
        return self._use(increment=False)

    def count(self) -> LimitUse:
        """Count one more request: one too many if `remaining` is negative. Raises Unavailable without a cache."""
        return self._use(increment=True)

    def _use(self, *, increment: bool) -> LimitUse:
        used = get_usage(None, self.group, key=lambda group, request: self.counted, rate=self.rate, increment=increment)
        limit, window_seconds = parse_rate(self.rate)
        if used is None or used["limit"] != limit:  # its sign that the cache did not answer
            raise Unavailable("the cache did not count a request")
        return LimitUse(self.name, limit, limit - used["count"], max(1, used["time_left"]), window_seconds)


def count_execution(key: ApiKey, names: Sequence[str]) -> list[LimitUse]:
    """Count a request to run a program, for the callers with these `names`, and for the key. Return what is left.

    The narrowest rate is counted first, and a refused request does not count against the wider ones: else a learner in
    a loop could spend the rate of a class, and an address that of the site. Raises Refused.
    """
    rates = _rates_of_callers(key, names)
    uses = []
    for rate in reversed(rates):
        uses.append(use := rate.count())
        if use.remaining < 0:
            raise _refusal(use, rates, key)
    whole = _rate_of_key(key, "execute")
    if rates and not speaks_for_all(key, names):
        _keep_to_share(uses[-1], whole.look())
    uses.append(use := whole.count())
    if use.remaining < 0:
        raise _refusal(use, rates, key)
    return uses


def refuse_over_rate(key: ApiKey, names: Sequence[str]) -> None:
    """Raise Refused if one more request of these callers would be over their rate. Counts nothing."""
    rates = _rates_of_callers(key, names)
    for rate in rates:
        if (use := rate.look()).remaining <= 0:
            raise _refusal(use, rates, key)


def count_request(key: ApiKey, group: str) -> LimitUse:
    """Count a request against the key's rate among those of its `group`. Raises Refused."""
    rate = _rate_of_key(key, group)
    use = rate.count()
    if use.remaining < 0:
        raise Refused(*REASONS[rate.name], use)
    return use


def count_input(key: ApiKey, name: str) -> LimitUse:
    """Count input that the caller `name` sends to a running program. Raises Refused."""
    use = Rate("input", "input", f"{key.family}:{name}", INPUT_RATE).count()
    if use.remaining < 0:
        raise Refused(*REASONS[kind_of(name)], use)
    return use


def _rates_of_callers(key: ApiKey, names: Sequence[str]) -> list[Rate]:
    rates = []
    for name in names:
        kind = kind_of(name)
        if rate := key.address_rate if kind == ADDRESS else key.learner_rate:
            rates.append(Rate(kind, kind, f"{key.family}:{name}", rate))
    return rates


def _rate_of_key(key: ApiKey, group: str) -> Rate:
    return Rate(group, "key", str(key.family), key.rate)


def _keep_to_share(own: LimitUse, whole: LimitUse) -> None:
    """Raise Refused if a caller, with this use of its own rate, would take more of the key's rate than its share."""
    used, used_by_all = own.limit - own.remaining, whole.limit - whole.remaining
    others = max(0, used_by_all + 1 - used)  # the windows do not begin at the same time
    most = share_of_count(own.name, whole.limit, others, UNDIVIDED_REQUESTS)
    if most < used and most < whole.limit and whole.remaining > 0:
        raise Refused(*REASONS[own.name], LimitUse(own.name, most, 0, whole.seconds_left, whole.window_seconds))


def _refusal(use: LimitUse, rates: Sequence[Rate], key: ApiKey) -> Refused:
    """Return the refusal for a rate that is used up, or for a wider one that is used up for longer.

    Otherwise the caller would wait, only to be told to wait again.
    """
    wider = [rate.look() for rate in (*rates, _rate_of_key(key, "execute"))]
    longest = max((use, *(each for each in wider if each.remaining <= 0)), key=lambda each: each.seconds_left)
    return Refused(*REASONS[longest.name], longest)
