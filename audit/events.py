"""Events in the audit log that are not changes of rows, such as logins. They are entries of the same table."""

import logging
from collections.abc import Mapping
from typing import Any

from auditlog.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, models
from django.http import HttpRequest
from redis.exceptions import RedisError
from structlog.contextvars import get_contextvars

from web.connection import client_address, client_block

LONGEST_REQUEST_ID = 255
REFUSAL_SECONDS = 60

log = logging.getLogger(__name__)


def request_id() -> str | None:
    """Return the id of the current request, which a client may have chosen, or None outside of one."""
    found = get_contextvars().get("request_id")
    return None if found is None else str(found)[:LONGEST_REQUEST_ID]


def record_event(
    action: str,
    *,
    request: HttpRequest | None = None,
    actor: AbstractBaseUser | None = None,
    target: models.Model | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Record that `actor` did `action` to `target`. Without an actor it was the system, or a caller without an account.

    `details` must contain no secret and no code: nobody can remove it later. Raises DatabaseError.
    """
    about = ContentType.objects.get_for_model(LogEntry if target is None else target._meta.model)
    LogEntry.objects.create(
        content_type=about,
        object_pk="" if target is None else str(target.pk),
        object_id=target.pk if target is not None and isinstance(target.pk, int) else None,
        object_repr=action if target is None else str(target),
        action=LogEntry.Action.ACCESS,
        actor=actor,
        actor_email=getattr(actor, "email", None),
        remote_addr=None if request is None else client_address(request),
        cid=request_id(),
        additional_data={"event": action, **(details or {})},
    )


def record_refusal(
    action: str, *, request: HttpRequest, target: models.Model, details: Mapping[str, Any] | None = None
) -> None:
    """Record that a caller was refused, once a minute for each target and client. A failure is only logged."""
    try:
        if is_first_in_a_minute(f"{action}:{target.pk}", request):
            record_event(action, request=request, target=target, details=details)
    except (DatabaseError, InterfaceError, RedisError):
        log.exception("%s could not be recorded in the audit log", action)


def is_first_in_a_minute(what: str, request: HttpRequest) -> bool:
    """Return whether the client has not done the same within a minute. Raises RedisError.

    Anybody can get refused any number of times, and the entries cannot be deleted. A client with one IPv6 address has
    2**64 of them, so its block counts.
    """
    return bool(cache.add(f"audit:{what}:{client_block(request)}", True, REFUSAL_SECONDS))
