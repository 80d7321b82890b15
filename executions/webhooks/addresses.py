"""Which addresses webhooks may be sent to: those that anybody can reach, and none of our own network.

A name proves nothing: its owner can point it anywhere, and change it before the next look-up.
"""

import ipaddress
import socket

NEVER = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16",  # not private, but in each virtual machine of Azure its host
            "192.0.0.0/24",  # IETF protocol assignments; Oracle's metadata
            "192.88.99.0/24",  # relays of 6to4
            "2001::/23",  # IETF protocol assignments, among them Teredo, which contains IPv4 addresses
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which contains IPv4 addresses
            "3fff::/20",  # documentation
        ),
    )
)
"""What Python calls global, or did in some version. It knows nothing of the addresses that others contain."""

UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is assigned to machines. Outside are NAT64 (64:ff9b::/96) and IPv4 addresses in disguise."""


def is_public(address: str) -> bool:
    """Return whether an IP address is one of a machine in the internet."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    # With a zone (%eth0), an address is of one link.
    if "%" in address or not found.is_global or found.is_multicast or found.is_reserved:
        return False
    if found.version == 6 and found not in UNICAST:
        return False
    return not any(found in network for network in NEVER)


def addresses_of(name: str, port: int) -> list[str]:
    """Return the IP addresses of a host, the best first. Raises OSError."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
