"""The subset of HTTP that the broker needs: few kinds of requests, and one question to the engine at a time."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from executions.sandbox.broker.allowed_calls import LARGEST_OPTIONS_BYTES, Call, CallDenied, Kind, parse_call

LARGEST_CONTEXT_BYTES = 512 * 1024 * 1024
"""Of a build, whose context the broker reads and drops."""
LARGEST_ANSWER_BYTES = 16 * 1024 * 1024
CALL_SECONDS = 10
"""The longest that one call to the engine may take, as for the service."""
PIECE_BYTES = 64 * 1024

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class EngineAway(Exception):
    """The engine does not answer, or its answer is not HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the engine, or of the broker in its place."""

    status: int
    body: bytes = b""
    is_last: bool = False
    """Whether the connection closes after it."""
    is_chunked: bool = False

    @classmethod
    def error(cls, status: int, message: str, *, is_last: bool = False) -> "Answer":
        """Return an error as the engine words it."""
        return cls(status, json.dumps({"message": f"broker: {message}"}).encode(), is_last)

    def encoded(self) -> bytes:
        """Return the bytes that the client gets."""
        head = f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\nContent-Type: application/json\r\n"
        if self.is_last:
            head += "Connection: close\r\n"
        if self.is_chunked:
            return (
                f"{head}Transfer-Encoding: chunked\r\n\r\n{len(self.body):x}\r\n".encode()
                + self.body
                + b"\r\n0\r\n\r\n"
            )
        return f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body


async def read_call(reader: asyncio.StreamReader) -> tuple[Call, bytes] | None:
    """Return the client's next call and its body, None if there is none. Raises CallDenied.

    After CallDenied the connection must end: what follows may be the rest of a body.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise CallDenied("a head that is too long") from None
    line, *fields = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    request = re.fullmatch(r"([A-Z]+) ([!-~]+) HTTP/1\.1", line)
    if request is None:
        raise CallDenied("not a request")
    call = parse_call(request[1], request[2])
    largest = {Kind.CREATE: LARGEST_OPTIONS_BYTES, Kind.BUILD: LARGEST_CONTEXT_BYTES}.get(call.kind, 0)
    length = _body_length(fields)
    if length > largest:
        raise CallDenied("a body that is too long")
    if call.kind is Kind.BUILD:
        await _drop(reader, length)
        return call, b""
    return call, await reader.readexactly(length)


def _body_length(fields: list[str]) -> int:
    lengths = []
    for field in fields:
        name, colon, value = field.partition(":")
        if not colon or name.lower() == "transfer-encoding":
            raise CallDenied("a body of unknown length")
        if name.lower() == "content-length":
            lengths.append(value.strip())
    if len(lengths) > 1 or not all(re.fullmatch(r"[0-9]{1,12}", length) for length in lengths):
        raise CallDenied("a body of unknown length")
    return int(lengths[0]) if lengths else 0


async def _drop(reader: asyncio.StreamReader, length: int) -> None:
    while length > 0:
        piece = await reader.read(min(length, PIECE_BYTES))
        if not piece:
            raise asyncio.IncompleteReadError(b"", length)
        length -= len(piece)


class EngineSocket:
    """The engine's socket. Each call has a connection of its own, so that nothing can follow it."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def ask(self, method: str, target: str, body: bytes = b"") -> Answer:
        """Make one call and return its answer. Raises EngineAway."""
        # In HTTP/1.0 the answer has no chunks, and ends with the connection.
        request = f"{method} {target} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\n"
        async with self.connected() as (reader, writer):
            writer.write(f"{request}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = bytearray()
            while piece := await reader.read(PIECE_BYTES):
                answer += piece
                if len(answer) > LARGEST_ANSWER_BYTES:
                    raise EngineAway("the engine's answer is too long")
        head, end, content = bytes(answer).partition(b"\r\n\r\n")
        return Answer(status(head + end), content)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        """Give a connection, for at most `CALL_SECONDS`, and close it. Raises EngineAway."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._path)
                try:
                    yield reader, writer
                finally:
                    writer.close()
        except TimeoutError as error:
            raise EngineAway("the engine did not answer in time") from error
        except OSError as error:
            raise EngineAway(f"the engine cannot be reached: {error}") from error

    async def open_stream(self, call: Call) -> tuple[Connection, bytes]:
        """Make a call whose answer goes on; return its connection, to be closed, and the head. Raises EngineAway."""
        fields = "Upgrade: tcp\r\nConnection: Upgrade" if call.kind is Kind.ATTACH else "Connection: close"
        writer = None
        try:
            async with asyncio.timeout(CALL_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._path)
                fields += "\r\nContent-Length: 0\r\n\r\n"
                writer.write(f"{call.method} {call.target} HTTP/1.1\r\nHost: docker\r\n{fields}".encode())
                return (reader, writer), await reader.readuntil(b"\r\n\r\n")
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            if writer is not None:
                writer.close()
            raise EngineAway(f"the engine did not answer: {error!r}") from error


def status(head: bytes) -> int:
    """Return the status of an answer's head. Raises EngineAway."""
    match = re.match(rb"HTTP/1\.[01] ([0-9]{3})\b.*\r\n\r\n", head, re.DOTALL)
    if match is None:
        raise EngineAway("the engine's answer is cut off")
    return int(match[1])
