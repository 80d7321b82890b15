"""The one shape of every error that a client sees: `{"detail": sentence, "code": word, "fields": {...}?}`."""

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

from web.parsers import INCOMPLETE, BodyTooLarge

RETRY_SECONDS = (1, 4)
"""After a 503. Spread, so that a page full of learners does not come back in one moment."""

RATE_SPREAD_SECONDS = 3
"""After a 429, beyond the end of the window: then, too, all would come back at once."""

NOTHING_HERE = "There is nothing at this address."

REFUSALS = Counter(
    "codeexec_refusals",
    "Requests to the API that were answered with an error, by the code in its body.",
    ["reason"],
)

log = logging.getLogger(__name__)


class ServiceUnavailable(APIException):
    """The service cannot do its work now; a client may try again."""

    status_code = 503
    default_code = "unavailable"
    default_detail = "The service cannot run programs right now. Please try again in a moment."


class TooManyRequests(APIException):
    """A limit of the caller's is used up; `wait` is for how many seconds, and becomes `Retry-After`."""

    status_code = 429

    def __init__(self, sentence: str, code: str, wait: int) -> None:
        super().__init__(f"{sentence} Try again in {duration(wait)}.", code)
        self.wait = wait


def duration(seconds: int) -> str:
    """Return a time in words, in seconds or in hours and minutes."""
    if seconds < 2 * 60:
        return f"{seconds} second{'s' if seconds > 1 else ''}"
    hours, minutes = divmod(-(-seconds // 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} minutes"


def error_body(detail: str, code: str, fields: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the body of an error. The only place where one is built."""
    body: dict[str, Any] = {"detail": detail, "code": code}
    if fields:
        body["fields"] = fields
    return body


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of an API view. What is none of ours becomes a neutral 500 and a line in the log."""
    if isinstance(error, DatabaseError | InterfaceError | RedisError):
        log.error("database or cache failed", exc_info=error)
        error = ServiceUnavailable()
    if isinstance(error, RequestDataTooBig):
        error = BodyTooLarge()
    if isinstance(error, Http404):  # its own text names our classes
        error = NotFound(NOTHING_HERE)
    if isinstance(error, UnreadablePostError):  # the client went away, or sends too slowly
        error = ParseError(INCOMPLETE)
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
    if response.status_code == 503:
        response["Retry-After"] = str(random.randint(*RETRY_SECONDS))  # noqa: S311
    elif "Retry-After" in response:
        response["Retry-After"] = str(int(response["Retry-After"]) + random.randint(0, RATE_SPREAD_SECONDS))  # noqa: S311
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Answer what Django refuses before any view: an unknown host, a malformed request."""
    return JsonResponse(error_body("The request cannot be understood.", "bad_request"), status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Answer what may not be done."""
    return JsonResponse(error_body("You may not do this.", "forbidden"), status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Answer for a path that is not there."""
    return JsonResponse(error_body(NOTHING_HERE, "not_found"), status=404)


def server_error(request: HttpRequest) -> JsonResponse:
    """Answer for a fault of ours. Its cause is in the log, under the request's id."""
    return JsonResponse(error_body("Something went wrong on our side.", "server_error"), status=500)


def _sentence(error: APIException) -> str:
    text = str(error.detail)
    if isinstance(error, UnsupportedMediaType):
        text = "Send the request as application/json."
    return text


def _code(error: APIException) -> str:
    code = error.get_codes()
    return {"parse_error": "invalid_json", "permission_denied": "forbidden"}.get(str(code), str(code))


def _flatten(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each field that is wrong, as `test_cases[0].code`, with the first thing wrong about it."""
    if isinstance(detail, dict):
        for name, each in detail.items():
            if name == "non_field_errors":
                yield from _flatten(each, path)
            else:
                inner = f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name}" if path else str(name)
                yield from _flatten(each, inner)
    elif detail:
        yield path, str(detail[0] if isinstance(detail, list) else detail)
