"""The line of callers who wait for a container: fair between keys, and between the learners of a key."""

import threading
from collections import OrderedDict, deque

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
        """Return the container that the caller, who has been called, was given. Raises the refusal if there is one."""
        if self._container is None:
            assert self._refusal is not None  # noqa: S101 (one of both is set)
            raise self._refusal
        return self._container


class Line:
    """Callers in line. The keys take turns, and the learners of a key; a learner's own callers stay in order.

    So one learner's loop of requests never delays another's first. Each change costs the same however long the line is.
    """

    def __init__(self) -> None:
        self._keys: OrderedDict[str, OrderedDict[str, OrderedDict[Ticket, None]]] = OrderedDict()
        self._ahead: deque[Ticket] = deque()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, ticket: Ticket) -> None:
        """Let a caller join the line."""
        ticket.line = self
        learners = self._keys.setdefault(ticket.party.key, OrderedDict())
        learners.setdefault(ticket.party.learner, OrderedDict())[ticket] = None
        self._length += 1

    def put_ahead(self, ticket: Ticket) -> None:
        """Let a caller be the next, whose turn it has been already."""
        ticket.line = self
        self._ahead.append(ticket)
        self._length += 1

    def pop(self) -> Ticket:
        """Remove and return the caller whose turn it is. The line must not be empty."""
        if self._ahead:
            self._length -= 1
            return self._ahead.popleft()
        key, learners = next(iter(self._keys.items()))
        learner, tickets = next(iter(learners.items()))
        ticket = next(iter(tickets))
        self.remove(ticket)
        if learner in learners:
            learners.move_to_end(learner)
        if key in self._keys:
            self._keys.move_to_end(key)
        return ticket

    def remove(self, ticket: Ticket) -> None:
        """Remove a caller who gives up."""
        self._length -= 1
        if ticket in self._ahead:
            self._ahead.remove(ticket)
            return
        key, learner = ticket.party
        learners = self._keys[key]
        del learners[learner][ticket]
        if not learners[learner]:
            del learners[learner]
        if not learners:
            del self._keys[key]
