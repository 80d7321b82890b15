"""The life of a key after it was made: its token is replaced, it is revoked."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apikeys.models import ApiKey, create_key, usable_keys
from audit.events import record_event


class NotRotatable(Exception):
    """The key has ended already, or its token is that of the environment, which is changed there."""


def rotate_key(key: ApiKey, old_ends: datetime) -> tuple[ApiKey, str]:
    """Create a key like `key`, which itself ends at `old_ends` or sooner. Return the new one with its token.

    Raises NotRotatable. docs/decisions/0006-rotation.md tells why the new token is a new key.
    """
    with transaction.atomic():
        current = usable_keys().select_for_update().filter(pk=key.pk, is_from_environment=False).first()
        if current is None:
            raise NotRotatable("Only a key that still works, and that is not API_KEY of the environment, is rotated.")
        environment = "test" if current.prefix.startswith("pl_test_") else "live"
        successor, token = create_key(current.name, current.kind, current.origins, environment=environment)
        successor.rate = current.rate
        successor.expires = current.expires
        successor.save(update_fields=["rate", "expires"])
        current.expires = min(old_ends, current.expires or old_ends)
        current.save(update_fields=["expires"])
        record_event("key_rotated", target=current, details={"successor": successor.prefix})
    return successor, token


def revoke_key(key: ApiKey) -> bool:
    """End `key` at once, in every process. Return whether it was active until now."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, is_active=True).update(is_active=False):
            return False
        record_event("key_revoked", target=key, details={"time": timezone.now().isoformat()})
    return True
