"""The attempts on record: which are due, who makes each of them, and what comes of it.

All times are the database's, so that the clocks of several processes need not agree (as in records/servers.py).
"""

import random
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from apikeys.webhook_secrets import secrets_of
from executions.models import Execution, Webhook, WebhookAttempt

PAUSES_SECONDS = (5, 30, 2 * 60, 10 * 60, 60 * 60, 6 * 60 * 60)
"""After each attempt that fails. After one more, the webhook is given up."""

JITTER = 0.2
"""The part of a pause that is added to it at random, so that those of one batch do not all return at once."""

LEASE = timedelta(minutes=2)
"""How long one process has an attempt for itself: much longer than it takes (sender.py). Then it counts as lost."""

CANDIDATES = 16
"""How many due attempts to look at: other processes may take the first ones at the same moment."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to make one attempt, signed with each of the `secrets`. Without any, it is not allowed any more."""

    execution: Execution
    url: str
    host: str
    number: int
    secrets: tuple[str, ...] = field(repr=False)


def claim(busy_hosts: Collection[str] = ()) -> Claim | None:
    """Return the right to make the attempt that is due first, to none of the `busy_hosts`, or None if none is due.

    Raises DatabaseError.
    """
    ended = Webhook.objects.exclude(execution__status=Execution.Status.RUNNING)
    due = ended.filter(next_attempt__lte=Now()).exclude(host__in=busy_hosts).order_by("next_attempt")
    for pk, attempted in due.values_list("pk", "attempted")[:CANDIDATES]:
        if _take(pk, attempted):
            found = Webhook.objects.select_related("execution__kept", "execution__key").filter(pk=pk).first()
            if found is not None:  # not erased in between
                return Claim(found.execution, found.url, found.host, attempted + 1, _secrets(found))
    return None


def settle(of: Claim, seconds: float, status: int | None = None, error: str = "", is_last: bool = False) -> str:
    """Record the result of an attempt and schedule the next. Return the result's name for the metrics.

    Raises DatabaseError.
    """
    webhook = Webhook.objects.filter(pk=of.execution.pk, state=Webhook.State.PENDING)
    with transaction.atomic():
        own = WebhookAttempt.objects.filter(execution=of.execution.pk, number=of.number)
        own.update(seconds=round(seconds, 3), status=status, error=error[:200])
        if status is not None and 200 <= status <= 299:
            state = Webhook.State.DELIVERED
        elif status == 410:
            state = Webhook.State.GONE
        elif is_last or of.number > len(PAUSES_SECONDS):
            state = Webhook.State.GIVEN_UP
        else:
            pause = PAUSES_SECONDS[of.number - 1] * random.uniform(1, 1 + JITTER)  # noqa: S311
            # Unless it took so long that it counts as lost, and another one has begun.
            webhook.filter(attempted=of.number).update(next_attempt=Now() + timedelta(seconds=pause))
            return "failed"
        webhook.update(state=state, next_attempt=None)
        return str(state)


def _secrets(webhook: Webhook) -> tuple[str, ...]:
    """Return what signs a webhook: nothing if staff have taken its host from the key."""
    key = webhook.execution.key
    return tuple(secrets_of(key.family)) if key is not None and webhook.host in key.webhook_hosts else ()


def _take(pk: int, attempted: int) -> bool:
    """Begin the next attempt, unless another process has; return whether it is ours."""
    due = Webhook.objects.filter(pk=pk, attempted=attempted, next_attempt__lte=Now())
    if attempted > len(PAUSES_SECONDS):  # the last one was lost
        due.update(state=Webhook.State.GIVEN_UP, next_attempt=None)
        return False
    with transaction.atomic():
        if not due.update(attempted=attempted + 1, next_attempt=Now() + LEASE):
            return False
        WebhookAttempt.objects.create(execution_id=pk, number=attempted + 1, begun=Now())
    return True
