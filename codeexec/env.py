"""Checks of environment variables, in addition to those of environs, which adds the variable's name to each error."""

import ipaddress
import re

from environs import Env, ValidationError

from web.notation import check_origin, parse_rate

PLACEHOLDERS = ("insecure", "change", "your-", "secret-key", "example")
SHORTEST_SECRET = 32
SHORTEST_API_KEY = 16
API_KEY_PATTERN = re.compile(r"[!-~]([ -~]*[!-~])?")
REDIS_PATTERN = re.compile(r"rediss?://[^\s/]+(/\d+)?|unix://\S+")
DSN_PATTERN = re.compile(r"https?://\w+@[^\s/@]+(/\S+)?/\d+")
UNSENDABLE = "not valid in a header: use ASCII characters, without a space at either end"

env = Env()


def check_origins(origins: list[str]) -> None:
    """Refuse a list that contains anything but origins."""
    for origin in origins:
        try:
            check_origin(origin)
        except ValueError as error:
            raise ValidationError(str(error)) from error


def check_networks(networks: list[str]) -> None:
    """Refuse a list that contains anything but addresses and networks."""
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise ValidationError(f"{network!r} is not an address or a network such as 192.0.2.0/24") from error


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
    if key and not API_KEY_PATTERN.fullmatch(key):
        raise ValidationError(UNSENDABLE)


def check_token(token: str) -> None:
    """Refuse a token that is easy to guess or not valid in a header. "" is accepted."""
    if token:
        check_secret(token)
        if not API_KEY_PATTERN.fullmatch(token):
            raise ValidationError(UNSENDABLE)


def check_dsn(dsn: str) -> None:
    """Refuse anything but a DSN of Sentry or ""."""
    if dsn and not DSN_PATTERN.fullmatch(dsn):
        raise ValidationError("use the form https://key@host/project, as Sentry shows it")


def check_rate(rate: str) -> None:
    """Refuse anything but a rate."""
    try:
        parse_rate(rate)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def check_hosts(hosts: list[str]) -> None:
    """Refuse a list that allows every host."""
    if "*" in hosts:
        raise ValidationError("list the hosts: * allows any")


def check_redis_url(url: str) -> None:
    """Refuse anything but the URL of a Redis server or ""."""
    if url and not REDIS_PATTERN.fullmatch(url):
        raise ValidationError("use the form redis://host:6379/0, rediss://… or unix:///path")
