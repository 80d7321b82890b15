"""How OpenAPI describes what every endpoint shares: our fields, errors and headers."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from web.bodies import BodyTooLarge
from web.error_body import error_body
from web.errors import ServiceUnavailable
from web.sentences import (
    BAD_REQUEST,
    HEADERS_TOO_LARGE,
    IDEMPOTENCY_KEY_REUSED,
    INVALID_KEY,
    LENGTH_REQUIRED,
    NOT_JSON,
    NOTHING_HERE,
    ORIGIN_NOT_ALLOWED,
    REQUEST_IN_PROGRESS,
    SECRET_KEY_REQUIRED,
    SERVER_ERROR,
    SUSPENDED,
    URI_TOO_LONG,
)

Schema = dict[str, Any]

INVALID_TIMEOUT = "Must be an integer from 1 to 10."

ERRORS: dict[int, dict[str, str]] = {
    400: {
        "invalid": f"timeout: {INVALID_TIMEOUT}",
        "invalid_json": "The request body is not valid JSON: Expecting value: line 1 column 1 (char 0).",
        "bad_request": BAD_REQUEST,
    },
    403: {
        "invalid_key": INVALID_KEY,
        "origin_not_allowed": ORIGIN_NOT_ALLOWED.format(origin="https://other.example"),
        "secret_key_required": SECRET_KEY_REQUIRED,
        "suspended": SUSPENDED,
    },
    404: {"not_found": NOTHING_HERE},
    409: {"request_in_progress": REQUEST_IN_PROGRESS},
    411: {"length_required": LENGTH_REQUIRED},
    413: {"too_large": str(BodyTooLarge.default_detail)},
    414: {"uri_too_long": URI_TOO_LONG},
    415: {"unsupported_media_type": NOT_JSON},
    422: {"idempotency_key_reused": IDEMPOTENCY_KEY_REUSED},
    429: {
        "rate_limited": "This API key has made too many requests. Try again in 42 seconds.",
        "learner_rate_limited": "This learner has made too many requests. Try again in 42 seconds.",
        "concurrency_limited": "This API key is already running 256 programs. Try again in 4 seconds.",
        "interactive_limited": "This learner is already running 4 interactive programs. Try again in 42 seconds.",
        "executions_used_up": "This API key has used up its 100000 executions for today (UTC). Try again in 3 h.",
        "cpu_used_up": "This API key has used up its 43200 CPU seconds for today (UTC). Try again in 3 h 20 min.",
    },
    431: {"headers_too_large": HEADERS_TOO_LARGE},
    500: {"server_error": SERVER_ERROR},
    503: {"unavailable": str(ServiceUnavailable.default_detail)},
}
"""For each status, its codes with their sentence or an example of it."""

MEANINGS = {
    400: "The request is invalid; `fields` names the invalid fields.",
    403: "The caller is not allowed to do this.",
    404: "This does not exist, or belongs to another key.",
    409: "The first request with this `Idempotency-Key` is still being processed.",
    411: "The body is chunked and has no `Content-Length`.",
    413: f"The body is larger than {settings.LONGEST_BODY_BYTES} bytes.",
    414: "The request line is longer than 2,048 bytes.",
    415: "The body is not `application/json`, or is compressed.",
    422: "This `Idempotency-Key` was sent with another request.",
    429: "A limit is reached. `detail` says which one; `Retry-After` says how many seconds to wait.",
    431: "There are more than 50 header fields, one is longer than 8,190 bytes, or all together exceed 32 KiB.",
    500: "The service failed. Our log has the cause under `X-Request-ID`.",
    503: "The service cannot do this now. Nothing ran, or its result is lost: it is safe to retry.",
}

FOR_ALL = ("bad_request", "uri_too_long", "headers_too_large", "server_error")
FOR_KEYS = (*FOR_ALL, "invalid_key", "origin_not_allowed", "suspended", "rate_limited", "unavailable")
FOR_IDEMPOTENCY = ("request_in_progress", "idempotency_key_reused")
FOR_BODIES = ("invalid", "invalid_json", "length_required", "too_large", "unsupported_media_type")


class ErrorSerializer(serializers.Serializer[Any]):
    """The body of every error."""

    detail = serializers.CharField(help_text="A sentence for people.")
    code = serializers.CharField(help_text="A word for programs.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.CharField(),
        required=False,
        help_text="The error of each invalid field. A field of a test case is named `test_cases[0].code`.",
    )


def errors(*codes: str) -> dict[int, OpenApiResponse]:
    """Return the responses of an operation that can fail with these codes."""
    known = {code: status for status, by_code in ERRORS.items() for code in by_code}
    return {status: _response(status, set(codes)) for status in sorted({known[code] for code in codes})}


def _response(status: int, codes: set[str]) -> OpenApiResponse:
    examples = [
        OpenApiExample(code, error_body(detail, code, {"timeout": INVALID_TIMEOUT} if code == "invalid" else None))
        for code, detail in ERRORS[status].items()
        if code in codes
    ]
    return OpenApiResponse(ErrorSerializer, MEANINGS[status], examples)


def headers(*, limited: bool) -> list[OpenApiParameter]:
    """Return the response headers of an operation, with those of its limits if it has any."""
    always = [_header("X-Request-ID", "Identifies the request in our log.", True)]
    if not limited:
        return always
    return [
        *always,
        _header("RateLimit", 'What remains of each limit, and for how many seconds: `"key";r=59;t=42`.', True),
        _header("RateLimit-Policy", 'Each limit, and its window in seconds: `"key";q=60;w=60`.', True),
        _header(
            "Retry-After",
            "How many seconds to wait. It varies at random, so that not all clients retry at once.",
            [409, 429, 503],
            int,
        ),
    ]


def _header(name: str, description: str, response: Any, type: type = str) -> OpenApiParameter:
    return OpenApiParameter(name, type, OpenApiParameter.HEADER, description=description, response=response)


class ChoiceSchema(OpenApiSerializerFieldExtension):
    """The schema of a choice without the marker that drf-spectacular leaves for a hook we do not use."""

    target_class = "web.fields.ChoiceField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        schema: Schema = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {"type": "string", "enum": schema["enum"]}


class StrictSerializerSchema(OpenApiSerializerExtension):
    """The schema of an object without further fields, with the length of its strings in bytes.

    JSON Schema counts characters. It could exclude NUL only by a pattern, which would slow every validator down.
    """

    target_class = "web.fields.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        schema: Schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        for name, field in self.target.fields.items():
            if max_bytes := getattr(field, "max_bytes", None):
                described = schema["properties"][name]
                described["x-maxBytes"] = max_bytes
                described["description"] = f"{field.help_text or ''} At most {max_bytes} bytes of UTF-8.".strip()
        return {**schema, "additionalProperties": False}
