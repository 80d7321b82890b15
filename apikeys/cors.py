"""Which pages may read our responses: those of the settings, and those of any active key."""

import re
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest

from apikeys.models import usable_keys


class KeyOrigins:
    """Answers django-cors-headers, which asks about each origin that it does not know."""

    def __init__(self) -> None:
        self._last: frozenset[str] = frozenset()
        """From the database's last answer: while it is down, pages of these origins can read our 503."""

    def allow(self, sender: object, request: HttpRequest, **kwargs: Any) -> bool:
        """Return whether the request's origin belongs to a key.

        A preflight request carries no key, so the origins of all keys count. Authentication checks the key's own later.
        """
        origin = request.headers.get("Origin")
        # It also asks about paths outside the API, which must stay closed.
        if origin is None or not re.match(settings.CORS_URLS_REGEX, request.path_info):
            return False
        try:
            self._last = frozenset(chain.from_iterable(usable_keys().values_list("origins", flat=True)))
        except (DatabaseError, InterfaceError):  # the view answers 503
            pass
        return origin in self._last
