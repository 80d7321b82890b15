"""Who is calling: the key in `X-API-Key`, and whether it may be used from where the request comes."""

import hmac
from typing import NoReturn

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from apikeys import tokens
from apikeys.environment import is_environment_token
from apikeys.models import ApiKey, usable_keys
from audit.events import record_refusal

LONGEST_ORIGIN = 255


class Caller:
    """What stands in place of a user: whoever holds a key."""

    is_authenticated = True

    def __init__(self, key: ApiKey) -> None:
        self.key = key


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the key of a request. The answer is the same for a missing, an unknown, a revoked and an expired one."""

    def authenticate(self, request: Request) -> tuple[Caller, ApiKey]:
        """Return the caller and the key. Raises AuthenticationFailed or PermissionDenied, both 403."""
        key = find_key(request.headers.get("X-API-Key", ""))
        if key is None:
            _record_use_of_a_revoked_key(request)
            raise AuthenticationFailed("The API key is missing or not valid.", code="invalid_key")
        if not key.allows_origin(request.headers.get("Origin")):
            details = {"origin": request.headers.get("Origin", "")[:LONGEST_ORIGIN]}
            record_refusal("origin_refused", request=request._request, target=key, details=details)
            refuse_origin()
        return Caller(key), key


def find_key(token: str) -> ApiKey | None:
    """Return the usable key with this token. What cannot be a token is refused without a query."""
    if not (tokens.is_well_formed(token) or is_environment_token(token)):
        return None
    token_hash = tokens.hash_token(token)
    key = usable_keys().filter(token_hash=token_hash).first()
    return key if key is not None and hmac.compare_digest(key.token_hash, token_hash) else None


def _record_use_of_a_revoked_key(request: Request) -> None:
    """Leave an entry in the audit log if somebody still sends the token of a key that has ended."""
    token = request.headers.get("X-API-Key", "")
    if tokens.is_well_formed(token):
        key = ApiKey.objects.filter(token_hash=tokens.hash_token(token)).first()
        if key is not None:
            record_refusal("revoked_key_used", request=request._request, target=key)


def refuse_origin() -> NoReturn:
    """Answer a request from where the key may not be used."""
    raise PermissionDenied("This API key may not be used from this origin.", code="origin_not_allowed")
