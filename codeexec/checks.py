"""System checks of our settings: what no single value shows. The readers in codeexec/env.py check each by itself."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
LOCAL_DATABASES = {"localhost", "127.0.0.1", "::1"}
GUESSED_PASSWORDS = {"", "admin", "changeme", "change-me", "example", "password", "postgres", "postgresql", "secret"}


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return what does not go together. Errors keep the service from starting."""
    messages: list[CheckMessage] = []
    if settings.API_KEY and not settings.ALLOWED_ORIGINS:
        messages.append(
            Error(
                "API_KEY is set, but ALLOWED_ORIGINS is empty, so that nobody could use the key.",
                hint="Name the pages that send it, or take API_KEY out.",
                id="codeexec.E001",
            )
        )
    if settings.DEBUG and not set(settings.ALLOWED_HOSTS) <= LOCAL_HOSTS:
        messages.append(
            Error(
                "DEBUG is on, and ALLOWED_HOSTS has more than this machine: pages of errors would show our insides.",
                hint="Set DEBUG=false, or ALLOWED_HOSTS=localhost,127.0.0.1.",
                id="codeexec.E002",
            )
        )
    if is_guessed(settings.DATABASES["default"]):
        messages.append(
            Error(
                "DATABASE_URL leads to another machine with a password that is empty or that anybody would try first.",
                hint="Give the database's role a password of random characters.",
                id="codeexec.E003",
            )
        )
    if not settings.ADMIN_REQUIRE_OTP and any(map(is_everybody, settings.ADMIN_ALLOWED_IPS)):
        messages.append(
            Error(
                "ADMIN_ALLOWED_IPS has everybody in it, and ADMIN_REQUIRE_OTP is off: only a password would guard it.",
                hint="Name the networks of your staff, or set ADMIN_REQUIRE_OTP=true.",
                id="codeexec.E004",
            )
        )
    if settings.HTTPS and not settings.TRUSTED_PROXY_COUNT:
        messages.append(
            Error(
                "HTTPS is on, but without a proxy in front nothing comes over https: everything would be refused.",
                hint="Set TRUSTED_PROXY_COUNT to the number of proxies, or HTTPS=false.",
                id="codeexec.E005",
            )
        )
    if settings.SANDBOX_POOL_SIZE > settings.SANDBOX_MAX_CONCURRENT * 2:
        messages.append(
            Warning(
                "SANDBOX_POOL_SIZE is more than twice SANDBOX_MAX_CONCURRENT: most containers would only take memory.",
                id="codeexec.W002",
            )
        )
    return messages


def check_deployment(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return what a deployment should have and a desk need not: for `check --deploy`."""
    if settings.ADMIN_REQUIRE_OTP:
        return []
    return [
        Warning(
            "ADMIN_REQUIRE_OTP is off: whoever learns one password of the staff has learners' programs.",
            hint="Run `manage.py create_otp NAME` for each of them, and set ADMIN_REQUIRE_OTP=true.",
            id="codeexec.W003",
        )
    ]


def is_guessed(database: dict[str, Any]) -> bool:
    """Return whether a database on another machine has a password that is none.

    On this machine others than the service have no way to it, and a socket asks the kernel who is there.
    """
    host, password = database.get("HOST", ""), database.get("PASSWORD", "").lower()
    if not host or host.startswith("/") or host in LOCAL_DATABASES:
        return False
    return password in GUESSED_PASSWORDS | {database["USER"].lower(), database["NAME"].lower()}


def is_everybody(network: str) -> bool:
    """Return whether `network` holds every address of its family."""
    return ipaddress.ip_network(network).prefixlen == 0
