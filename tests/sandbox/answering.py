"""The container's end of a connection, for tests of how the host reads its frames."""

import contextlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor


def multiplexed(data: bytes, number: int = 1) -> bytes:
    """Return data as the engine sends it over the connection; stdout has the number 1."""
    return bytes([number, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


@contextlib.contextmanager
def answering(theirs: socket.socket, data: bytes, is_all: bool = True) -> Iterator[None]:
    """Send `data` at the first request, and then the end if `is_all`."""

    def answer() -> None:
        theirs.recv(1)
        theirs.sendall(data)
        if is_all:
            theirs.shutdown(socket.SHUT_WR)

    with ThreadPoolExecutor(1) as thread:
        answered = thread.submit(answer)
        yield
        answered.result()
