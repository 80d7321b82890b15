"""Who may come near the admin, and a playground for staff: ADMIN_ALLOWED_IPS. To all others neither is there."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from web.client_address import client_address
from web.errors import not_found

ADMIN_PATH = "/admin/"
PLAYGROUND_PATH = "/playground"


class AdminGateMiddleware:
    """Answers 404 to strangers. All else passes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request."""
        if is_for_staff(request.path_info) and not is_allowed(
            client_address(request), tuple(settings.ADMIN_ALLOWED_IPS)
        ):
            return not_found(request)
        return self.get_response(request)


def is_for_staff(path: str) -> bool:
    """Return whether only staff have something to do at `path`."""
    return path.startswith(ADMIN_PATH) or (path.startswith(PLAYGROUND_PATH) and settings.PLAYGROUND != "public")


@lru_cache(maxsize=1024)
def is_allowed(address: str | None, networks: tuple[str, ...]) -> bool:
    """Return whether one of `networks` holds `address`. No address is in none."""
    if address is None:
        return False
    found = ipaddress.ip_address(address)
    # A socket for both families shows 192.0.2.1 as ::ffff:192.0.2.1.
    known = getattr(found, "ipv4_mapped", None) or found
    return any(known in ipaddress.ip_network(network) for network in networks)
