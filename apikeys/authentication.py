"""Who sends a request: authentication by the key or learner token in `X-API-Key`, the `Origin` and the address.

The key is looked up for each request, so the query is written as SQL: Django takes longer to build it than a database
takes to answer it.
"""

import logging
from datetime import timedelta

from django.db import DatabaseError, InterfaceError
from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from apikeys import tokens
from apikeys.callers import Caller, refuse_suspended
from apikeys.environment import is_environment_token
from apikeys.models import ApiKey
from audit.events import record_refusal
from web.connection import client_address
from web.sentences import INVALID_KEY, NO_KEY, NO_ORIGIN, ORIGIN_NOT_ALLOWED, PUBLISHABLE_KEY_HERE

KEY_ATTRIBUTE = "counted_key"
"""The attribute of Django's request that holds the key of its token, even if the request is refused."""

LONGEST_ORIGIN = 255
LAST_USED_EVERY = timedelta(minutes=1)

KEY_WITH_HASH = "SELECT * FROM apikeys_apikey WHERE token_hash = %s"

log = logging.getLogger(__name__)


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the caller of a request. The error is the same for unknown, revoked and expired keys."""

    def authenticate(self, request: Request) -> tuple[Caller, ApiKey]:
        """Return the caller and the key. Raises AuthenticationFailed or PermissionDenied, both 403, or Refused."""
        token = request.headers.get("X-API-Key", "")
        caller = find_caller(token, client_address(request._request))
        if caller is not None:
            setattr(request._request, KEY_ATTRIBUTE, caller.key)
        if caller is None or not caller.key.is_usable():
            if caller is not None and tokens.is_well_formed(token):
                record_refusal("revoked_key_used", request=request._request, target=caller.key)
            raise AuthenticationFailed(INVALID_KEY if token else NO_KEY, code="invalid_key")
        refuse_suspended(caller)
        origin = request.headers.get("Origin")
        if not (caller.key.allows_origin(origin) or is_own_page(request, caller)):
            details = {"origin": (origin or "")[:LONGEST_ORIGIN]}
            record_refusal("origin_refused", request=request._request, target=caller.key, details=details)
            raise PermissionDenied(_how_to_mend(request, caller.key), code="origin_not_allowed")
        _remember_use(caller.key)
        return caller, caller.key


def caller_of(request: Request) -> Caller:
    """Return the caller of `request`, which has been authenticated."""
    caller = request.user
    assert isinstance(caller, Caller)  # noqa: S101 (by ApiKeyAuthentication)
    return caller


def find_caller(token: str, address: str | None) -> Caller | None:
    """Return the caller with this token at `address`, even if its key is revoked or expired, or None.

    A string that cannot be one of our tokens costs no query.
    """
    if (claim := tokens.read_learner_token(token)) is not None:
        key = ApiKey.objects.filter(pk=claim.key_id, kind=ApiKey.Kind.SECRET).first()
        return Caller(key, address, claim.learner) if key is not None else None
    if not (tokens.is_well_formed(token) or is_environment_token(token)):
        return None
    key = next(iter(ApiKey.objects.raw(KEY_WITH_HASH, [tokens.hash_token(token)])), None)
    return Caller(key, address) if key is not None else None


def is_own_page(request: Request, caller: Caller) -> bool:
    """Return whether one of our own pages uses the key: the playground its own, the documentation any secret key.

    A page is ours if its host is the host of the request; a browser sets both headers itself. Only the hosts are
    compared, because an unknown proxy may hide https. Publishable keys and learner tokens stay with the key's origins.
    """
    is_secret = caller.key.kind == ApiKey.Kind.SECRET and caller.learner is None
    return (caller.key.is_playground or is_secret) and _is_from_our_host(request)


def _is_from_our_host(request: Request) -> bool:
    origins = [f"{scheme}://{request.get_host()}" for scheme in ("https", "http")]
    return request.headers.get("Origin") in origins


def _how_to_mend(request: Request, key: ApiKey) -> str:
    """Return what to say to a caller whose origin is not one of the key's."""
    origin = request.headers.get("Origin")
    if origin is None and key.origins:
        return NO_ORIGIN.format(origin=key.origins[0])
    if key.kind == ApiKey.Kind.PUBLISHABLE and _is_from_our_host(request):
        return PUBLISHABLE_KEY_HERE
    return ORIGIN_NOT_ALLOWED.format(origin=(origin or "")[:LONGEST_ORIGIN] or "an empty origin")


def _remember_use(key: ApiKey) -> None:
    """Record that the key is in use, once a minute at most, however many processes serve it."""
    now = timezone.now()
    if key.last_used is None or key.last_used < now - LAST_USED_EVERY:
        stale = Q(last_used=None) | Q(last_used__lt=now - LAST_USED_EVERY)
        try:
            ApiKey.objects.filter(stale, pk=key.pk).update(last_used=now)
        except (DatabaseError, InterfaceError) as error:  # no reason to refuse the request
            log.warning("cannot record the use of key %s: %s", key.prefix, error)
