"""System checks of our settings: what no single value shows. The readers in codeexec/env.py check each by itself."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}


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
            Warning(
                "DEBUG is on, and ALLOWED_HOSTS has more than this machine: pages of errors would show our insides.",
                hint="Set DEBUG=false, or ALLOWED_HOSTS=localhost,127.0.0.1.",
                id="codeexec.W001",
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
