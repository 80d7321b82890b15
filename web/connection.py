"""The connection of a request: the client's address, and whether the client has left or this process is stopping."""

import errno
import ipaddress
import select
import socket
import threading
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

ending = threading.Event()
"""Set when this process has been asked to stop: running programs finish, but those that wait for input are stopped."""

NO_ROOM = (errno.ECONNRESET, "there is no room for the request")
"""The arguments of the error for a body that was not received because other bodies took all the room."""


def client_address(request: HttpRequest) -> str | None:
    """Return the address that the outermost of our proxies saw, or None if it is not an address."""
    return outermost_address(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))


def client_block(request: HttpRequest) -> str | None:
    """Return the block of addresses that the client of a request controls, or None if its address is unknown."""
    address = client_address(request)
    return None if address is None else address_block(address)


def outermost_address(address: str, forwarded_for: str) -> str | None:
    """Return the address that the outermost of our proxies saw, or None if it is not an address.

    `address` is that of our peer. Each of `TRUSTED_PROXY_COUNT` proxies appends its client's address to
    `X-Forwarded-For`. Everything further left was written by the client and is ignored. Without a proxy, the header is
    ignored.
    """
    if settings.TRUSTED_PROXY_COUNT:
        forwarded = [part.strip() for part in forwarded_for.split(",") if part.strip()]
        if len(forwarded) >= settings.TRUSTED_PROXY_COUNT:
            address = _without_port(forwarded[-settings.TRUSTED_PROXY_COUNT])
    try:
        return str(ipaddress.ip_address(address.partition("%")[0]))  # fe80::1%eth0: the zone is our own interface
    except ValueError:
        return None


def _without_port(forwarded: str) -> str:
    """Return the address of `192.0.2.1:50000`, `[2001:db8::1]:50000` or `[2001:db8::1]`, as some proxies write it."""
    if forwarded.startswith("["):
        return forwarded[1:].partition("]")[0]
    return forwarded.partition(":")[0] if forwarded.count(":") == 1 else forwarded


@lru_cache(maxsize=1024)
def address_block(address: str) -> str:
    """Return the block that one client controls: an IPv4 address itself, the /64 of an IPv6 address.

    A client with one IPv6 address has 2**64 of them, and could use another one for each request.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)


@lru_cache(maxsize=1024)
def is_in_networks(address: str | None, networks: tuple[str, ...]) -> bool:
    """Return whether one of `networks` contains `address`. None is in no network."""
    if address is None:
        return False
    parsed = ipaddress.ip_address(address)
    # A dual-stack socket shows 192.0.2.1 as ::ffff:192.0.2.1.
    unmapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(unmapped in ipaddress.ip_network(network) for network in networks)


def client_has_gone(connection: socket.socket | None) -> bool:
    """Return whether the client has closed its side and will not read the response. Does not block.

    A client that only stops sending and still reads looks the same. Browsers, proxies and HTTP libraries do not stop
    sending before they have the response.
    """
    if connection is None:  # not served by gunicorn
        return False
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)  # the kernel reports errors in any case
    return bool(poll.poll(0))
