"""What a webhook says, and how it is signed: https://www.standardwebhooks.com."""

import time
from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from apikeys.webhook_secrets import signature
from executions.api.answers import StoredAnswerSerializer
from executions.models import Execution

EVENT = "execution.finished"

MOST_BYTES = 64 * 1024
"""Of a body: less than what frameworks accept unless told otherwise, such as 100 kB. Few answers are longer."""


def body_of(execution: Execution) -> bytes:
    """Return the event: what `GET /executions/{id}` answers or, if that is too long, the id and the status alone."""
    body = _event(execution, StoredAnswerSerializer().to_representation(execution))
    if len(body) > MOST_BYTES:
        return _event(execution, {"id": str(execution.public_id), "status": execution.status})
    return body


def headers_of(execution: Execution, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """Return the headers of an attempt that begins now. The id is that of the execution, at each attempt."""
    message_id, seconds = str(execution.public_id), int(time.time())
    return {
        "Content-Type": "application/json",
        "User-Agent": "code-execution-webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signature(secret, message_id, seconds, body) for secret in secrets),
    }


def _event(execution: Execution, data: dict[str, Any]) -> bytes:
    # What was interrupted by a crash has no end on record.
    event = {"type": EVENT, "timestamp": execution.finished or timezone.now(), "data": data}
    body: bytes = JSONRenderer().render(event)
    return body
