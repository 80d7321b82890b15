"""Who sends a request: authentication by the key or learner token in `X-API-Key`, the `Origin` and the address.

Keys, learners and addresses that staff have suspended are refused. Keys and suspensions are looked up for each request,
so the queries are written as SQL: Django takes longer to build them than a database takes to answer them.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from apikeys import tokens
from apikeys.environment import is_environment_token
from apikeys.limits import Refused
from apikeys.models import ApiKey
from apikeys.shares import names_of
from audit.events import record_refusal
from web.connection import address_block, client_address
from web.sentences import (
    INVALID_KEY,
    NO_KEY,
    NO_ORIGIN,
    ORIGIN_NOT_ALLOWED,
    PUBLISHABLE_KEY_HERE,
    SUSPENDED,
)

KEY_ATTRIBUTE = "counted_key"
"""The attribute of Django's request that holds the key of its token, even if the request is refused."""

LONGEST_ORIGIN = 255
LAST_USED_EVERY = timedelta(minutes=1)

KEY_WITH_HASH = "SELECT * FROM apikeys_apikey WHERE token_hash = %s"
ACTIVE_SUSPENSION = (
    " FROM apikeys_suspension s LEFT JOIN apikeys_apikey k ON k.id = s.key_id"
    " WHERE s.lifted IS NULL AND (s.ends IS NULL OR s.ends > %s)"
)
KEY_OR_ADDRESS = f"SELECT s.address{ACTIVE_SUSPENSION} AND s.learner = '' AND (k.family = %s OR s.address = %s)"
LEARNER_SUSPENSION = f"SELECT 1{ACTIVE_SUSPENSION} AND s.learner = %s AND k.family = %s LIMIT 1"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Takes the place of Django's user.

    `address` is the client's, None if it is unknown; `learner` is the one that a learner token is bound to.
    """

    key: ApiKey
    address: str | None
    learner: str | None = None

    is_authenticated = True

    @property
    def is_server(self) -> bool:
        """Whether this is a server of the site, which holds the secret key itself."""
        return self.key.kind == ApiKey.Kind.SECRET and self.learner is None

    def names(self, claimed_learner: str) -> tuple[str, ...]:
        """Return the names that use is counted under, the widest first (`apikeys.shares.names_of`).

        A server knows its learners, and a token is bound to one.
        """
        learner = claimed_learner if self.learner is None else self.learner
        return names_of(learner, self.address, is_proven=self.key.proves_learners)

    def counted_as(self, claimed_learner: str) -> str:
        """Return the widest of these names: the learner's if it can be trusted, else the address."""
        return self.names(claimed_learner)[0]


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


def refuse_suspended(caller: Caller) -> None:
    """Refuse a key whose family is suspended, as if it did not exist, and a suspended address. Raises Refused."""
    block = address_block(caller.address) if caller.address else None
    with connection.cursor() as cursor:
        cursor.execute(KEY_OR_ADDRESS, (_now(), caller.key.family_in_sql(), block))
        found = [suspended_address for (suspended_address,) in cursor.fetchall()]
    if None in found:
        raise Refused("invalid_key", INVALID_KEY)
    if found:
        raise Refused("suspended", SUSPENDED)


def refuse_suspended_learner(key: ApiKey, learner: str) -> None:
    """Refuse a learner who is suspended for the key's family. Raises Refused.

    Not one that a page only claims: somebody else of that name may be meant.
    """
    if not (learner and key.proves_learners):
        return
    with connection.cursor() as cursor:
        cursor.execute(LEARNER_SUSPENSION, (_now(), learner, key.family_in_sql()))
        if cursor.fetchone() is not None:
            raise Refused("suspended", SUSPENDED)


def _now() -> Any:
    return connection.ops.adapt_datetimefield_value(timezone.now())


def _remember_use(key: ApiKey) -> None:
    """Record that the key is in use, once a minute at most, however many processes serve it."""
    now = timezone.now()
    if key.last_used is None or key.last_used < now - LAST_USED_EVERY:
        stale = Q(last_used=None) | Q(last_used__lt=now - LAST_USED_EVERY)
        try:
            ApiKey.objects.filter(stale, pk=key.pk).update(last_used=now)
        except (DatabaseError, InterfaceError) as error:  # no reason to refuse the request
            log.warning("cannot record the use of key %s: %s", key.prefix, error)
