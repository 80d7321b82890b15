"""The response to a request that gunicorn cannot parse, so that it reaches no view."""

import json
import logging
from http import HTTPStatus
from uuid import uuid4

from gunicorn.http.errors import (  # type: ignore[import-untyped]
    ConfigurationProblem,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from structlog.contextvars import bound_contextvars

from web.error_body import error_body
from web.sentences import BAD_REQUEST, HEADERS_TOO_LARGE, LENGTH_REQUIRED, SERVER_ERROR, URI_TOO_LONG

OURS = (InvalidResponseHeader, InvalidResponseHeaderName, ConfigurationProblem)
"""Exceptions of gunicorn's parser for which the client cannot be blamed."""

log = logging.getLogger(__name__)


def refuse(error: Exception) -> bytes:
    """Return the whole response, and log the refusal without what the client sent: it may contain a key.

    Any page may read it: we do not know whose page it is, and the response is the same for all.
    """
    status, code, sentence = _reason(error)
    body = json.dumps(error_body(sentence, code))
    request_id = str(uuid4())
    with bound_contextvars(request_id=request_id):
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("a request failed", exc_info=error)
        else:
            log.warning("refused a malformed request: %s", code)
    head = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Access-Control-Allow-Origin: *",
        "X-Content-Type-Options: nosniff",
        f"X-Request-ID: {request_id}",
    ]
    return "\r\n".join([*head, "", body]).encode()


def _reason(error: Exception) -> tuple[int, str, str]:
    """Return the status, the code and the sentence."""
    match error:
        case LimitRequestLine():
            return 414, "uri_too_long", URI_TOO_LONG
        case LimitRequestHeaders():
            return 431, "headers_too_large", HEADERS_TOO_LARGE
        case UnsupportedTransferCoding():
            return 411, "length_required", LENGTH_REQUIRED
        case ParseException() if not isinstance(error, OURS):
            return 400, "bad_request", BAD_REQUEST
        case _:
            return 500, "server_error", SERVER_ERROR
