"""The errors that a caller can meet, as OpenAPI tells of them: each with its code, in the one shape."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from web.errors import ServiceUnavailable, error_body
from web.parsers import BodyTooLarge, LengthRequired

ERRORS: dict[int, dict[str, str]] = {
    400: {
        "invalid": "timeout: Must be an integer from 1 to 10.",
        "invalid_json": "The request body is not valid JSON: Expecting value: line 1 column 1 (char 0).",
        "bad_request": "The request cannot be understood.",
    },
    403: {
        "invalid_key": "The API key is missing or not valid.",
        "origin_not_allowed": "This API key may not be used from this origin.",
        "secret_key_required": "This needs a secret key.",
        "suspended": "This learner or address may not run programs at present.",
    },
    404: {"not_found": "There is nothing at this address."},
    411: {"length_required": str(LengthRequired.default_detail)},
    413: {"too_large": str(BodyTooLarge.default_detail)},
    415: {"unsupported_media_type": "Send the request as application/json."},
    429: {
        "rate_limited": "This API key has made too many requests. Try again in 42 seconds.",
        "learner_rate_limited": "This learner has made too many requests. Try again in 42 seconds.",
        "concurrency_limited": "This API key is running 24 programs already. Try again in 1 second.",
        "interactive_limited": "4 interactive programs run for this learner already. Try again in 1 second.",
        "executions_used_up": "This API key has used up the 20000 executions of its day (UTC). Try again in 3 h 2 min.",
        "cpu_used_up": "This API key has used up the 10800 CPU seconds of its day (UTC). Try again in 3 h 20 min.",
    },
    500: {"server_error": "Something went wrong on our side."},
    503: {"unavailable": str(ServiceUnavailable.default_detail)},
}
"""Of each status the codes, and the sentence that comes with each, or one such sentence."""

MEANINGS = {
    400: "The request is not as it must be; `fields` says where.",
    403: "The caller may not do this.",
    404: "There is no such thing, or it is that of another key.",
    411: "The body comes in chunks, without a `Content-Length`.",
    413: f"The body is larger than {settings.LONGEST_BODY_BYTES} bytes.",
    415: "The body is not `application/json`, or is compressed.",
    429: "A limit is used up; the sentence says which and until when, `Retry-After` how many seconds to wait.",
    500: "A fault of ours; `X-Request-ID` finds it in our log.",
    503: "The service cannot do this now. Nothing has run, or its result is lost: it is safe to send it again.",
}
OF_FIELDS = {"invalid": {"timeout": "Must be an integer from 1 to 10."}}

FOR_ALL = ("bad_request", "server_error")
FOR_KEYS = (*FOR_ALL, "invalid_key", "origin_not_allowed", "suspended", "rate_limited", "unavailable")
FOR_BODIES = ("invalid", "invalid_json", "length_required", "too_large", "unsupported_media_type")


class ErrorSerializer(serializers.Serializer[Any]):
    """The body of every error."""

    detail = serializers.CharField(help_text="A sentence for people.")
    code = serializers.CharField(help_text="A word for programs.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.CharField(),
        required=False,
        help_text="What is wrong with each field that is at fault; one of a test case is called `test_cases[0].code`.",
    )


def errors(*codes: str) -> dict[int, OpenApiResponse]:
    """Return the responses of an operation that can end in these errors."""
    known = {code: status for status, by_code in ERRORS.items() for code in by_code}
    return {status: _response(status, set(codes)) for status in sorted({known[code] for code in codes})}


def _response(status: int, codes: set[str]) -> OpenApiResponse:
    examples = [
        OpenApiExample(code, error_body(detail, code, OF_FIELDS.get(code)))
        for code, detail in ERRORS[status].items()
        if code in codes
    ]
    return OpenApiResponse(ErrorSerializer, MEANINGS[status], examples)


def headers(*, limited: bool) -> list[OpenApiParameter]:
    """Return the header fields of an operation's answers, with those of the limits if it has any."""
    always = [_header("X-Request-ID", "Finds the request in our log.", True)]
    if not limited:
        return always
    return [
        *always,
        _header("RateLimit", 'What is left of each limit, and for how many seconds: `"key";r=59;t=42`.', True),
        _header("RateLimit-Policy", 'What each limit allows in how many seconds: `"key";q=60;w=60`.', True),
        _header("Retry-After", "How many seconds to wait; spread, so that not all come back at once.", [429, 503], int),
    ]


def _header(name: str, description: str, response: Any, type: type = str) -> OpenApiParameter:
    return OpenApiParameter(name, type, OpenApiParameter.HEADER, description=description, response=response)
