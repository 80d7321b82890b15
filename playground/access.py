"""Who may open the playground, and with which key and for which learner programs run there."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from apikeys.models import LEARNER_CHARACTERS, PLAYGROUND_HASH, ApiKey
from audit.events import record_event
from web.connection import address_block, client_address

LEARNER_PREFIX = "playground:"
DIGITS_OF_AN_ADDRESS = 16
NOTES = (
    "Created by the service for /playground/. It has no token. Its limits apply to all programs run there."
    " Revoking it closes the playground for good; PLAYGROUND=off closes it until the setting changes."
)


def is_on() -> bool:
    """Return whether there is a playground at all."""
    return settings.PLAYGROUND != "off"


def may_open(request: HttpRequest) -> bool:
    """Return whether the sender of `request` may use the playground."""
    return settings.PLAYGROUND == "public" or (is_on() and admin.site.has_permission(request))


def learner_of(request: HttpRequest) -> str:
    """Return the learner that the request's programs count for: the member of staff, or else the client's address.

    Not the session: deleting a cookie would reset all limits. The address itself is not revealed.
    """
    if admin.site.has_permission(request) and isinstance(request.user, User):
        return f"{LEARNER_PREFIX}{request.user.username}"[:LEARNER_CHARACTERS]
    address = client_address(request)
    block = address_block(address) if address else "unknown"
    digest = salted_hmac("playground.learner", block, algorithm="sha256").hexdigest()
    return LEARNER_PREFIX + digest[:DIGITS_OF_AN_ADDRESS]


def playground_key() -> ApiKey:
    """Return the key of the playground, and create it when it is first needed. It may be revoked.

    It has no token: nobody can send it, only the service mints learner tokens with it. Safe to call from several
    processes at once, because the hash is unique.
    """
    with transaction.atomic():
        key, is_new = ApiKey.objects.get_or_create(
            token_hash=PLAYGROUND_HASH,
            defaults={"name": "Playground", "notes": NOTES, "kind": ApiKey.Kind.SECRET, "prefix": "playground"},
        )
        if is_new:
            record_event("key_created", target=key)
    return key
