"""A proxy in front of the real Docker Engine that fails on demand, for faults that we cannot provoke in a real one.

It forwards every call to the engine, except those for which a `Fault` is planned.
"""

import contextlib
import os
import re
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ENGINE = "/var/run/docker.sock"
CALLS = {
    "ping": r"(GET|HEAD) /_ping",
    "version": r"GET /version",
    "create": r"POST /containers/create",
    "attach": r"POST /containers/\w+/attach",
    "start": r"POST /containers/\w+/start",
    "inspect": r"GET /containers/\w+/json",
    "remove": r"DELETE /containers/\w+",
    "list": r"GET /containers/json",
    "events": r"GET /events",
    "image": r"GET /images/.*/json",
    "pull": r"POST /images/create",
}
LONGEST_HANG_SECONDS = 60
DELAY_SECONDS = 1
LATE_SECONDS = 4


class How(StrEnum):
    """How a call fails."""

    HANG = "hang"  # no answer, and the engine does not get the call
    HANG_AFTER = "hang_after"  # no answer, but the engine obeys
    CUT = "cut"  # the connection ends, and the engine does not get the call
    CUT_AFTER = "cut_after"  # the connection ends, but the engine obeys
    ERROR = "error"  # 500
    LIE = "lie"  # 204, and the engine does not get the call
    GARBAGE = "garbage"  # 200, but not JSON
    EMPTY = "empty"  # 200 with an empty JSON object
    DUPLICATE = "duplicate"  # the engine gets the call twice, and the caller gets the second answer
    DELAY = "delay"  # the answer is a second late
    LATE = "late"  # no answer, and the engine gets the call after the caller has given up


@dataclass(frozen=True, slots=True)
class Fault:
    """Fails the next `times` calls in this way."""

    call: str
    how: How
    times: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Distortion:
    """Changes the output of containers, piece by piece, once `after` has occurred. b"" changes it from the start."""

    change: Callable[[bytes], bytes]
    after: bytes = b""

    def apply(self, data: bytes, has_begun: bool) -> tuple[bytes, bool]:
        """Return the changed piece, and whether all later pieces are changed."""
        if has_begun or not self.after:
            return self.change(data), True
        head, mark, tail = data.partition(self.after)
        return (head + mark + self.change(tail), True) if mark else (data, False)


