"""A client of the event stream that behaves like a page of the site."""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Self

from tests.service import ORIGIN, Service


@dataclass(frozen=True)
class Event:
    """An event with its time of arrival in seconds since the epoch. The name of a comment is empty."""

    name: str
    data: dict[str, Any]
    came: float


class EventSource:
    """A streamed execution, by default with the service's own key. Use it as a context manager."""

    def __init__(
        self,
        service: Service,
        code: str,
        receive_bytes: int | None = None,
        key: str = "",
        address: str = "",
        **fields: Any,
    ) -> None:
        self._service = service
        self._headers = {"X-API-Key": key or service.api_key, "Origin": ORIGIN, "Content-Type": "application/json"}
        if address:  # as a proxy names it
            self._headers["X-Forwarded-For"] = address
        self._connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
        if receive_bytes is not None:
            self._connection.sock = socket.socket()
            self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            self._connection.sock.settimeout(60)
            self._connection.sock.connect(("127.0.0.1", service.port))
        body = json.dumps({"code": code, **fields})
        self._connection.request("POST", "/execute", body, {**self._headers, "Accept": "text/event-stream"})
        self._response = self._connection.getresponse()
        assert self._response.status == 200, self._response.read()
        self.headers = self._response.headers
        self.id = self.until("start").data["id"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()

    def __iter__(self) -> Iterator[Event]:
        lines: list[str] = []
        while line := self._response.readline().decode():
            if line != "\n":
                lines.append(line.rstrip("\n"))
                continue
            came = time.time()
            named = dict(each.split(": ", 1) for each in lines)
            yield Event(named.get("event", ""), json.loads(named.get("data") or "{}"), came)
            lines = []

    def until(self, name: str) -> Event:
        """Return the next event with the name."""
        return next(event for event in self if event.name == name)

    def printed_until(self, name: str) -> str:
        """Read up to the next event with the name, and return the output before it."""
        printed = ""
        others = []
        for event in self:
            if event.name == name:
                return printed
            if event.name == "stdout":
                printed += event.data["text"]
            else:
                others.append(event)
        raise AssertionError(f"no {name} after {printed!r}, but {others}")

    def answer(self, text: str | None = None, through: Service | None = None, **fields: Any) -> int:
        """Send input to the program on another connection, perhaps through another service; return the HTTP status."""
        connection = HTTPConnection("127.0.0.1", (through or self._service).port, timeout=10)
        body = fields if text is None else {"text": text, **fields}
        connection.request("POST", f"/executions/{self.id}/input", json.dumps(body), self._headers)
        status = connection.getresponse().status
        connection.close()
        return status

    def leave(self) -> None:
        """Close the connection without reading the rest."""
        self._response.close()
        self._connection.close()
