"""The connections of a worker: how many there may be, what they may hold, and which one to close first."""

from collections import Counter
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

SMALL_BYTES = 16 * 1024
"""What each connection may hold, whatever the others do."""

MOST_HELD_BYTES = 16 * 1024 * 1024
"""What all connections together may hold if some hold more than SMALL_BYTES."""


class Member(Protocol):
    """A connection."""

    address: str | None
    """The address block of the client. None if a proxy of ours has not said it yet."""

    @property
    def held_bytes(self) -> int:
        """How much we hold of its request and its response."""

    @property
    def may_go(self) -> bool:
        """Whether we wait for the client: for its request, or until it reads the response."""


M = TypeVar("M", bound=Member)


class Crowd(Generic[M]):
    """All connections, those that have been waiting for longest first.

    The one that goes is the oldest of the address that has most. An honest client is done before it is the oldest, and
    an address cannot shut out others.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._members: dict[M, int] = {}
        self._of_address: Counter[str | None] = Counter()
        self._held_bytes = 0

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[M]:
        return iter(list(self._members))

    def add(self, member: M) -> None:
        """Add a connection, or move it to the end."""
        self.remove(member)
        self._members[member] = 0
        self._count(member.address, 1)
        self.weigh(member)

    def remove(self, member: M) -> None:
        """Remove a connection, if it is here."""
        if member in self._members:
            self._held_bytes -= self._members.pop(member)
            self._count(member.address, -1)

    def move(self, member: M, address: str | None) -> None:
        """Count a connection for another address."""
        self._count(member.address, -1)
        member.address = address
        self._count(address, 1)

    def _count(self, address: str | None, change: int) -> None:
        self._of_address[address] += change
        if not self._of_address[address]:
            del self._of_address[address]

    def weigh(self, member: M) -> None:
        """Note what a connection holds now."""
        self._held_bytes += member.held_bytes - self._members[member]
        self._members[member] = member.held_bytes

    def one_too_many(self, newest: M) -> M | None:
        """Return a connection to close, because `newest` has come, or None.

        No address may have more than half of all. Those of proxies that have not named their clients are of no address.
        """
        if newest.address is not None and self._of_address[newest.address] > self._most // 2:
            return self._oldest(newest.address)
        if len(self) > self._most:
            return self._oldest(self._of_address.most_common(1)[0][0])
        return None

    def one_too_large(self) -> M | None:
        """Return a connection that holds too much, or None."""
        if self._held_bytes <= MOST_HELD_BYTES:
            return None
        large = [member for member, held in self._members.items() if held > SMALL_BYTES and member.may_go]
        of_address: Counter[str | None] = Counter()
        for member in large:
            of_address[member.address] += self._members[member]
        return next((each for each in large if each.address == of_address.most_common(1)[0][0]), None)

    def _oldest(self, address: str | None) -> M | None:
        return next((member for member in self._members if member.address == address and member.may_go), None)
