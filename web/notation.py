"""How settings, staff and commands write rates (`60/m`), origins (`https://pylearn.net`) and ages (`365d`)."""

import argparse
import re
from datetime import timedelta

SECONDS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
RATE_PATTERN = re.compile(r"([1-9]\d{0,8})/([1-9]\d{0,3})?([smhd])")
ORIGIN_PATTERN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")


def parse_rate(rate: str) -> tuple[int, int]:
    """Return the number of requests and the number of seconds of a rate such as `60/m` or `5/10m`. Raises ValueError.

    The notation is that of django-ratelimit.
    """
    match = RATE_PATTERN.fullmatch(rate)
    if match is None:
        raise ValueError("Write a rate such as 60/m, 10/s or 1000/h. To allow no requests, revoke the key.")
    limit, multiple, unit = match.groups()
    return int(limit), int(multiple or 1) * SECONDS[unit]


def check_origin(origin: str) -> None:
    """Raise ValueError for an origin that no browser would send: origins are compared as strings."""
    if not ORIGIN_PATTERN.fullmatch(origin):
        start = ORIGIN_PATTERN.match(origin.lower())
        advice = f". Write {start[0]}" if start else ""
        raise ValueError(f"{origin!r} is not an origin such as https://pylearn.net: only scheme, host and port{advice}")
    if origin.endswith({"http:": ":80", "https:": ":443"}[origin.partition("//")[0]]):
        raise ValueError(f"{origin!r}: leave out the port, as browsers do with the scheme's default port")


def age(text: str) -> timedelta:
    """Return an age in days, as an argument type of a command. Raises argparse.ArgumentTypeError."""
    if not re.fullmatch(r"[1-9]\d{0,4}d", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an age in days, such as 365d")
    return timedelta(days=int(text[:-1]))
