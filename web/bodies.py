"""The bodies of requests and responses: strict JSON (RFC 8259) of bounded size, in UTF-8; or events on request."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from web import strict_json
from web.sentences import LENGTH_REQUIRED

INCOMPLETE = "The request body is incomplete."


class BodyTooLarge(APIException):
    """The body is larger than any valid request."""

    status_code = 413
    default_code = "too_large"
    default_detail = f"The request body is larger than {settings.LONGEST_BODY_BYTES} bytes."


class LengthRequired(APIException):
    """The body is chunked. Without a `Content-Length`, WSGI would read it as empty."""

    status_code = 411
    default_code = "length_required"
    default_detail = LENGTH_REQUIRED


class StrictJSONParser(JSONParser):
    """Refuses what other parsers accept: other encodings, incomplete bodies, and what `strict_json` refuses."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the body's value. Raises BodyTooLarge, UnsupportedMediaType or ParseError."""
        headers = parser_context["request"].headers if parser_context else {}
        _check_content_type(headers)
        length = _content_length(headers)
        if length > settings.LONGEST_BODY_BYTES:  # it has not been received: codeexec/gunicorn_worker.py
            raise BodyTooLarge
        body = stream.read(settings.LONGEST_BODY_BYTES + 1)
        if len(body) > settings.LONGEST_BODY_BYTES:
            raise BodyTooLarge
        if len(body) < length:  # the client hung up: a part of the body may be valid JSON
            raise ParseError(INCOMPLETE)
        try:
            return strict_json.decode(body)
        except ValueError as error:
            raise ParseError(f"The request body is not valid JSON: {error}.") from error


class AlwaysJSON(DefaultContentNegotiation):
    """Ignores `Accept` and `?format=`, so that a browser's default list of types is not refused."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer and its media type."""
        return renderers[0], renderers[0].media_type


def accepts_events(request: Request) -> bool:
    """Return whether the client names an event stream and does not prefer JSON to it (RFC 9110, 12.5.1).

    `*/*` is not enough. Whatever else it accepts, it gets JSON.
    """
    accepted = request._request
    events = [each for each in accepted.accepted_types if (each.main_type, each.sub_type) == ("text", "event-stream")]
    json = accepted.accepted_type("application/json")
    return bool(events) and (json is None or events[0].quality >= json.quality)


def _content_length(headers: Mapping[str, str]) -> int:
    length = headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _check_content_type(headers: Mapping[str, str]) -> None:
    """Refuse a body that is compressed, or not declared as JSON in UTF-8."""
    if headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType(headers["Content-Encoding"])
    media_type, parameters = parse_header_parameters(headers.get("Content-Type", ""))
    if media_type != "application/json":  # the framework accepts */* for it
        raise UnsupportedMediaType(media_type)
    charset = parameters.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8"):
        raise ParseError("The request body must be UTF-8.")
