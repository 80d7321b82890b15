"""Which pages may read our responses: those of the settings, and those of any active key."""

import re
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest

from apikeys.models import usable_keys

known: dict[str, frozenset[str]] = {"origins": frozenset()}
"""The origins of all keys when the database last answered: while it does not, their pages can read our 503."""


def is_origin_of_a_key(sender: object, request: HttpRequest, **kwargs: Any) -> bool:
    """Return whether the request's origin belongs to a key. django-cors-headers asks about origins it does not know.

    A preflight request carries no key, so the origins of all keys count. Authentication checks the key's own later.
    """
    origin = request.headers.get("Origin")
    # It also asks about paths outside the API, which must stay closed.
    if origin is None or not re.match(settings.CORS_URLS_REGEX, request.path_info):
        return False
    try:
        known["origins"] = frozenset(chain.from_iterable(usable_keys().values_list("origins", flat=True)))
    except (DatabaseError, InterfaceError):  # the view answers 503
        pass
    return origin in known["origins"]
