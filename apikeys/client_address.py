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
