"""Reads along what workers tell Redis: a program that runs twice is noticed whatever web processes make of it."""

import re
import socket
import threading
from collections import Counter
from typing import Self

TOKEN = rb"token-[0-9-]+"
ORDER = re.compile(rb'"SET" "codeexec:run:(\w+)" .*?(' + TOKEN + rb")", re.IGNORECASE)
LETTER = re.compile(
    rb'"XADD" "codeexec:letters:.*? "run" "(\w+)" .*?\\"type\\":\\"(began|finished)\\"(.*)', re.IGNORECASE
)


class Witness:
    """Counts by token how often a program with a token in its text has begun, and has finished with it as its output.

    Use it as a context manager. A thread reads what Redis says with MONITOR.
    """

    def __init__(self, port: int) -> None:
        self.began: Counter[str] = Counter()
        self.finished: Counter[str] = Counter()
        self._tokens: dict[bytes, bytes] = {}
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._socket.sendall(b"MONITOR\r\n")
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _read(self) -> None:
        with self._socket.makefile("rb") as lines:
            for line in lines:
                if order := ORDER.search(line):
                    run, token = order.groups()
                    self._tokens[run] = token
                elif letter := LETTER.search(line):
                    run, kind, rest = letter.groups()
                    token = self._tokens.get(run)
                    if token is None:  # of somebody else
                        continue
                    if kind == b"began":
                        self.began[token.decode()] += 1
                    elif token in rest:
                        self.finished[token.decode()] += 1
