"""The connection of a request, and whether this process is shutting down."""

import select
import socket
import threading

ending = threading.Event()
"""Set when this process has been asked to stop: running programs finish, but those that wait for input are stopped."""


def client_has_gone(connection: socket.socket | None) -> bool:
    """Return whether the client has closed its side and will not read the response. Does not block.

    A client that only stops sending and still reads looks the same. Browsers, proxies and HTTP libraries do not stop
    sending before they have the response.
    """
    if connection is None:  # not served by gunicorn
        return False
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)  # the kernel reports errors in any case
    return bool(poll.poll(0))
