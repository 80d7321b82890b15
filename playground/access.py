"""Who may open the playground, and as which learner they run programs there."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from apikeys.serializers import LEARNER_CHARACTERS
from web.client_address import address_block, client_address

PREFIX = "playground:"
DIGITS_OF_AN_ADDRESS = 16


def is_on() -> bool:
    """Return whether there is a playground at all."""
    return settings.PLAYGROUND != "off"


def may_open(request: HttpRequest) -> bool:
    """Return whether whoever sends `request` may use the playground."""
    return settings.PLAYGROUND == "public" or (is_on() and admin.site.has_permission(request))


def learner_of(request: HttpRequest) -> str:
    """Return the learner that a request's programs are counted for: the member of staff, or else the address.

    Not the session: who drops a cookie would be somebody new, with all limits fresh. The address itself is not told.
    """
    if admin.site.has_permission(request) and isinstance(request.user, User):
        return f"{PREFIX}{request.user.username}"[:LEARNER_CHARACTERS]
    address = client_address(request)
    block = address_block(address) if address else "unknown"
    return PREFIX + salted_hmac("playground.learner", block, algorithm="sha256").hexdigest()[:DIGITS_OF_AN_ADDRESS]
