"""A non-blocking socket: no thread waits for its client."""

import errno
import math
import mmap
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

STALLED_SECONDS = 5
"""How long a client may pause in the middle of a request or a response."""

SLOWEST_BYTES_A_SECOND = 32 * 1024
"""A request, headers and body, must arrive within STALLED_SECONDS plus its size at this speed. A response must be read
within the same time. Of a stream, only the time counts for which a piece waits to be read."""

MOST_UNSENT_BYTES = 4 * 1024 * 1024
"""How much of a response waits here for its client. A thread that produces more waits, too."""

INCOMPLETE = (errno.ECONNRESET, "the client has gone, or sends too slowly")

RECEIVED_AT_ONCE = 64 * 1024


class HurriedSocket(socket.socket):
    """Gives its thread a request that has arrived, and sends what the client does not read at once later.

    The worker's loop calls receive(), send_rest() and abort(); the thread of a request calls the others. Any error is a
    ConnectionResetError or the like: gunicorn logs a traceback for others, with which clients could fill the disk.
    """

    stalled_seconds: float = STALLED_SECONDS
    slowest_bytes_a_second: int = SLOWEST_BYTES_A_SECOND
    most_unsent_bytes: int = MOST_UNSENT_BYTES

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        super().setblocking(False)
        self.on_unsent: Callable[[], object] = bool
        """Called in a thread when the client does not read a piece of its response at once."""
        self._changed = threading.Condition()
        self._unsent: deque[tuple[memoryview, float, int]] = deque()
        """The pieces of a response that the client has not read, by when it must have read them, and what they hold."""
        self._last_due = 0.0
        self._is_aborted = False
        self.unsent_bytes = 0
        """What unsent pieces take of our memory."""
        self.give(b"")

    def setblocking(self, flag: bool) -> None:
        """Do nothing: it never blocks."""

    def settimeout(self, value: float | None) -> None:
        """Do nothing: it never waits."""

    def receive(self) -> bytes:
        """Return what has been received, b"" at its end. Raises BlockingIOError if there is nothing."""
        return super().recv(RECEIVED_AT_ONCE)

    def give(self, request: bytes | bytearray, error: tuple[int, str] = INCOMPLETE) -> None:
        """Begin a request. If it is incomplete, the thread gets `error` where it reads further."""
        self._request = memoryview(request)
        self._error = error
        self._spare_seconds = self.stalled_seconds

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return the next bytes of the request."""
        if not self._request:
            raise ConnectionResetError(*self._error)
        data, self._request = bytes(self._request[:size]), self._request[size:]
        if not self._request:
            self._request = memoryview(b"")  # releases the others
        return data

    @property
    def unread_bytes(self) -> int:
        """How much of the request the thread has not read."""
        return len(self._request)

    def send(self, data: Any, flags: int = 0) -> int:
        """Do nothing: gunicorn calls it for a `100 Continue` only, which the client has had before its body."""
        return len(data)

    def send_now(self, data: bytes) -> None:
        """Send a few bytes in front of a response, if there is room for them."""
        with suppress(OSError):
            super().send(data)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send a piece of a response. What the client does not read yet is sent later."""
        self._queue(memoryview(data), len(data))

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a part of a file. What the client does not read yet stays in the file."""
        piece = memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))[offset:][:count]
        self._queue(piece, 0)
        return len(piece)

    def _queue(self, piece: memoryview, held_bytes: int) -> None:
        with self._changed:
            was_unsent = self.is_unsent
            begin = self._last_due if was_unsent else time.monotonic() + self._spare_seconds
            self._last_due = begin + len(piece) / self.slowest_bytes_a_second
            self._unsent.append((piece, self._last_due, held_bytes))
            self.unsent_bytes += held_bytes
            self._send()
            if self.is_unsent and not was_unsent:
                self.on_unsent()
            while self.unsent_bytes > self.most_unsent_bytes:
                self._changed.wait(max(0.0, self.due - time.monotonic()))
                self._demand_time()

    def send_rest(self) -> None:
        """Send what the client has room for now. Raises OSError if the connection has ended."""
        with self._changed:
            self._send()
            self._changed.notify()

    @property
    def is_unsent(self) -> bool:
        """Whether the client has not read all of its response."""
        return bool(self._unsent)

    @property
    def due(self) -> float:
        """By when the client must have read the next piece."""
        with self._changed:
            return self._unsent[0][1] if self._unsent else math.inf

    def _demand_time(self) -> None:
        if self._is_aborted or time.monotonic() > self.due:
            raise ConnectionResetError(errno.ECONNRESET, "the client reads too slowly")

    def _send(self) -> None:
        self._demand_time()
        while self._unsent:
            piece, due, held_bytes = self._unsent[0]
            try:
                sent = super().send(piece)
            except BlockingIOError:
                return
            if sent < len(piece):
                self._unsent[0] = piece[sent:], due, held_bytes
            else:
                self._unsent.popleft()
                self.unsent_bytes -= held_bytes
        self._spare_seconds = min(self.stalled_seconds, self._last_due - time.monotonic())

    def abort(self) -> None:
        """End the connection, but leave the descriptor to the thread that may be using it."""
        with self._changed:
            self._is_aborted = True
            self._unsent.clear()
            self.unsent_bytes = 0
            self._changed.notify()
        with suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)
