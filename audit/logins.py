"""Records logins, logouts and failed attempts in the audit log."""

from collections.abc import Mapping
from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from redis.exceptions import RedisError

from audit.events import is_first_in_a_minute, record_event


@receiver(user_logged_in)
def record_login(sender: object, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> None:
    """Record a login. If that fails, so does the login: nobody logs in unrecorded."""
    record_event("login", request=request, actor=user, target=user)


@receiver(user_logged_out)
def record_logout(sender: object, request: HttpRequest, user: AbstractBaseUser | None, **kwargs: Any) -> None:
    """Record a logout."""
    if user is not None:
        record_event("logout", request=request, actor=user, target=user)


@receiver(user_login_failed)
def record_failure(
    sender: object, credentials: Mapping[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Record a failed login, with an unknown name once a minute for each client: only known ones are locked out.

    An unknown name is not stored: often it is a password in the wrong field.
    """
    users = get_user_model()
    name = str(credentials.get(users.USERNAME_FIELD, ""))
    user = users._default_manager.filter(**{users.USERNAME_FIELD: name}).first() if "\0" not in name else None
    if user is None and request is not None and not _is_first_in_a_minute(request):
        return
    record_event("login_failed", request=request, target=user, details={"known_name": user is not None})


def _is_first_in_a_minute(request: HttpRequest) -> bool:
    try:
        return is_first_in_a_minute("login_failed", request)
    except RedisError:
        return True


@receiver(user_locked_out)
def record_lockout(sender: object, request: HttpRequest, **kwargs: Any) -> None:
    """Record that an address is locked out. The failed logins before it show for which name."""
    record_event("locked_out", request=request)
