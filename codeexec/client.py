"""A connection of the worker, and what it waits for."""

from enum import Enum, auto
from typing import Any

from gunicorn.http.body import LengthReader  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn  # type: ignore[import-untyped]

from codeexec.arrival import Arrival
from codeexec.hurried_socket import HurriedSocket


class State(Enum):
    """What we wait for."""

    REQUEST = auto()
    """The client has to send a request."""
    THREAD = auto()
    """A thread has to answer the request."""
    READING = auto()
    """The client has to read the response."""
    CLOSE = auto()
    """The client has to close."""
    GONE = auto()
    """Nothing: the connection is closed."""


class Client(TConn):  # type: ignore[misc]
    """A connection and what it waits for."""

    def __init__(self, cfg: Any, sock: HurriedSocket, peer: tuple[Any, ...], server: Any) -> None:
        super().__init__(cfg, sock, peer, server)
        self.data_ready = True  # for gunicorn, which would wait for it
        self.arrival = Arrival()
        self.address = self.arrival.address(peer[0])
        self.state = State.REQUEST
        self.watched = 0
        self.given_bytes = 0  # what its thread has
        self.is_kept = False

    @property
    def held_bytes(self) -> int:
        return int(self.arrival.held_bytes + self.given_bytes + self.sock.unsent_bytes)

    @property
    def may_go(self) -> bool:
        return self.state is not State.THREAD or bool(self.sock.is_unsent)

    def has_body_of(self, request: Any) -> bool:
        """Return whether we have all of the request's body. We wait for none that is chunked or too large."""
        reader = request.body.reader
        here = len(self.parser.unreader.buf.getvalue()) + self.sock.unread_bytes
        return isinstance(reader, LengthReader) and reader.length <= here
