"""Reads request bodies: JSON as RFC 8259 has it, in UTF-8, and of bounded size."""

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import JSONParser

INCOMPLETE = "The request body did not arrive."


class BodyTooLarge(APIException):
    """The body has more bytes than a valid request can have."""

    status_code = 413
    default_code = "too_large"
    default_detail = f"The request body is larger than {settings.LONGEST_BODY_BYTES} bytes."


class LengthRequired(APIException):
    """The body comes in chunks. Without `Content-Length` WSGI takes it for none, and would complain of its fields."""

    status_code = 411
    default_code = "length_required"
    default_detail = "Send the request with a Content-Length, not in chunks."


class StrictJSONParser(JSONParser):
    """Refuses what other parsers let pass: NaN, duplicate keys, other encodings, bottomless nesting."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the body's value. Raises BodyTooLarge before it holds too much, ParseError for all else."""
        headers = parser_context["request"].headers if parser_context else {}
        _check_form(headers)
        body = stream.read(settings.LONGEST_BODY_BYTES + 1)
        if len(body) > settings.LONGEST_BODY_BYTES:
            raise BodyTooLarge
        if len(body) < _declared_bytes(headers):  # the client has hung up: what came may look whole
            raise ParseError(INCOMPLETE)
        try:
            return json.loads(body.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The request body is not valid JSON: {_reason(error)}.") from error


def _declared_bytes(headers: Mapping[str, str]) -> int:
    """Return how long the client says that its body is; 0 if it does not say."""
    length = headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _check_form(headers: Mapping[str, str]) -> None:
    """Refuse a body that says it is something else than JSON in UTF-8."""
    if headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType(headers["Content-Encoding"])
    media_type, parameters = parse_header_parameters(headers.get("Content-Type", ""))
    if media_type != "application/json":  # the framework has taken */* for it
        raise UnsupportedMediaType(media_type)
    charset = parameters.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8"):
        raise ParseError("The request body must be in UTF-8.")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON value")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return result


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error)
