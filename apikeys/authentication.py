"""Authentication by the key or learner token in `X-API-Key`, the `Origin` and the client's address."""

import logging
from datetime import timedelta

from django.db import DatabaseError, InterfaceError
from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from apikeys import learner_tokens, tokens
from apikeys.callers import Caller, refuse_suspended
from apikeys.environment import is_environment_token
from apikeys.models import ApiKey
from audit.events import record_refusal
from web.client_address import client_address
from web.sentences import INVALID_KEY, ORIGIN_NOT_ALLOWED

LONGEST_ORIGIN = 255
LAST_USED_EVERY = timedelta(minutes=1)

log = logging.getLogger(__name__)


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the key of a request. The error is the same for missing, unknown, revoked and expired keys."""

    def authenticate(self, request: Request) -> tuple[Caller, ApiKey]:
        """Return the caller and the key. Raises AuthenticationFailed or PermissionDenied, both 403, or Refused."""
        token = request.headers.get("X-API-Key", "")
        caller = find_caller(token, client_address(request._request))
        if caller is None or not caller.key.is_usable():
            if caller is not None and tokens.is_well_formed(token):
                record_refusal("revoked_key_used", request=request._request, target=caller.key)
            raise AuthenticationFailed(INVALID_KEY, code="invalid_key")
        refuse_suspended(caller)
        origin = request.headers.get("Origin")
        if not (caller.key.allows_origin(origin) or is_own_page(request, caller.key)):
            details = {"origin": (origin or "")[:LONGEST_ORIGIN]}
            record_refusal("origin_refused", request=request._request, target=caller.key, details=details)
            raise PermissionDenied(ORIGIN_NOT_ALLOWED, code="origin_not_allowed")
        _remember_use(caller.key)
        return caller, caller.key


def find_caller(token: str, address: str | None) -> Caller | None:
    """Return the caller with this token at `address`, even if its key is revoked or expired, or None.

    A string that cannot be one of our tokens costs no query.
    """
    if (claim := learner_tokens.read(token)) is not None:
        key = ApiKey.objects.filter(pk=claim.key_id, kind=ApiKey.Kind.SECRET).first()
        return Caller(key, address, claim.learner) if key is not None else None
    if not (tokens.is_well_formed(token) or is_environment_token(token)):
        return None
    key = ApiKey.objects.filter(token_hash=tokens.hash_token(token)).first()
    return Caller(key, address) if key is not None else None


def is_own_page(request: Request, key: ApiKey) -> bool:
    """Return whether the playground's key is used by the playground: by a page of the host that the request is for.

    A browser sets both headers itself. Only the hosts are compared: an unknown proxy may hide https.
    """
    return key.is_playground and request.headers.get("Origin", "").partition("://")[2] == request.get_host()


def _remember_use(key: ApiKey) -> None:
    """Record that the key is in use, once a minute at most, however many processes serve it."""
    now = timezone.now()
    if key.last_used is None or key.last_used < now - LAST_USED_EVERY:
        stale = Q(last_used=None) | Q(last_used__lt=now - LAST_USED_EVERY)
        try:
            ApiKey.objects.filter(stale, pk=key.pk).update(last_used=now)
        except (DatabaseError, InterfaceError) as error:  # no reason to refuse the request
            log.warning("cannot record the use of key %s: %s", key.prefix, error)
