"""The second factor of a login: a token of six digits from an authenticator (TOTP, RFC 6238), one device a person."""

from django.contrib.auth.models import User
from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice


class AlreadyEnrolled(Exception):
    """A person has a device already."""


def enrol(user: User, *, replace: bool = False) -> TOTPDevice:
    """Create the device of `user` and return it. With `replace` an earlier one goes, and the sessions that it opened.

    Raises AlreadyEnrolled.
    """
    with transaction.atomic():
        earlier = TOTPDevice.objects.select_for_update().filter(user=user)
        if earlier and not replace:
            raise AlreadyEnrolled(f"{user} has a device already")
        earlier.delete()
        return TOTPDevice.objects.create(user=user, name="authenticator")


def verify(user: User, token: str) -> TOTPDevice | None:
    """Return the device of `user` if `token` is its token of this half minute and was not used before, else None.

    After a wrong one the device refuses everything for a second, then for two, four, and so on.
    """
    with transaction.atomic():  # the row is locked: of two logins with one token at once, one fails
        device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
        return device if device is not None and device.verify_token(token) else None
