"""How settings, staff, callers and commands write rates (`60/m`), origins (`https://pylearn.net`), ages (`365d`), and
addresses of webhooks with their hosts (`example.org`, `example.org:8443`)."""

import argparse
import re
from datetime import timedelta

SECONDS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
RATE_PATTERN = re.compile(r"([1-9]\d{0,8})/([1-9]\d{0,3})?([smhd])")
ORIGIN_PATTERN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOST_PATTERN = re.compile(rf"((?:{LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9])(?::([1-9][0-9]{{0,4}}))?")
"""The name of a host in the DNS, of at least two labels, the last of which is not a number; and perhaps a port."""
LONGEST_HOST_NAME = 253
HTTPS_PORT = 443
WEBHOOK_PATTERN = re.compile(r"https://([^/?]+)((?:[/?][!-~]*)?)")


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


def parse_host(host: str) -> tuple[str, int]:
    """Return the name and the port of a host such as `example.org` or `example.org:8443`. Raises ValueError."""
    match = HOST_PATTERN.fullmatch(host)
    if match is None or len(match[1]) > LONGEST_HOST_NAME or int(match[2] or HTTPS_PORT) > 65535:
        raise ValueError(f"{host!r} is not a host such as example.org or example.org:8443, in lower case")
    if match[2] == str(HTTPS_PORT):
        raise ValueError(f"{host!r}: leave out the port, which is that of https")
    return match[1], int(match[2] or HTTPS_PORT)


def parse_webhook(url: str) -> tuple[str, str]:
    """Return the host of a webhook, as `parse_host` reads it, and its path with the query. Raises ValueError."""
    match = WEBHOOK_PATTERN.fullmatch(url)
    if match is None:
        raise ValueError("Must be an address such as https://example.org/path, in ASCII.")
    host, path = match.groups()
    if "@" in host:
        raise ValueError("Must not contain credentials.")
    if "#" in url or "\\" in url:
        raise ValueError("Must contain neither # nor backslashes.")
    return host, path if path.startswith("/") else f"/{path}"


def age(text: str) -> timedelta:
    """Return an age in days, as an argument type of a command. Raises argparse.ArgumentTypeError."""
    if not re.fullmatch(r"[1-9]\d{0,4}d", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an age in days, such as 365d")
    return timedelta(days=int(text[:-1]))
