"""The life of a key: creation, rotation, revocation. Each adds an entry to the audit log.

The audit log takes the actor and the address from the current request (audit.changes.AuditMiddleware). In commands
the actor is the system.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from apikeys import tokens
from apikeys.models import PLAYGROUND_HASH, ApiKey, usable_keys
from audit.events import record_event

LONGEST_OVERLAP_HOURS = 24 * 90
LIMITS = ("rate", "address_rate", "learner_rate", "max_concurrent", "executions_per_day", "cpu_seconds_per_day")
"""The fields that limit how much a key and its learners may use."""
OF_ONE_TOKEN = {"id", "prefix", "token_hash", "is_active", "is_from_environment", "last_used", "created", "replaced_by"}
"""The fields that belong to one token. Rotation copies all others to the successor."""


class NotRotatable(Exception):
    """The key is not usable, has a successor, has no token, or is API_KEY of the environment."""


class NoSuchKey(Exception):
    """No key that is not revoked matches, or several do."""


def issue_key(key: ApiKey, environment: str = "live") -> str:
    """Save a new key with a token for `environment`, "live" or "test". Return the token: only its hash is stored.

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

    Raises NotRotatable. docs/decisions/0006-rotation.md explains why the new token is a new key.
    """
    with transaction.atomic():
        rotatable = usable_keys().filter(pk=key.pk, is_from_environment=False, replaced_by=None)
        rotatable = rotatable.exclude(token_hash=PLAYGROUND_HASH)
        current = rotatable.select_for_update().first()
        if current is None:
            raise NotRotatable(
                "This key cannot be rotated: it must still work, have a token, not have been rotated before and not be"
                " API_KEY of the environment."
            )
        fields = [field.attname for field in ApiKey._meta.concrete_fields if field.name not in OF_ONE_TOKEN]
        successor = ApiKey(**{name: getattr(current, name) for name in fields})
        try:
            token = issue_key(successor, tokens.environment_of(current.prefix))
        except ValidationError as error:  # the key breaks a rule that is newer
            raise NotRotatable("; ".join(error.messages)) from error
        current.replaced_by = successor
        current.expires = min(old_ends, current.expires or old_ends)
        current.save(update_fields=["replaced_by", "expires"])
        details = {"successor": successor.prefix, "old_ends": current.expires.isoformat()}
        record_event("key_rotated", target=current, details=details)
    return successor, token


def replace_leaked_key(key: ApiKey, old_ends: datetime) -> tuple[ApiKey, str]:
    """Rotate a key whose token is known to others, and record that it leaked. Raises NotRotatable."""
    with transaction.atomic():
        successor, token = rotate_key(key, old_ends)
        record_event("key_leaked", target=key, details={"successor": successor.prefix})
    return successor, token


def revoke_key(key: ApiKey) -> bool:
    """Revoke `key` for good, at once and in every process. Return whether it was active until now."""
    with transaction.atomic():
        current = ApiKey.objects.select_for_update().filter(pk=key.pk, is_active=True).first()
        if current is None:
            return False
        current.is_active = False
        current.save(update_fields=["is_active"])
        record_event("key_revoked", target=current)
    return True


def find_key(name: str) -> ApiKey:
    """Return the key that is not revoked and has this prefix or number. Raises NoSuchKey.

    Tokens with the same prefix are rare, but possible.
    """
    meant = Q(pk=int(name)) if name.isdecimal() and len(name) < 19 else Q(prefix=name)
    found = list(ApiKey.objects.filter(meant, is_active=True).order_by("pk"))
    if len(found) > 1:
        numbers = ", ".join(f"{key.pk} ({key.name})" for key in found)
        raise NoSuchKey(f"{len(found)} active keys begin with {name}. Use the number instead: {numbers}.")
    if not found:
        raise NoSuchKey(f"No active key begins with {name!r}. list_keys shows all keys.")
    return found[0]
