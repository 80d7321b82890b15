"""Who may come near the admin at all: the addresses of ADMIN_ALLOWED_IPS. To all others it is not there."""

import ipaddress
from collections.abc import Awaitable
from functools import lru_cache

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from apikeys.client_address import client_address
from codeexec.errors import not_found

ADMIN_PATH = "/admin/"


class AdminGateMiddleware(CSPMiddleware):
    """Answers 404 to strangers, and gives the admin's pages their content security policy. All else passes."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Serve the request."""
        if not request.path_info.startswith(ADMIN_PATH):
            return self.get_response(request)
        if not is_allowed(client_address(request), tuple(settings.ADMIN_ALLOWED_IPS)):
            return not_found(request)
        return super().__call__(request)


@lru_cache(maxsize=1024)
def is_allowed(address: str | None, networks: tuple[str, ...]) -> bool:
    """Return whether one of `networks` holds `address`. No address is in none."""
    if address is None:
        return False
    found = ipaddress.ip_address(address)
    # A socket for both families shows 192.0.2.1 as ::ffff:192.0.2.1.
    known = getattr(found, "ipv4_mapped", None) or found
    return any(known in ipaddress.ip_network(network) for network in networks)
