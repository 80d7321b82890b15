"""Rates in the notation of django-ratelimit: `60/m`, `10/s`, `1000/h`, `5/10m`."""

import re

SECONDS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
RATE_PATTERN = re.compile(r"([1-9]\d{0,8})/([1-9]\d{0,3})?([smhd])")


def parse_rate(rate: str) -> tuple[int, int]:
    """Return how many requests are allowed in how many seconds. Raises ValueError."""
    match = RATE_PATTERN.fullmatch(rate)
    if match is None:
        raise ValueError("Write the rate as 60/m, 10/s or 1000/h. To allow none, switch the key off.")
    limit, multiple, unit = match.groups()
    return int(limit), int(multiple or 1) * SECONDS[unit]
