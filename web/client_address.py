"""The address of the client, in one place."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """Return the address that the outermost of our own proxies saw, None if it is not an address.

    Each of `TRUSTED_PROXY_COUNT` proxies appends the address of its client to `X-Forwarded-For`. What stands further
    left was written by the client itself, and nothing of it is believed. With no proxy the header means nothing.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXY_COUNT:
        forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        if len(forwarded) >= settings.TRUSTED_PROXY_COUNT:
            address = forwarded[-settings.TRUSTED_PROXY_COUNT]
    try:
        return str(ipaddress.ip_address(address.partition("%")[0]))  # fe80::1%eth0: our interface is no part of it
    except ValueError:
        return None


def address_block(address: str) -> str:
    """Return what one client has of the address space: an IPv4 address itself, of an IPv6 address its /64.

    Whoever has one IPv6 address has 2**64 of them, and could come from another one each time.
    """
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False).network_address)
