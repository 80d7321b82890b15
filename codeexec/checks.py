"""System checks of settings that depend on each other. codeexec/env.py checks each setting by itself."""

import ipaddress
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
LOCAL_DATABASES = {"localhost", "127.0.0.1", "::1"}
EASY_PASSWORDS = {"", "admin", "changeme", "change-me", "example", "password", "postgres", "postgresql", "secret"}


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """Yield the conflicts between settings. The service does not start with errors."""
    if settings.API_KEY and not settings.ALLOWED_ORIGINS:
        yield Error(
            "API_KEY is set, but ALLOWED_ORIGINS is empty: nobody could use the key.",
            hint="Set ALLOWED_ORIGINS to the pages that send the key, or remove API_KEY.",
            id="codeexec.E001",
        )
    if settings.DEBUG and not set(settings.ALLOWED_HOSTS) <= LOCAL_HOSTS:
        yield Error(
            "DEBUG is on, and ALLOWED_HOSTS has other machines: error pages would show internals to clients.",
            hint="Set DEBUG=false, or ALLOWED_HOSTS=localhost,127.0.0.1.",
            id="codeexec.E002",
        )
    if is_easy_to_guess(settings.DATABASES["default"]):
        yield Error(
            "DATABASE_URL is on another machine, and its password is empty or easy to guess.",
            hint="Give the database role a random password.",
            id="codeexec.E003",
        )
    if not settings.ADMIN_REQUIRE_OTP and any(map(includes_everybody, settings.ADMIN_ALLOWED_IPS)):
        yield Error(
            "ADMIN_ALLOWED_IPS includes everybody, and ADMIN_REQUIRE_OTP is off: only passwords protect the admin.",
            hint="List the networks of your staff, or set ADMIN_REQUIRE_OTP=true.",
            id="codeexec.E004",
        )
    if settings.HTTPS and not settings.TRUSTED_PROXY_COUNT:
        yield Error(
            "HTTPS is on, but TRUSTED_PROXY_COUNT is 0: without a proxy, every request is refused as plain HTTP.",
            hint="Set TRUSTED_PROXY_COUNT to the number of proxies, or set HTTPS=false.",
            id="codeexec.E005",
        )
    if needs_tls_or_ssh(os.environ):
        yield Error(
            "DOCKER_HOST asks for TLS or SSH, over which the service cannot talk to its containers.",
            hint="Use the socket of an engine on this host, or forward that of another to this host:"
            " ssh -nNT -L /run/engine.sock:/var/run/docker.sock HOST, and DOCKER_HOST=unix:///run/engine.sock. Remove"
            " DOCKER_TLS_VERIFY and DOCKER_CERT_PATH.",
            id="codeexec.E006",
        )
    if settings.EXECUTOR == "celery" and not settings.REDIS_URL:
        yield Error(
            "EXECUTOR is celery, but REDIS_URL is not set: workers could not answer.",
            hint="Set REDIS_URL to the Redis server of the workers (docs/scale.md), or set EXECUTOR=local.",
            id="codeexec.E007",
        )
    if settings.SANDBOX_POOL_SIZE > settings.SANDBOX_MAX_CONCURRENT * 2:
        yield Warning(
            "SANDBOX_POOL_SIZE is more than twice SANDBOX_MAX_CONCURRENT: most containers would only use memory.",
            id="codeexec.W002",
        )


def check_deployment(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """Yield what is missing in a deployment, for `check --deploy`."""
    if not settings.ADMIN_REQUIRE_OTP and not all(map(is_this_machine, settings.ADMIN_ALLOWED_IPS)):
        yield Warning(
            "ADMIN_REQUIRE_OTP is off: one stolen staff password gives access to learners' programs.",
            hint="Run `manage.py create_otp NAME` for each member of staff, and set ADMIN_REQUIRE_OTP=true.",
            id="codeexec.W003",
        )


def is_easy_to_guess(database: dict[str, Any]) -> bool:
    """Return whether the database is on another machine and its password is easy to guess.

    Only this machine reaches a local database, and through a UNIX socket the kernel identifies the client.
    """
    host, password = database.get("HOST", ""), database.get("PASSWORD", "").lower()
    if not host or host.startswith("/") or host in LOCAL_DATABASES:
        return False
    return password in EASY_PASSWORDS | {database["USER"].lower(), database["NAME"].lower()}


def needs_tls_or_ssh(environment: Mapping[str, str]) -> bool:
    """Return whether docker-py would use TLS or SSH: its streams to a container are then not plain sockets."""
    scheme, _, _ = environment.get("DOCKER_HOST", "").partition("://")
    has_tls = bool(environment.get("DOCKER_TLS_VERIFY") or environment.get("DOCKER_CERT_PATH"))
    return scheme in ("ssh", "https") or (scheme in ("tcp", "http") and has_tls)


def includes_everybody(network: str) -> bool:
    """Return whether `network` contains every address of its family."""
    return ipaddress.ip_network(network).prefixlen == 0


def is_this_machine(network: str) -> bool:
    """Return whether `network` contains only addresses of this machine: behind a proxy, nobody comes from there."""
    return ipaddress.ip_network(network).is_loopback
