"""When a request has arrived, and whose it is."""

import pytest
from pytest_django import Settings

from codeexec.arrival import LONGEST_HEAD_BYTES, TEXT_WEIGHT, WIDE_TEXT_WEIGHT, Arrival

HEAD = b"POST /execute HTTP/1.1\r\nHost: localhost\r\n"
PEER = "192.0.2.1"


def arrived(*parts: bytes) -> Arrival:
    arrival = Arrival()
    for part in parts:
        arrival.add(part)
    return arrival


@pytest.mark.parametrize("length", ["Content-Length: 5", "content-length:5", "CONTENT-LENGTH: \t5 "])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_request_is_complete_with_its_last_byte(length: str, size: int) -> None:
    request = HEAD + length.encode() + b"\r\n\r\n12345"
    arrival = arrived()
    for begin in range(0, len(request), size):
        assert not arrival.is_complete
        arrival.add(request[begin : begin + size])
    assert arrival.is_complete
    assert arrival.take() == request


def test_what_follows_a_request_is_the_next() -> None:
    first, second = HEAD + b"Content-Length: 2\r\n\r\n{}", b"GET /health HTTP/1.1\r\n\r\n"
    arrival = arrived(first + second + b"GET /")
    assert not arrival.is_for_health
    assert arrival.take() == first
    assert arrival.is_complete
    assert arrival.is_for_health
    assert arrival.take() == second
    assert not arrival.is_complete
    assert len(arrival) == len(b"GET /")


def test_of_an_incomplete_request_only_the_head_is_taken() -> None:
    head = HEAD + b"Content-Length: 50\r\n\r\n"
    arrival = arrived(head + b"12345")
    assert arrival.take() == head
    assert len(arrival) == 0


@pytest.mark.parametrize(
    "field",
    [b"Transfer-Encoding: chunked\r\nContent-Length: 50", b"Content-Length: 2097153", b"Content-Length: -5", b"A: b"],
)
def test_a_body_that_will_be_refused_is_not_waited_for(field: bytes) -> None:
    assert arrived(HEAD + field + b"\r\n\r\n").is_complete


def test_a_body_of_the_longest_size_is_waited_for() -> None:
    assert not arrived(HEAD + b"Content-Length: 2097152\r\n\r\n").is_complete


def test_an_endless_head_is_not_waited_for() -> None:
    assert not arrived(HEAD, b"x" * (LONGEST_HEAD_BYTES - len(HEAD))).is_complete
    assert arrived(HEAD, b"x" * LONGEST_HEAD_BYTES).is_complete
    assert not arrived(HEAD + b"x" * LONGEST_HEAD_BYTES + b"\r\n\r\n").has_head  # however it arrives


def test_only_a_client_that_expects_it_waits_for_continue() -> None:
    head = HEAD + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    assert arrived(head).waits_for_continue
    assert not arrived(head[:-2]).waits_for_continue
    assert not arrived(head, b"1").waits_for_continue
    assert not arrived(HEAD + b"Content-Length: 5\r\n\r\n").waits_for_continue


@pytest.mark.parametrize(
    ("line", "is_health"),
    [
        (b"GET /health HTTP/1.1", True),
        (b"HEAD /health HTTP/1.0", True),
        (b"GET /health?x=1 HTTP/1.1", True),
        (b"GET /healthy HTTP/1.1", False),
        (b"POST /health HTTP/1.1", False),
        (b"GET /x/health HTTP/1.1", False),
    ],
)
def test_health_checks_are_recognized(line: bytes, is_health: bool) -> None:
    assert arrived(line + b"\r\nHost: localhost\r\n\r\n").is_for_health is is_health


def test_the_address_is_the_peers_without_a_proxy() -> None:
    forged = HEAD + b"X-Forwarded-For: 203.0.113.9\r\n\r\n"
    assert arrived().address(PEER) == arrived(forged).address(PEER) == PEER
    assert arrived().address("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::"


def test_the_address_is_the_one_that_a_trusted_proxy_names(settings: Settings) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    head = HEAD + b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 203.0.113.8, 203.0.113.7\r\n"
    assert arrived(head).address(PEER) is None
    assert arrived(head, b"\r\n").address(PEER) == "203.0.113.7"
    assert arrived(HEAD, b"\r\n").address(PEER) == PEER
    assert arrived(HEAD, b"X-Forwarded-For: nonsense\r\n\r\n").address(PEER) is None


@pytest.mark.parametrize(
    ("text", "weight"),
    [("xy\\nz", TEXT_WEIGHT), ("é", WIDE_TEXT_WEIGHT), ("🐍", WIDE_TEXT_WEIGHT), ("\\ud83d\\udc0d", WIDE_TEXT_WEIGHT)],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_request_counts_for_the_memory_that_its_text_takes(text: str, weight: int, size: int) -> None:
    """However it is split; what follows it counts for itself."""
    body = f'{{"code": "{text}"}}'.encode()
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    arrival = arrived(*(request[begin : begin + size] for begin in range(0, len(request), size)))
    assert arrival.held_bytes == len(request) * weight
    arrival.add(b"GET /")
    arrival.take()
    assert arrival.held_bytes == len(b"GET /") * TEXT_WEIGHT
