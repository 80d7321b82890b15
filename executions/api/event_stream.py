"""An execution as a stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import json
import logging
import socket
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.request import Request

from executions.answer import ShownImage
from executions.api.answers import AnswerSerializer, ImageSerializer, TestResultSerializer
from executions.running.live import Judged, LiveEvent, LiveExecution
from executions.sandbox.console import Asked, Drawn, Printed
from executions.sandbox.results import SandboxError
from web.connection import client_has_gone, ending
from web.error_body import error_body
from web.errors import ServiceUnavailable
from web.sentences import SERVER_ERROR

HEARTBEAT_SECONDS = 5
"""Keeps proxies from taking a silent program for a dead connection."""

LOOK_SECONDS = 0.5
"""How often to check that the client is still there while there are no events."""

HEARTBEAT = b": \n\n"

log = logging.getLogger(__name__)


class EventStream:
    """The body of the response. The server closes it, even if it was not read to its end."""

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
        while (events := self._live.next_events(LOOK_SECONDS)) is not None:
            for event in events:
                yield _live_event(event)
            if events:
                written = time.monotonic()
            elif client_has_gone(self._connection):
                return
            elif ending.is_set() and self._live.is_waiting:
                self._live.stop()  # a restart waits for programs, but not for people
            elif time.monotonic() - written > HEARTBEAT_SECONDS:
                yield HEARTBEAT
                written = time.monotonic()
        yield self._last()

    def _last(self) -> bytes:
        try:
            return _event("result", AnswerSerializer(self._live.wait_and_record()).data)
        except SandboxError:
            error = ServiceUnavailable()
            return _event("error", error_body(str(error.detail), error.default_code))
        except Exception:  # the status has been sent: no error handler can answer any more
            log.exception("the end of %s failed", self._live.id)
            return _event("error", error_body(SERVER_ERROR, "server_error"))


def stream_events(request: Request, live: LiveExecution) -> StreamingHttpResponse:
    """Return `live` as a response: its events, and then its answer."""
    stream = EventStream(live, request.META.get("gunicorn.socket"))
    response = StreamingHttpResponse(stream, content_type="text/event-stream; charset=utf-8")
    response["X-Accel-Buffering"] = "no"  # nginx would buffer events until a page is full
    return response


def _live_event(event: LiveEvent) -> bytes:
    match event:
        case Printed(stream, text):
            return _event(stream, {"text": text})
        case ShownImage():
            return _event("image", ImageSerializer().to_representation(event))
        case Drawn(strokes):
            return _event("drawing", {"strokes": [asdict(stroke) for stroke in strokes]})
        case Asked():
            return _event("input", {})
        case Judged(index, result):
            return _event("test", {"index": index, **TestResultSerializer().to_representation(result)})


def _event(name: str, data: dict[str, Any]) -> bytes:
    """Return one event. JSON escapes line ends, so the data are one line."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode()
