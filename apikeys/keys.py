"""The life of a key: it is made, its token is replaced, it is revoked. Each leaves its entry in the audit log.

Who did it, and from where, the audit log learns from the request that is served (audit.changes.AuditMiddleware); a
command is the system's doing.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from apikeys import tokens
from apikeys.models import PLAYGROUND_HASH, ApiKey, usable_keys
from audit.events import record_event

LONGEST_OVERLAP_HOURS = 24 * 90
OF_ONE_TOKEN = {"id", "prefix", "token_hash", "is_active", "is_from_environment", "last_used", "created", "replaced_by"}
"""The fields that belong to one token. All others go over to its successor."""


class NotRotatable(Exception):
    """The key has ended or has a successor, or no token, or its token is that of the environment."""


class NoSuchKey(Exception):
    """No key that is not revoked answers to a name, or several do."""


def issue_key(key: ApiKey, environment: str = "live") -> str:
    """Save a new key with a token for `environment`, "live" or "test". Return the token: it is not to be had again.

    Raises ValidationError.
    """
    token = tokens.generate_token(key.kind, environment)
    key.prefix, key.token_hash = tokens.visible_prefix(token), tokens.hash_token(token)
    key.full_clean()
    with transaction.atomic():
        key.save(force_insert=True)
        record_event("key_created", target=key)
    return token


def create_key(name: str, kind: str, origins: list[str], *, environment: str = "live") -> tuple[ApiKey, str]:
    """Create a key with the limits of the settings and return it with its token. Raises ValidationError."""
    key = ApiKey(name=name, kind=kind, origins=origins)
    return key, issue_key(key, environment)


def rotate_key(key: ApiKey, old_ends: datetime) -> tuple[ApiKey, str]:
    """Create a key like `key`, which itself ends at `old_ends` or sooner. Return the new one with its token.

    Raises NotRotatable. docs/decisions/0006-rotation.md tells why the new token is a new key.
    """
    with transaction.atomic():
        rotatable = usable_keys().filter(pk=key.pk, is_from_environment=False, replaced_by=None)
        rotatable = rotatable.exclude(token_hash=PLAYGROUND_HASH)
        current = rotatable.select_for_update().first()
        if current is None:
            raise NotRotatable(
                "Only a key that still works, has a token, was not rotated before and is not API_KEY of the environment"
                " is rotated."
            )
        fields = [field.attname for field in ApiKey._meta.concrete_fields if field.name not in OF_ONE_TOKEN]
        successor = ApiKey(**{name: getattr(current, name) for name in fields})
        try:
            token = issue_key(successor, tokens.environment_of(current.prefix))
        except ValidationError as error:  # the key is older than a rule that it breaks
            raise NotRotatable("; ".join(error.messages)) from error
        current.replaced_by = successor
        current.expires = min(old_ends, current.expires or old_ends)
        current.save(update_fields=["replaced_by", "expires"])
        details = {"successor": successor.prefix, "old_ends": current.expires.isoformat()}
        record_event("key_rotated", target=current, details=details)
    return successor, token


def revoke_key(key: ApiKey) -> bool:
    """End `key` for good and at once, in every process. Return whether it was active until now."""
    with transaction.atomic():
        current = ApiKey.objects.select_for_update().filter(pk=key.pk, is_active=True).first()
        if current is None:
            return False
        current.is_active = False
        current.save(update_fields=["is_active"])
        record_event("key_revoked", target=current)
    return True


def find_key(name: str) -> ApiKey:
    """Return the one key that is not revoked with this prefix, or with this number. Raises NoSuchKey.

    Tokens that begin alike are rare, but there is nothing to prevent them.
    """
    meant = Q(pk=int(name)) if name.isdecimal() and len(name) < 19 else Q(prefix=name)
    found = list(ApiKey.objects.filter(meant, is_active=True).order_by("pk"))
    if len(found) > 1:
        numbers = ", ".join(f"{key.pk} ({key.name})" for key in found)
        raise NoSuchKey(f"{len(found)} active keys begin with {name}: give the number of one instead: {numbers}.")
    if not found:
        raise NoSuchKey(f"No active key begins with {name!r}; list_keys shows what there is.")
    return found[0]
