"""Which address counts as the client's."""

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from web.connection import address_block, client_address


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "address"),
    [
        (0, "203.0.113.9", None, "203.0.113.9"),
        (0, "203.0.113.9", "198.51.100.1", "203.0.113.9"),
        (1, "10.0.0.1", "198.51.100.1", "198.51.100.1"),
        (1, "10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        (2, "10.0.0.1", "1.2.3.4,198.51.100.1 , 10.0.0.2", "198.51.100.1"),
        (2, "10.0.0.1", "198.51.100.1", "10.0.0.1"),
        (1, "10.0.0.1", None, "10.0.0.1"),
        (1, "10.0.0.1", "1.2.3.4, not an address", None),
        (1, "10.0.0.1", "198.51.100.1:50000", "198.51.100.1"),
        (1, "10.0.0.1", "[2001:db8::1]:50000", "2001:db8::1"),
        (1, "10.0.0.1", "1.2.3.4, [2001:db8::1]", "2001:db8::1"),
        (1, "10.0.0.1", "2001:db8::1", "2001:db8::1"),
        (1, "10.0.0.1", "[198.51.100.1", "198.51.100.1"),
        (1, "10.0.0.1", "[", None),
        (0, "", None, None),
        (0, "2001:DB8::1", None, "2001:db8::1"),
        (0, "fe80::1%eth0", None, "fe80::1"),
    ],
)
def test_only_our_own_proxies_are_trusted(
    settings: Settings, proxies: int, peer: str, forwarded: str | None, address: str | None
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)
    assert client_address(request) == address


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
    ],
)
def test_ipv6_addresses_of_one_network_are_one_block(address: str, block: str) -> None:
    assert address_block(address) == block
