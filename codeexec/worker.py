"""gunicorn's threaded worker, with limits on how long a client can occupy a thread."""

import errno
import socket
import struct
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from web.connection import ending

STALLED_SECONDS = 5
"""How long a client may pause in the middle of a request or a response."""

SLOWEST_BYTES_A_SECOND = 32 * 1024
"""A request, headers and body, must arrive within STALLED_SECONDS plus its size at this speed. A response must be read
within the same time. Of a stream, only the time counts for which a piece waits to be read."""

FULL_PAUSE_SECONDS = 0.1
"""Between attempts to accept a client when there are no file descriptors left."""


class HurriedSocket(socket.socket):
    """A connection on which requests must arrive, and responses must be read, at a minimum speed.

    A read or write that would take longer raises ConnectionResetError. gunicorn logs a traceback for any other error,
    with which clients could fill the disk.
    """

    stalled_seconds: float = STALLED_SECONDS
    slowest_bytes_a_second: int = SLOWEST_BYTES_A_SECOND

    _deadline: float | None = None
    _spare_seconds: float

    def begin_request(self) -> None:
        """Restart the time limits, for a new request and its response."""
        self._deadline = None
        self._spare_seconds = self.stalled_seconds
        self._bound_by_kernel(socket.SO_SNDTIMEO, self.stalled_seconds)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return the next bytes, within the remaining time."""
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + self.stalled_seconds
        remaining_seconds = self._deadline - now
        try:
            if remaining_seconds <= 0:
                raise BlockingIOError
            self._bound_by_kernel(socket.SO_RCVTIMEO, min(self.stalled_seconds, remaining_seconds))
            data = super().recv(size, flags)
        except BlockingIOError:
            raise ConnectionResetError(errno.ECONNRESET, "the client sends too slowly") from None
        self._deadline += len(data) / self.slowest_bytes_a_second
        return data

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send a piece of a response, within the time left by earlier pieces plus its own."""
        rest = memoryview(data)
        deadline = time.monotonic() + self._spare_seconds + len(rest) / self.slowest_bytes_a_second
        try:
            while rest:
                remaining_seconds = deadline - time.monotonic()
                if remaining_seconds <= 0:
                    raise BlockingIOError
                self._bound_by_kernel(socket.SO_SNDTIMEO, min(self.stalled_seconds, remaining_seconds))
                rest = rest[self.send(rest, flags) :]
        except BlockingIOError:
            raise ConnectionResetError(errno.ECONNRESET, "the client reads too slowly") from None
        self._spare_seconds = min(self.stalled_seconds, deadline - time.monotonic())

    def _bound_by_kernel(self, option: int, seconds: float) -> None:
        """Set a timeout in the kernel: gunicorn changes the one that Python manages."""
        whole, part = divmod(max(1, int(seconds * 1_000_000)), 1_000_000)
        self.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", whole, part))


class BoundedThreadWorker(ThreadWorker):  # type: ignore[misc]
    """Keeps slow clients from occupying threads, and lingering ones from blocking the accepting thread."""

    socket_class = HurriedSocket

    def init_process(self) -> None:
        """Start serving."""
        self.cfg.set("sendfile", False)  # sendfile() waits without limit until the client reads
        super().init_process()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Start shutting down."""
        ending.set()
        super().handle_exit(sig, frame)

    def accept(self, listener: Any) -> None:
        """Accept a client. If no file descriptor is left, it stays in the kernel's queue.

        gunicorn would end the process, and with it all running programs.
        """
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                raise
            self.log.error("cannot accept a client yet: %s", error)
            self.murder_keepalived(force=True)  # idle connections
            time.sleep(FULL_PAUSE_SECONDS)

    def handle(self, conn: Any) -> Any:
        """Serve a request, and close the connection after its last one. Return what gunicorn expects."""
        # Otherwise one client per thread, each with half a request, could stop the service.
        if not isinstance(conn.sock, HurriedSocket):
            conn.sock = self.socket_class(fileno=conn.sock.detach())
        conn.sock.begin_request()
        is_kept = super().handle(conn)
        if not is_kept:
            # Waits up to 2 s for the client to close. gunicorn would wait in its only accepting thread: one client
            # that never closes, and reconnects every 2 s, could stop the service.
            conn.sock.begin_request()
            try:
                conn.close(graceful=True)
            except OSError:
                pass
            conn.close = _already_closed
        return is_kept


def _already_closed(graceful: bool = False) -> None:
    """Replace the second close, by gunicorn itself."""
