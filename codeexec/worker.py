"""gunicorn's worker with threads, with a bound to how long a client can hold it up."""

import errno
import socket
import struct
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from web.connection import ending

STALLED_SECONDS = 5
"""How long a client may send or take nothing in the middle of a request or an answer."""

SLOWEST_BYTES_A_SECOND = 32 * 1024
"""A request must be here, headers and body, after STALLED_SECONDS and a second more for each so many bytes of it. So
must an answer be taken; of one that comes piece by piece, what counts is the time for which a piece waits."""

FULL_PAUSE_SECONDS = 0.1
"""Between the attempts to take a client where none can be taken."""


class BoundedThreadWorker(ThreadWorker):  # type: ignore[misc]
    """Lets no client that stalls or drips keep a thread, and none that lingers keep the one that accepts for all."""

    def init_process(self) -> None:
        """Begin to serve."""
        self.cfg.set("sendfile", False)  # Python would wait, without end, until there is room for more of the file
        super().init_process()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to end."""
        ending.set()
        super().handle_exit(sig, frame)

    def accept(self, listener: Any) -> None:
        """Take a client, unless there is no descriptor left for it: it waits in the kernel's line then.

        gunicorn would end the process, and with it every program that runs.
        """
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                raise
            self.log.error("a client has to wait: %s", error)
            self.murder_keepalived(force=True)  # those that only might come back
            time.sleep(FULL_PAUSE_SECONDS)

    def handle(self, conn: Any) -> Any:
        """Serve a request and, if it was the connection's last, close it; return what gunicorn is to do with it."""
        # As many clients as there are threads, each with half a request, would stop the service.
        if not isinstance(conn.sock, HurriedSocket):
            conn.sock = HurriedSocket(fileno=conn.sock.detach())
        conn.sock.begin_request()
        is_kept = super().handle(conn)
        if not is_kept:
            # Waits up to 2 s for the client to close. gunicorn would wait in its only thread that accepts: one client
            # that never closes, coming again every 2 s, would stop the service.
            conn.sock.begin_request()
            try:
                conn.close(graceful=True)
            except OSError:
                pass
            conn.close = _already_closed
        return is_kept


class HurriedSocket(socket.socket):
    """A connection whose requests must come, and whose answers must be taken, at a certain speed.

    A read or a write that would wait longer finds it reset. gunicorn logs any other error with a traceback: clients
    must not be able to fill the disk with those.
    """

    _deadline: float | None = None
    _spare_seconds: float = STALLED_SECONDS

    def begin_request(self) -> None:
        """Give a client, from the next read on, the time of a new request and its answer."""
        self._deadline = None
        self._spare_seconds = STALLED_SECONDS
        self._bound_by_kernel(socket.SO_SNDTIMEO, STALLED_SECONDS)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return what comes next, in the time that is left for it."""
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + STALLED_SECONDS
        remaining_seconds = self._deadline - now
        try:
            if remaining_seconds <= 0:
                raise BlockingIOError
            self._bound_by_kernel(socket.SO_RCVTIMEO, min(STALLED_SECONDS, remaining_seconds))
            data = super().recv(size, flags)
        except BlockingIOError:
            raise ConnectionResetError(errno.ECONNRESET, "the client sends too slowly") from None
        self._deadline += len(data) / SLOWEST_BYTES_A_SECOND
        return data

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send a piece of an answer, in the time that earlier pieces have left and what this one adds to it."""
        rest = memoryview(data)
        deadline = time.monotonic() + self._spare_seconds + len(rest) / SLOWEST_BYTES_A_SECOND
        try:
            while rest:
                remaining_seconds = deadline - time.monotonic()
                if remaining_seconds <= 0:
                    raise BlockingIOError
                self._bound_by_kernel(socket.SO_SNDTIMEO, min(STALLED_SECONDS, remaining_seconds))
                rest = rest[self.send(rest, flags) :]
        except BlockingIOError:
            raise ConnectionResetError(errno.ECONNRESET, "the client reads too slowly") from None
        self._spare_seconds = min(STALLED_SECONDS, deadline - time.monotonic())

    def _bound_by_kernel(self, option: int, seconds: float) -> None:
        """Let the kernel count: gunicorn changes the timeout that Python knows of."""
        whole, part = divmod(max(1, int(seconds * 1_000_000)), 1_000_000)
        self.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", whole, part))


def _already_closed(graceful: bool = False) -> None:
    """Stand in for the second close, by gunicorn itself."""
