"""The line of callers who wait for a container, in which nobody's many requests delay another's first."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any

from executions.sandbox.container.container import Container
from executions.sandbox.results import Party, SandboxError


class Ticket:
    """One caller in line. `called` is set once it has a container or is refused."""

    def __init__(self, party: Party) -> None:
        self.party = party
        self.called = threading.Event()
        self.line: Line | None = None
        self._container: Container | None = None
        self._refusal: SandboxError | None = None

    def grant(self, container: Container) -> None:
        """Give the caller this container."""
        self._container = container
        self.called.set()

    def refuse(self, refusal: SandboxError) -> None:
        """Let the caller raise this error."""
        self._refusal = refusal
        self.called.set()

    def leave(self) -> None:
        """Leave the line."""
        if self.line is not None:
            self.line.remove(self)

    def container(self) -> Container:
        """Return the container that the caller was given, once `called` is set. Raises the refusal if there is one."""
        if self._container is None:
            assert self._refusal is not None  # noqa: S101 (one of the two is set)
            raise self._refusal
        return self._container


class Line:
    """Callers in line. The keys take turns, then the callers of a key, then the learners that one claims to be.

    So one learner's loop of requests never delays another's first; requests of one party stay in order. Each change
    costs the same however long the line is.
    """

    def __init__(self) -> None:
        self._turns: OrderedDict[Any, Any] = OrderedDict()
        """Nested by the names of a party; the innermost has the tickets."""
        self._ahead: deque[Ticket] = deque()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, ticket: Ticket) -> None:
        """Let a caller join the line."""
        ticket.line = self
        turns = self._turns
        for name in ticket.party:
            turns = turns.setdefault(name, OrderedDict())
        turns[ticket] = None
        self._length += 1

    def put_ahead(self, ticket: Ticket) -> None:
        """Put a caller at the head of the line, because they have had their turn already."""
        ticket.line = self
        self._ahead.append(ticket)
        self._length += 1

    def pop(self, may_start: Callable[[Party], bool] = lambda _: True) -> Ticket | None:
        """Remove and return the caller at the head, or the first in turn who `may_start`; None if nobody may."""
        if self._ahead:
            self._length -= 1
            return self._ahead.popleft()
        for ticket in self._firsts():
            if may_start(ticket.party):
                self._take_turn(ticket)
                return ticket
        return None

    def _firsts(self) -> Iterator[Ticket]:
        """Yield the first ticket of each caller, in turn."""
        for callers in self._turns.values():
            for claimed in callers.values():
                yield next(iter(next(iter(claimed.values()))))

    def _take_turn(self, ticket: Ticket) -> None:
        self.remove(ticket)
        turns = self._turns
        for name in ticket.party:
            if name not in turns:
                break
            turns.move_to_end(name)
            turns = turns[name]

    def remove(self, ticket: Ticket) -> None:
        """Remove a caller who gives up."""
        self._length -= 1
        if ticket in self._ahead:
            self._ahead.remove(ticket)
        else:
            _remove(self._turns, (*ticket.party, ticket))


def _remove(turns: OrderedDict[Any, Any], path: tuple[Any, ...]) -> None:
    """Remove what `path` leads to, and whatever is empty afterwards."""
    first, *rest = path
    if rest:
        _remove(turns[first], tuple(rest))
    if not turns[first]:
        del turns[first]
