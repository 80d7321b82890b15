"""What reaches Django through WSGI itself: its test client would raise what a server must answer."""

import json
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.handlers.wsgi import WSGIHandler

from codeexec.wsgi_request import AnyWSGIRequest
from tests.conftest import ORIGIN, Page


def post(page: Page, content_type: str) -> tuple[str, Any]:
    """Send a program as a server would pass it on; return the status line and the body."""
    sent = b'{"code": "1"}'
    environ: dict[str, Any] = {"REQUEST_METHOD": "POST", "PATH_INFO": "/execute", "CONTENT_TYPE": content_type}
    environ |= {"CONTENT_LENGTH": str(len(sent)), "wsgi.input": BytesIO(sent), "HTTP_HOST": "localhost"}
    environ |= {"HTTP_X_API_KEY": page.token, "HTTP_ORIGIN": ORIGIN}
    setup_testing_defaults(environ)
    handler = WSGIHandler()
    handler.request_class = AnyWSGIRequest
    statuses: list[str] = []
    body = b"".join(handler(environ, lambda status, headers, *rest: statuses.append(status)))  # type: ignore[arg-type]
    return statuses[0], json.loads(body)


@pytest.mark.parametrize("charset", ["charset*=bogus''%41", "charset*=idna''%ff", "charset*=utf-8''%00", "charset=\0"])
def test_a_charset_that_cannot_be_looked_up_is_no_fault_of_ours(page: Page, charset: str) -> None:
    status, body = post(page, f"application/json; {charset}")
    assert (status, body["code"]) == ("415 Unsupported Media Type", "unsupported_media_type")


def test_any_other_request_is_as_django_makes_it(page: Page) -> None:
    status, body = post(page, "application/json; charset=utf-8")
    assert (status, body["output"]) == ("200 OK", "Hello\n")
