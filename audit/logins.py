"""Who logged in, who out, and who tried."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from audit.events import record_event


def record_login(sender: object, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> None:
    """Record a login. If that fails, so does the login: nobody comes in unseen."""
    record_event("login", request=request, actor=user, target=user)


def record_logout(sender: object, request: HttpRequest, user: AbstractBaseUser | None, **kwargs: Any) -> None:
    """Record a logout."""
    if user is not None:
        record_event("logout", request=request, actor=user, target=user)


def record_failure(
    sender: object, credentials: Mapping[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Record a login that failed. A name that nobody has is not kept: often it is a password in the wrong field."""
    users = get_user_model()
    name = str(credentials.get(users.USERNAME_FIELD, ""))
    user = users._default_manager.filter(**{users.USERNAME_FIELD: name}).first() if "\0" not in name else None
    record_event("login_failed", request=request, target=user, details={"known_name": user is not None})


def record_lockout(sender: object, request: HttpRequest, **kwargs: Any) -> None:
    """Record that an address may not try a name any more. Which name: the failures before it say."""
    record_event("locked_out", request=request)