class FakeEngine:
    """The proxy. Use it as a context manager; `url` is for DOCKER_HOST."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "engine.sock"
        self.url = f"unix://{self.path}"
        self.calls: Counter[str] = Counter()
        self.late_calls = 0
        """The number of late calls that have reached the engine since the last plan."""
        self._faults: dict[str, Fault] = {}
        self._fired: Counter[str] = Counter()
        self._firing = threading.Lock()
        self._mended = threading.Event()
        self._connections: set[socket.socket] = set()
        self._streams: set[tuple[str, socket.socket]] = set()  # with the call that opened them
        self.distortion: Distortion | None = None
        """How to change the output of containers, if at all."""
        self.replacements: dict[bytes, bytes] = {}
        """Texts to replace in all requests, with others of the same length."""
        self._server = socket.socket(socket.AF_UNIX)
        self._is_down = False

    def __enter__(self) -> "FakeEngine":
        self._server.bind(str(self.path))
        self._server.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.mend()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for connection in list(self._connections):
            _end(connection)
        os.unlink(self.path)

    def plan(self, *faults: Fault) -> None:
        """Fail calls as planned from now on."""
        self._mended.clear()
        with self._firing:
            self._fired.clear()
            self.late_calls = 0
            self._faults = {fault.call: fault for fault in faults}

    def fired(self, call: str) -> int:
        """Return how many calls have failed since the last plan."""
        return self._fired[call]

    def is_to_hang(self, call: str) -> bool:
        """Return whether the next call of this kind will hang."""
        fault = self._faults.get(call)
        return (
            fault is not None and fault.how in (How.HANG, How.HANG_AFTER, How.LATE) and self._fired[call] < fault.times
        )

    def mend(self) -> None:
        """Forward all calls again; hanging calls end without an answer."""
        self._faults = {}
        self.distortion = None
        self.replacements = {}
        self._is_down = False
        self._mended.set()

    def go_down(self) -> None:
        """Close all connections and accept no more."""
        self._is_down = True
        for connection in list(self._connections):
            _end(connection)

    def cut_streams(self, call: str) -> None:
        """Close the connections of an endless call, "attach" or "events", in both directions."""
        for begun_by, connection in list(self._streams):
            if begun_by == call:
                _end(connection)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                if self._is_down:
                    connection.close()
                    continue
                self._connections.add(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connection):
            request = _read_request(connection)
            if request is not None:
                self._answer(connection, request)
        self._connections.discard(connection)

    def _answer(self, connection: socket.socket, request: bytes) -> None:
        for old, new in self.replacements.items():
            request = request.replace(old, new)
        call = _call_of(request)
        self.calls[call] += 1
        fault = self._next_fault(call)
        if fault is None:
            self._pass_on(connection, request, call)
            return
        match fault.how:
            case How.HANG:
                self._mended.wait(LONGEST_HANG_SECONDS)
            case How.HANG_AFTER:
                _ask_engine(request)
                self._mended.wait(LONGEST_HANG_SECONDS)
            case How.LATE:
                time.sleep(LATE_SECONDS)
                _ask_engine(request)
                self.late_calls += 1
            case How.CUT:
                pass
            case How.CUT_AFTER:
                _ask_engine(request)
            case How.ERROR:
                connection.sendall(_response(500, b'{"message": "planned"}'))
            case How.LIE:
                connection.sendall(_response(204, b""))
            case How.GARBAGE:
                connection.sendall(_response(200, b"<html>\x00 not what you think"))
            case How.EMPTY:
                connection.sendall(_response(200, b"{}"))
            case How.DUPLICATE:
                _ask_engine(request)
                self._pass_on(connection, request, call)
            case How.DELAY:
                time.sleep(DELAY_SECONDS)
                self._pass_on(connection, request, call)

    def _next_fault(self, call: str) -> Fault | None:
        """Return the planned fault of this call, if any, and count it."""
        with self._firing:
            fault = self._faults.get(call)
            if fault is None or self._fired[call] >= fault.times:
                return None
            self._fired[call] += 1
            return fault

    def _pass_on(self, connection: socket.socket, request: bytes, call: str) -> None:
        """Connect the caller and the engine until one of them ends."""
        with contextlib.closing(_connect(request)) as engine:
            streams = {(call, connection), (call, engine)}
            self._streams |= streams
            self._connections.add(engine)
            has_begun = False
            try:
                for data, target in _exchange(connection, engine):
                    if call == "attach" and target is connection and self.distortion is not None:
                        data, has_begun = self.distortion.apply(data, has_begun)
                    target.sendall(data)
            finally:
                self._streams -= streams
                self._connections.discard(engine)


def _exchange(one: socket.socket, other: socket.socket) -> Iterator[tuple[bytes, socket.socket]]:
    """Yield what each side sends, with the receiver. A side that has finished sending may still receive."""
    speaking = {one: other, other: one}
    while other in speaking:
        ready, _, _ = select.select(list(speaking), [], [])
        for source in ready:
            data = source.recv(65536)
            if data:
                yield data, speaking[source]
            else:
                target = speaking.pop(source)
                with contextlib.suppress(OSError):
                    target.shutdown(socket.SHUT_WR)


def _read_request(connection: socket.socket) -> bytes | None:
    """Return one request with its body, changed so that the connection closes after the answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
    while len(body) < (int(length[1]) if length else 0):
        body += connection.recv(65536)
    if b"upgrade:" not in head.lower():
        head = re.sub(rb"(?im)^connection:.*\r?\n?", b"", head).rstrip(b"\r\n") + b"\r\nConnection: close"
    return head + b"\r\n\r\n" + body


def _call_of(request: bytes) -> str:
    return call_of(request.split(b"\r\n")[0].decode())


def call_of(line: str) -> str:
    """Return our name for the call of a request line, or the line itself if we have none."""
    line = re.sub(r"^(\w+) /v[\d.]+/", r"\1 /", line)
    return next((call for call, pattern in CALLS.items() if re.match(pattern, line)), line)


def _connect(request: bytes) -> socket.socket:
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(ENGINE)
    engine.sendall(request)
    return engine


def _ask_engine(request: bytes) -> None:
    """Forward the request and drop the answer."""
    with contextlib.closing(_connect(request)) as engine:
        engine.settimeout(10)
        answer = b""
        while b"\r\n\r\n" not in answer:  # the body may be endless
            answer += engine.recv(65536) or b"\r\n\r\n"


def _response(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} Planned\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
