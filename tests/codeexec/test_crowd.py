"""Which connection goes when there are too many, or when they hold too much."""

from dataclasses import dataclass
from itertools import count

import pytest

from codeexec.crowd import SMALL_BYTES, Crowd

MOST = 100
HALF = MOST // 2
MOST_HELD_BYTES = 16 * 1024 * 1024
LARGE = MOST_HELD_BYTES // 8


@dataclass(eq=False)
class FakeClient:
    address: str | None
    held_bytes: int = 0
    may_go: bool = True


def filled(crowd: Crowd[FakeClient], number: int, address: str | None, held_bytes: int = 0) -> list[FakeClient]:
    """Add so many clients of an address, and return them."""
    clients = [FakeClient(address, held_bytes) for _ in range(number)]
    for client in clients:
        crowd.add(client)
    return clients


@pytest.fixture
def crowd() -> Crowd[FakeClient]:
    return Crowd(MOST)


@pytest.mark.wall("few_connections")
def test_oldest_connection_of_an_address_goes_when_it_has_half_of_all(crowd: Crowd[FakeClient]) -> None:
    oldest, *others = filled(crowd, HALF, "192.0.2.1")
    filled(crowd, 1, "192.0.2.2")
    assert crowd.one_too_many(others[-1]) is None
    [newest] = filled(crowd, 1, "192.0.2.1")
    assert crowd.one_too_many(newest) is oldest


def test_oldest_connection_of_the_address_with_most_goes_when_there_are_too_many(crowd: Crowd[FakeClient]) -> None:
    filled(crowd, 1, "192.0.2.9")
    oldest, *_ = filled(crowd, HALF, "192.0.2.1")
    *_, last = filled(crowd, HALF - 1, "192.0.2.2")
    assert crowd.one_too_many(last) is None
    [newest] = filled(crowd, 1, "192.0.2.3")
    assert crowd.one_too_many(newest) is oldest


def test_connections_whose_client_a_proxy_has_not_named_are_not_of_one_address(crowd: Crowd[FakeClient]) -> None:
    *_, newest = filled(crowd, MOST, None)
    assert crowd.one_too_many(newest) is None


def test_connection_that_waits_again_is_the_newest(crowd: Crowd[FakeClient]) -> None:
    first, second, *others = filled(crowd, HALF + 1, "192.0.2.1")
    crowd.add(first)
    assert crowd.one_too_many(others[-1]) is second


def test_connection_with_a_thread_does_not_go(crowd: Crowd[FakeClient]) -> None:
    first, second, *others = filled(crowd, HALF + 1, "192.0.2.1")
    first.may_go = False
    assert crowd.one_too_many(others[-1]) is second
    for client in crowd:
        client.may_go = False
    assert crowd.one_too_many(others[-1]) is None


@pytest.mark.wall("few_held_bytes")
def test_oldest_large_connection_of_the_address_that_holds_most_goes(crowd: Crowd[FakeClient]) -> None:
    filled(crowd, 2, "192.0.2.2", LARGE)
    filled(crowd, 10, "192.0.2.1", SMALL_BYTES)
    oldest, *_ = filled(crowd, 5, "192.0.2.1", LARGE)
    assert crowd.one_too_large() is None
    filled(crowd, 1, "192.0.2.3", LARGE)
    assert crowd.one_too_large() is oldest
    crowd.remove(oldest)
    assert crowd.one_too_large() is None


def test_small_connections_never_go_for_what_they_hold(crowd: Crowd[FakeClient]) -> None:
    filled(crowd, MOST_HELD_BYTES // SMALL_BYTES + 1, None, SMALL_BYTES)
    assert crowd.one_too_large() is None


def test_what_a_connection_holds_is_forgotten_when_it_leaves(crowd: Crowd[FakeClient]) -> None:
    for number in count():
        [client] = filled(crowd, 1, str(number), LARGE)
        client.held_bytes *= 2
        crowd.weigh(client)
        crowd.move(client, "192.0.2.1")
        crowd.remove(client)
        crowd.remove(client)
        assert len(crowd) == 0
        assert crowd.one_too_large() is None
        if number == MOST:
            break
