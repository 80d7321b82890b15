"""The connection that a request came on, and whether the process goes on serving."""

import select
import socket
import threading

ending = threading.Event()
"""Set once this process has been asked to end: what runs is finished, and nobody is waited for."""


def client_has_gone(connection: socket.socket | None) -> bool:
    """Return whether the client has closed its side: it will read no answer. Does not block.

    One that only ends its sending, and still listens, cannot be told from it. Browsers, proxies and HTTP libraries
    do not do that before they have the answer.
    """
    if connection is None:  # not served by gunicorn
        return False
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)  # and the kernel tells of errors in any case
    return bool(poll.poll(0))
