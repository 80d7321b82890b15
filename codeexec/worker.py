"""gunicorn's worker with threads, with a bound to how long a client can hold it up."""

import socket
import struct
import threading
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

STALLED_SECONDS = 5
"""How long a client may send or take nothing in the middle of a request or an answer."""

ending = threading.Event()
"""Set when this process has been asked to end: what runs is finished, and nobody is waited for."""


class BoundedThreadWorker(ThreadWorker):  # type: ignore[misc]
    """Lets no client that stalls keep a thread, and none that lingers keep the one that accepts for all.

    A client that drips a byte at a time is still read to its end: that is for the proxy in front.
    """

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to end."""
        ending.set()
        super().handle_exit(sig, frame)

    def handle(self, conn: Any) -> Any:
        """Serve a request and, if it was the connection's last, close it; return what gunicorn is to do with it."""
        # As many clients as there are threads, each with half a header, would stop the service. The kernel counts:
        # gunicorn changes the timeout that Python knows of.
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", STALLED_SECONDS, 0))
        is_kept = super().handle(conn)
        if not is_kept:
            # Waits up to 2 s for the client to close. gunicorn would wait in its only thread that accepts: one client
            # that never closes, coming again every 2 s, would stop the service.
            try:
                conn.close(graceful=True)
            except OSError:
                pass
            conn.close = _already_closed
        return is_kept


def _already_closed(graceful: bool = False) -> None:
    """Stand in for the second close, by gunicorn itself."""
