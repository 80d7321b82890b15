"""A container's end of its connection, for tests of what the host makes of what comes."""

import contextlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor


def multiplexed(data: bytes, number: int = 1) -> bytes:
    """Return a piece as the engine puts it on the connection: stdout is number 1."""
    return bytes([number, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


@contextlib.contextmanager
def answering(theirs: socket.socket, data: bytes, is_all: bool = True) -> Iterator[None]:
    """Say `data` as soon as something is asked for; if that is all, end."""

    def answer() -> None:
        theirs.recv(1)
        theirs.sendall(data)
        if is_all:
            theirs.shutdown(socket.SHUT_WR)

    with ThreadPoolExecutor(1) as thread:
        answered = thread.submit(answer)
        yield
        answered.result()
