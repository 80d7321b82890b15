"""The one shape of all errors: `{"detail": sentence, "code": word, "fields": {...}?}`."""

import logging
import random
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from prometheus_client import Counter
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException, NotFound, ParseError, UnsupportedMediaType, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from web.bodies import INCOMPLETE, BodyTooLarge
from web.connection import NO_ROOM
from web.error_body import error_body
from web.moments import UNREADY_RETRY_SECONDS
from web.sentences import BAD_REQUEST, NOT_JSON, NOTHING_HERE, SERVER_ERROR

SPREAD_SECONDS = 3
"""Added to each `Retry-After` at random, so that a class of learners does not come back all at once."""

REFUSALS = Counter(
    "codeexec_refusals",
    "API requests answered with an error, by the error's code.",
    ["reason"],
)

log = logging.getLogger(__name__)


class ServiceUnavailable(APIException):
    """The service cannot run programs now. The client may try again. `wait` is in seconds, for `Retry-After`."""

    status_code = 503
    default_code = "unavailable"
    default_detail = "The service cannot run programs right now. Please try again in a moment."

    def __init__(self, wait: int = UNREADY_RETRY_SECONDS) -> None:
        super().__init__()
        self.wait = wait


class TooManyRequests(APIException):
    """The caller has reached a limit. `wait` is in seconds, for `Retry-After`."""

    status_code = 429

    def __init__(self, sentence: str, code: str, wait: int) -> None:
        super().__init__(f"{sentence} Try again in {duration(wait)}.", code)
        self.wait = wait


def duration(seconds: int) -> str:
    """Return a duration in words: seconds, minutes, or hours and minutes."""
    if seconds < 2 * 60:
        return f"{seconds} second{'s' if seconds > 1 else ''}"
    hours, minutes = divmod(-(-seconds // 60), 60)
    if not hours:
        return f"{minutes} minutes"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response to an exception of an API view, or None for Django to answer with server_error()."""
    if isinstance(error, DatabaseError | InterfaceError | RedisError):
        log.error("database or cache failed", exc_info=error)
        error = ServiceUnavailable()
    if isinstance(error, RequestDataTooBig):
        error = BodyTooLarge()
    if isinstance(error, Http404):  # its own message names our classes
        error = NotFound(NOTHING_HERE)
    if isinstance(error, UnreadablePostError):  # codeexec/hurried_socket.py
        error = ServiceUnavailable(1) if error.args == NO_ROOM else ParseError(INCOMPLETE)
    response = exception_handler(error, context)
    if response is None or not isinstance(error, APIException):
        return response
    if isinstance(error, ValidationError):
        fields = dict(_flatten(error.detail))
        name, message = next(iter(fields.items()))
        response.data = error_body(f"{name}: {message}", "invalid", fields) if name else error_body(message, "invalid")
    else:
        response.data = error_body(_sentence(error), _code(error))
    REFUSALS.labels(response.data["code"]).inc()
    if "Retry-After" in response:
        response["Retry-After"] = str(int(response["Retry-After"]) + random.randint(0, SPREAD_SECONDS))  # noqa: S311
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Answer a request that Django refuses before any view: an unknown host, or malformed."""
    return JsonResponse(error_body(BAD_REQUEST, "bad_request"), status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Answer a request that is not permitted."""
    return JsonResponse(error_body("You do not have permission to do this.", "forbidden"), status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Answer a request to an unknown path."""
    return JsonResponse(error_body(NOTHING_HERE, "not_found"), status=404)


def server_error(request: HttpRequest) -> JsonResponse:
    """Answer a request that failed by our fault. The log has the cause, under the request's id."""
    return JsonResponse(error_body(SERVER_ERROR, "server_error"), status=500)


def _sentence(error: APIException) -> str:
    return NOT_JSON if isinstance(error, UnsupportedMediaType) else str(error.detail)


def _code(error: APIException) -> str:
    code = str(error.get_codes())
    return {"parse_error": "invalid_json", "permission_denied": "forbidden"}.get(code, code)


def _flatten(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each invalid field, such as `test_cases[0].code`, with its first error."""
    if isinstance(detail, dict):
        for name, each in detail.items():
            if name == "non_field_errors":
                yield from _flatten(each, path)
            else:
                inner = f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name}" if path else str(name)
                yield from _flatten(each, inner)
    elif detail:
        yield path, str(detail[0] if isinstance(detail, list) else detail)
