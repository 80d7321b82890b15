"""The key under which the playground's programs run. It has no token: nobody can send it, we alone mint with it."""

from django.db import transaction

from apikeys.models import PLAYGROUND_HASH, ApiKey
from audit.events import record_event

NOTES = (
    "Made by the service itself, for /playground/. It has no token. Its limits are those of all programs that are run"
    " there; revoked, it ends them for good, as PLAYGROUND=off does until it is set otherwise."
)


def playground_key() -> ApiKey:
    """Return the key of the playground, which is made when it is first needed. It may have been revoked since.

    Safe to call from several processes at once: the hash is unique.
    """
    with transaction.atomic():
        key, is_new = ApiKey.objects.get_or_create(
            token_hash=PLAYGROUND_HASH,
            defaults={"name": "Playground", "notes": NOTES, "kind": ApiKey.Kind.SECRET, "prefix": "playground"},
        )
        if is_new:
            record_event("key_created", target=key)
    return key
