"""An execution as a stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import json
import logging
import socket
import time
from collections.abc import Generator, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.request import Request

from executions.running.live import LiveExecution
from executions.sandbox.results import SandboxError
from web.connection import client_has_gone, ending
from web.errors import ServiceUnavailable, error_body

HEARTBEAT_SECONDS = 5
"""A proxy must not take a program that is silent for a connection that is dead."""

LOOK_SECONDS = 0.5
"""How often to look whether the client is still there, while there is nothing to tell."""

HEARTBEAT = b": \n\n"

log = logging.getLogger(__name__)


class EventStream:
    """The body of the answer. Whoever serves it closes it, also when it was not read to its end."""

    def __init__(self, live: LiveExecution, connection: socket.socket | None) -> None:
        self._live = live
        self._connection = connection
        self._parts = self._write()

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        """End the execution if it has not ended."""
        self._parts.close()
        self._live.close()

    def _write(self) -> Generator[bytes, None, None]:
        yield _event("start", {"id": self._live.id})
        written = time.monotonic()
        while (told := self._live.next_told(LOOK_SECONDS)) is not None:
            for name, data in told:
                yield _event(name, data)
            if told:
                written = time.monotonic()
            elif client_has_gone(self._connection):
                return
            elif ending.is_set() and self._live.is_waiting:
                self._live.stop()  # a restart waits for programs, and not for people
            elif time.monotonic() - written > HEARTBEAT_SECONDS:
                yield HEARTBEAT
                written = time.monotonic()
        yield self._last()

    def _last(self) -> bytes:
        try:
            return _event("result", self._live.conclude())
        except SandboxError:
            error = ServiceUnavailable()
            return _event("error", error_body(str(error.detail), error.default_code))
        except Exception:  # the status is sent: no handler of errors could answer any more
            log.exception("the end of %s failed", self._live.id)
            return _event("error", error_body("Something went wrong on our side.", "server_error"))


def stream_events(request: Request, live: LiveExecution) -> StreamingHttpResponse:
    """Return the answer that tells of `live` as it happens."""
    stream = EventStream(live, request.META.get("gunicorn.socket"))
    response = StreamingHttpResponse(stream, content_type="text/event-stream; charset=utf-8")
    response["X-Accel-Buffering"] = "no"  # nginx would keep events until it has a page full
    return response


def _event(name: str, data: dict[str, Any]) -> bytes:
    """Return one event. JSON has no line ends but escaped ones, so that the data are one line."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode()
