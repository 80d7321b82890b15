"""The key of the API_KEY variable: publishable, for the origins of the settings, and of any form."""

import hmac
import logging

from django.conf import settings
from django.db import transaction

from apikeys import tokens
from apikeys.models import ApiKey

NAME = "API_KEY of the environment"

log = logging.getLogger(__name__)


def sync_environment_key(api_key: str, origins: list[str]) -> None:
    """Make `api_key` a publishable key for `origins`; an earlier one of the environment ends. "" ends all.

    Safe to call again and from several processes at once: the hash is unique. A key that staff have revoked stays so
    for as long as API_KEY is the same. This is the only way back: whoever sets API_KEY to a token means it to work.
    """
    token_hash = tokens.hash_token(api_key)
    with transaction.atomic():
        for ended in ApiKey.objects.select_for_update().filter(is_from_environment=True).exclude(token_hash=token_hash):
            _switch(ended, on=False)
            log.info("an earlier API_KEY ended")
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
    """Return whether `token` is that of the environment, which need not have our form."""
    return bool(settings.API_KEY) and hmac.compare_digest(token.encode(), settings.API_KEY.encode())


def _switch(key: ApiKey, *, on: bool) -> None:
    """Save one by one: a change of many rows at once is not seen by the audit log."""
    key.is_active = key.is_from_environment = on
    key.save(update_fields=["is_active", "is_from_environment"])
