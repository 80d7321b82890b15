"""Rates in the notation of django-ratelimit: `60/m`, `10/s`, `1000/h`, `5/10m`."""

from django_ratelimit.core import _split_rate


def parse_rate(rate: str) -> tuple[int, int]:
    """Return how many requests are allowed in how many seconds. Raises ValueError."""
    try:
        limit, seconds = _split_rate(rate)
    except (AttributeError, KeyError, ValueError) as error:
        raise ValueError("Write the rate as 60/m, 10/s or 1000/h.") from error
    if limit < 1 or seconds < 1:
        raise ValueError("A rate of nothing would refuse everything: switch the key off instead.")
    return limit, seconds
