"""Which pages may read our answers: those of the settings, and those of any active key."""

import re
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest

from apikeys.models import usable_keys


def is_origin_of_a_key(sender: object, request: HttpRequest, **kwargs: Any) -> bool:
    """Return whether the request's origin is one of a key. Asked by django-cors-headers for origins it has not.

    A preflight request carries no key, so the origins of all keys count; whether a key may be used from an origin
    is decided when it is.
    """
    origin = request.headers.get("Origin")
    # We are also asked about every path that is none of the API's, and may not open those.
    if origin is None or not re.match(settings.CORS_URLS_REGEX, request.path_info):
        return False
    try:
        return any(origin in origins for origins in usable_keys().values_list("origins", flat=True))
    except (DatabaseError, InterfaceError):  # the view says so to whoever may read it
        return False
