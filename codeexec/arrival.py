"""The part of a request that has arrived: its length, and its client's address."""

import re

from django.conf import settings

from web.connection import address_block, outermost_address

LONGEST_HEAD_BYTES = 32 * 1024

TEXT_WEIGHT, WIDE_TEXT_WEIGHT = 2, 4
"""How many bytes to count for one of a request: while it is answered, its text is there as well, and in a string with
one character beyond U+FFFF, Python takes four bytes for each."""

END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\nContent-Length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\nTransfer-Encoding:", re.IGNORECASE)
EXPECTS_CONTINUE = re.compile(rb"\r\nExpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
FORWARDED_FOR = re.compile(rb"\r\nX-Forwarded-For:([^\r]*)", re.IGNORECASE)
HEALTH = re.compile(rb"(?:GET|HEAD) /health[ ?]")
ESCAPED_CHARACTER = re.compile(rb"\\u")
"""As an expression: `in` looks at each of many backslashes anew, which takes four times as long."""


def weight(received: bytes | bytearray) -> int:
    """Return how many bytes to count for each of a request. Looks only for what is not ASCII, because that is fast."""
    is_narrow = received.isascii() and not ESCAPED_CHARACTER.search(received)
    return TEXT_WEIGHT if is_narrow else WIDE_TEXT_WEIGHT


class Arrival:
    """The bytes that a connection has received and no thread has been given.

    gunicorn parses them later, and strictly. Where it finds another length than we do here, it misses bytes and closes
    the connection.
    """

    _head: bytes
    _length: int | None
    """The length of the request, once its head is here. Of a head that is too long, what is here."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._begin()

    def _begin(self) -> None:
        self._head, self._length = b"", None
        self.weight = TEXT_WEIGHT
        """How many bytes to count for each that is here."""

    def __len__(self) -> int:
        return len(self._received)

    def add(self, data: bytes | bytearray) -> None:
        """Add what was received."""
        searched = max(0, len(self._received) - len(END_OF_HEAD))
        self._received += data
        self.weight = max(self.weight, weight(self._received[searched:]))
        if self._length is not None:
            return
        end = self._received.find(END_OF_HEAD, searched)
        if 0 <= end <= LONGEST_HEAD_BYTES:
            self._head = bytes(self._received[: end + len(END_OF_HEAD)])
            self._length = len(self._head) + self._body_length()
        elif len(self._received) > LONGEST_HEAD_BYTES:
            self._length = len(self._received)

    def _body_length(self) -> int:
        """Return how much of the body to wait for: nothing of one that will be refused."""
        found = LENGTH.search(self._head)
        length = int(found[1]) if found and not CHUNKED.search(self._head) else 0
        return length if length <= settings.LONGEST_BODY_BYTES else 0

    @property
    def held_bytes(self) -> int:
        """What to count for it."""
        return len(self._received) * self.weight

    @property
    def is_complete(self) -> bool:
        """Whether the request can be answered without waiting for the client."""
        return self._length is not None and len(self._received) >= self._length

    @property
    def has_head(self) -> bool:
        """Whether at least the head is here."""
        return bool(self._head)

    @property
    def is_for_health(self) -> bool:
        """Whether this is a health check."""
        return HEALTH.match(self._head) is not None

    @property
    def waits_for_continue(self) -> bool:
        """Whether the client sends the body only after a response with the status 100."""
        return len(self._received) == len(self._head) > 0 and EXPECTS_CONTINUE.search(self._head) is not None

    def address(self, peer: str) -> str | None:
        """Return the client's address block. None if a proxy of ours has not said it yet."""
        if settings.TRUSTED_PROXY_COUNT and not self._head:
            return None
        forwarded = b",".join(FORWARDED_FOR.findall(self._head)).decode("latin-1")
        address = outermost_address(peer, forwarded)
        return address and address_block(address)

    def take(self) -> bytes | bytearray:
        """Return the request, and begin with what follows it.

        Of an incomplete one, return the head and forget the rest.
        """
        request: bytes | bytearray = self._head
        following = bytearray()
        if self.is_complete:
            request, following = self._received, self._received[self._length :]
            del request[self._length :]
        self._received = bytearray()
        self._begin()
        self.add(following)
        return request
