"""The secrets that sign webhooks (https://www.standardwebhooks.com): one per family of keys, more during a change."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apikeys.models import ApiKey, WebhookSecret
from audit.events import record_event

PREFIX = "whsec_"
SECRET_BYTES = 32


def make_secret(key: ApiKey, old_ends: datetime) -> str:
    """Create a secret for the key's family and return it. Earlier secrets also sign until `old_ends`."""
    secret = PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    with transaction.atomic():
        ApiKey.objects.select_for_update().get(pk=key.pk)
        own = WebhookSecret.objects.filter(family=key.family)
        own.filter(ends__lte=timezone.now()).delete()
        own.filter(Q(ends=None) | Q(ends__gt=old_ends)).update(ends=old_ends)
        WebhookSecret.objects.create(family=key.family, secret=secret)
        record_event("webhook_secret_made", target=key, details={"old_ends": old_ends.isoformat()})
    return secret


def secrets_of(family: UUID) -> list[str]:
    """Return the secrets that sign now, the newest first."""
    lasting = Q(ends=None) | Q(ends__gt=timezone.now())
    found = WebhookSecret.objects.filter(lasting, family=family).order_by("-created")
    return list(found.values_list("secret", flat=True))


def signature(secret: str, message_id: str, seconds: int, body: bytes) -> str:
    """Return a secret's signature of a message that is sent at `seconds` since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.digest(key, f"{message_id}.{seconds}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"
