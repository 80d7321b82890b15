"""Checks of environment variables, in addition to those of environs, which adds the variable's name to each error."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dotenv import load_dotenv
from environs import Env, EnvError, ValidationError, validate

from web.notation import check_origin, parse_rate

PLACEHOLDERS = ("insecure", "change", "your-", "secret-key", "example")
SHORTEST_SECRET = 32
SHORTEST_API_KEY = 16

# A shell, Docker Compose and python-dotenv read such lines alike. They differ in spaces, `$`, backslashes and more.
LINE = re.compile(
    r"""[ \t]*(\#.*)?
    |(export\ )?[A-Za-z_]\w*=([\w./:@,+%=*?\[\]-]*|'[^'$\\]*'|"[^"$\\`]*")([ \t]+\#.*|[ \t]*)""",
    re.VERBOSE,
)

ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")

env = Env()


def read_env_file(path: Path) -> None:
    """Read a file of variables, which override none of the environment. Raises EnvError.

    A missing file is not an error. Each line must mean the same to everything that reads the file.
    """
    try:
        lines = path.read_bytes().decode().split("\n") if path.exists() else []
    except (OSError, ValueError) as error:
        raise EnvError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not LINE.fullmatch(line):
            raise EnvError(
                f"{path}, line {number}: write NAME=value without spaces around =, with quotes around a value with"
                " spaces, and without $, backslashes and Windows line ends, so that a shell and Docker Compose read the"
                " same"
            )
    load_dotenv(path)


@contextmanager
def stop_without_traceback() -> Iterator[None]:
    """Exit with the sentence of an EnvError: it says all that an operator needs."""
    try:
        yield
    except EnvError as error:
        raise SystemExit(f"settings: {error}") from None


check_hosts = validate.ContainsNoneOf(["*"], error="list the hosts: * allows any")
check_redis_url = validate.Regexp(
    r"(|rediss?://[^\s/]+(/\d+)?|unix://\S+)\Z", error="use the form redis://host:6379/0, rediss://… or unix:///path"
)
check_broker_url = validate.Regexp(
    r"(|(redis|amqp)s?://\S+|unix://\S+)\Z", error="use the form redis://host:6379/0 or amqp://user:password@host//"
)
check_dsn = validate.Regexp(
    r"(|https?://\w+@[^\s/@]+(/\S+)?/\d+)\Z", error="use the form https://key@host/project, as Sentry shows it"
)
check_sendable = validate.Regexp(
    r"[!-~]([ -~]*[!-~])?\Z", error="not valid in a header: use ASCII characters, without a space at either end"
)


def check_database(configuration: dict[str, Any]) -> None:
    """Refuse a database that is neither SQLite nor PostgreSQL. Raises EnvError."""
    if configuration["ENGINE"] not in ENGINES:
        raise EnvError("DATABASE_URL: use the form sqlite:////data/db.sqlite3 or postgres://user:password@host/name")


def is_auto(name: str) -> bool:
    """Return whether a variable is "auto" or not set."""
    return env.str(name, "auto").strip() == "auto"


def check_address(address: str) -> None:
    """Refuse anything but an IP address."""
    _check_each(ipaddress.ip_address)([address])


def int_or_auto(name: str, auto: int, least: int, most: int) -> int:
    """Return the number of a variable, or `auto` if it is "auto" or not set."""
    return auto if is_auto(name) else env.int(name, validate=validate.Range(least, most))


def check_secret(secret: str) -> None:
    """Refuse a secret that is short or a placeholder."""
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < SHORTEST_SECRET // 4:
        raise ValidationError(f"use at least {SHORTEST_SECRET} random characters")
    if any(word in secret.lower() for word in PLACEHOLDERS):
        raise ValidationError("this is a placeholder; use random characters")


def check_api_key(key: str) -> None:
    """Refuse a key that is easy to guess or not valid in a header. "" is accepted."""
    if key and (len(key) < SHORTEST_API_KEY or any(word in key.lower() for word in PLACEHOLDERS)):
        raise ValidationError(f"use at least {SHORTEST_API_KEY} random characters, or leave it empty")
    if key:
        check_sendable(key)


def check_token(token: str) -> None:
    """Refuse a token that is easy to guess or not valid in a header. "" is accepted."""
    if token:
        check_secret(token)
        check_sendable(token)


def _check_each(check: Callable[[str], object]) -> Callable[[list[str]], None]:
    """Return a check of a list, by a check of its items that raises ValueError."""

    def check_all(items: list[str]) -> None:
        try:
            for item in items:
                check(item)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    return check_all


def _check_network(network: str) -> None:
    """Refuse what is no network, and one of IPv4 addresses in IPv6, which no client's address is ever in."""
    found = ipaddress.ip_network(network)
    if isinstance(found, ipaddress.IPv6Network) and found.network_address.ipv4_mapped:
        raise ValueError(f"{network}: write the IPv4 network itself")


check_networks = _check_each(_check_network)
check_origins = _check_each(check_origin)


def check_rate(rate: str) -> None:
    """Refuse anything but a rate."""
    _check_each(parse_rate)([rate])
