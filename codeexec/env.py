"""Strict readers of environment variables, beside those that environs brings. Each refusal names the variable."""

import ipaddress
import re

from environs import Env, ValidationError

from web.origins import check_origin
from web.rates import parse_rate

PLACEHOLDERS = ("insecure", "change", "your-", "secret-key", "example")
SHORTEST_SECRET = 32
SHORTEST_API_KEY = 16
API_KEY_PATTERN = re.compile(r"[!-~]([ -~]*[!-~])?")
REDIS_PATTERN = re.compile(r"rediss?://[^\s/]+(/\d+)?|unix://\S+")
DSN_PATTERN = re.compile(r"https?://\w+@[^\s/@]+(/\S+)?/\d+")

env = Env()


def check_origins(origins: list[str]) -> None:
    """Refuse a list with anything but origins in it."""
    for origin in origins:
        try:
            check_origin(origin)
        except ValueError as error:
            raise ValidationError(str(error)) from error


def check_networks(networks: list[str]) -> None:
    """Refuse a list with anything but addresses and networks in it."""
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise ValidationError(f"{network!r} is no address and no network such as 192.0.2.0/24") from error


def check_secret(secret: str) -> None:
    """Refuse a secret that is short, or that somebody copied from a page."""
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < SHORTEST_SECRET // 4:
        raise ValidationError(f"use at least {SHORTEST_SECRET} random characters")
    if any(word in secret.lower() for word in PLACEHOLDERS):
        raise ValidationError("this is a placeholder; use random characters")


def check_api_key(key: str) -> None:
    """Refuse a key that is set and could be guessed."""
    if key and (len(key) < SHORTEST_API_KEY or any(word in key.lower() for word in PLACEHOLDERS)):
        raise ValidationError(f"use at least {SHORTEST_API_KEY} random characters, or leave it out")
    if key and not API_KEY_PATTERN.fullmatch(key):
        raise ValidationError("no header can bring this: use ASCII characters, with no blank at either end")


def check_token(token: str) -> None:
    """Refuse a token that is set and could be guessed, or that no header can bring."""
    if token:
        check_secret(token)
        if not API_KEY_PATTERN.fullmatch(token):
            raise ValidationError("no header can bring this: use ASCII characters, with no blank at either end")


def check_dsn(dsn: str) -> None:
    """Refuse what is set and is no DSN of Sentry."""
    if dsn and not DSN_PATTERN.fullmatch(dsn):
        raise ValidationError("write https://key@host/project, as Sentry shows it")


def check_rate(rate: str) -> None:
    """Refuse what is no rate."""
    try:
        parse_rate(rate)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def check_hosts(hosts: list[str]) -> None:
    """Refuse to answer for every host."""
    if "*" in hosts:
        raise ValidationError("name the hosts; * answers for any")


def check_redis_url(url: str) -> None:
    """Refuse what is set and is no address of a Redis."""
    if url and not REDIS_PATTERN.fullmatch(url):
        raise ValidationError("write redis://host:6379/0, rediss://… or unix:///path")
