"""Shutting out and letting in again: learners, addresses and keys. django-auditlog records who did it."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apikeys.models import ApiKey, Suspension, active_suspensions
from web.client_address import address_block

DOUBLE_CLICK = timedelta(minutes=1)
"""An end that is no later than this after another's is the same."""


def suspend_learner(key: ApiKey, learner: str, reason: str, ends: datetime | None, author: User) -> Suspension:
    """Shut out a learner of the key's family."""
    return _suspend(Suspension(key=key, learner=learner, reason=reason, ends=ends, author=author))


def block_address(address: str, reason: str, ends: datetime | None, author: User) -> Suspension:
    """Shut out an address, of IPv6 its /64, whatever key it comes with."""
    return _suspend(Suspension(address=address_block(address), reason=reason, ends=ends, author=author))


def suspend_key(key: ApiKey, reason: str, ends: datetime | None, author: User) -> Suspension:
    """Shut out a key with its family."""
    return _suspend(Suspension(key=key, reason=reason, ends=ends, author=author))


def lift(suspension: Suspension) -> bool:
    """Let in again who was shut out. Return whether they were until now."""
    with transaction.atomic():
        current = active_suspensions().select_for_update().filter(pk=suspension.pk).first()
        if current is None:
            return False
        current.lifted = timezone.now()
        current.save(update_fields=["lifted"])
    return True


def _suspend(wanted: Suspension) -> Suspension:
    """Save `wanted`, unless the same one is shut out for as long already, as after a double click.

    Raises ValidationError.
    """
    wanted.full_clean()
    with transaction.atomic():
        if wanted.author is not None:  # two clicks of one person, one after the other
            User.objects.select_for_update().get(pk=wanted.author.pk)
        lasting = Q(ends=None) if wanted.ends is None else Q(ends=None) | Q(ends__gt=wanted.ends - DOUBLE_CLICK)
        same = active_suspensions().filter(key=wanted.key, learner=wanted.learner, address=wanted.address)
        if (standing := same.filter(lasting).first()) is not None:
            return standing
        wanted.save(force_insert=True)
    return wanted
