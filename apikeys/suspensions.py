"""Suspending learners, addresses and keys, and lifting suspensions. django-auditlog records who did it."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apikeys.models import ApiKey, Suspension, active_suspensions
from web.connection import address_block

DOUBLE_CLICK = timedelta(minutes=1)
"""Two suspensions that end within this time of each other are the same."""


def suspend_learner(key: ApiKey, learner: str, reason: str, ends: datetime | None, author: User) -> Suspension:
    """Suspend a learner of the key's family."""
    return _suspend(Suspension(key=key, learner=learner, reason=reason, ends=ends, author=author))


def suspend_address(address: str, reason: str, ends: datetime | None, author: User) -> Suspension:
    """Suspend an address (for IPv6 its /64) for all keys."""
    return _suspend(Suspension(address=address_block(address), reason=reason, ends=ends, author=author))


def suspend_key(key: ApiKey, reason: str, ends: datetime | None, author: User) -> Suspension:
    """Suspend a key and its family."""
    return _suspend(Suspension(key=key, reason=reason, ends=ends, author=author))


def lift(suspension: Suspension) -> bool:
    """End a suspension. Return whether it was in force until now."""
    with transaction.atomic():
        current = active_suspensions().select_for_update().filter(pk=suspension.pk).first()
        if current is None:
            return False
        current.lifted = timezone.now()
        current.save(update_fields=["lifted"])
    return True


def _suspend(wanted: Suspension) -> Suspension:
    """Save and return `wanted`, or return the same suspension if it exists already, as after a double click.

    Raises ValidationError.
    """
    wanted.full_clean()
    with transaction.atomic():
        if wanted.author is not None:  # so that two clicks of one person are handled in turn
            User.objects.select_for_update().get(pk=wanted.author.pk)
        lasting = Q(ends=None) if wanted.ends is None else Q(ends=None) | Q(ends__gt=wanted.ends - DOUBLE_CLICK)
        same = active_suspensions().filter(key=wanted.key, learner=wanted.learner, address=wanted.address)
        if (existing := same.filter(lasting).first()) is not None:
            return existing
        wanted.save(force_insert=True)
    return wanted
