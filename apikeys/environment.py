"""The key of the API_KEY variable: publishable, for the origins of the settings. Its token can be any string."""

import hmac
import logging

from django.conf import settings
from django.db import transaction

from apikeys import tokens
from apikeys.models import ApiKey

NAME = "API_KEY of the environment"

log = logging.getLogger(__name__)


def sync_environment_key(api_key: str, origins: list[str]) -> None:
    """Make `api_key` a publishable key for `origins`, and revoke earlier keys of the environment. "" revokes all.

    Safe to call again and from several processes at once: the hash is unique. A key that staff have revoked stays
    revoked until API_KEY changes. Only a later change of API_KEY back to its token makes it active again.
    """
    token_hash = tokens.hash_token(api_key)
    with transaction.atomic():
        for ended in ApiKey.objects.select_for_update().filter(is_from_environment=True).exclude(token_hash=token_hash):
            _switch(ended, on=False)
            log.info("revoked an earlier API_KEY")
        if api_key:
            earlier = ApiKey.objects.select_for_update().filter(is_from_environment=False, token_hash=token_hash)
            for returning in earlier:
                _switch(returning, on=True)
            ApiKey.objects.update_or_create(
                token_hash=token_hash,
                defaults={"origins": origins},
                create_defaults={
                    "name": NAME,
                    "kind": ApiKey.Kind.PUBLISHABLE,
                    "prefix": "API_KEY",
                    "origins": origins,
                    "is_from_environment": True,
                },
            )


def is_environment_token(token: str) -> bool:
    """Return whether `token` is that of the environment, which need not look like our tokens."""
    return bool(settings.API_KEY) and hmac.compare_digest(token.encode(), settings.API_KEY.encode())


def _switch(key: ApiKey, *, on: bool) -> None:
    """Save one key. The audit log does not see updates of many rows at once."""
    key.is_active = key.is_from_environment = on
    key.save(update_fields=["is_active", "is_from_environment"])
