"""Requests that Django's test client cannot send, because it would raise the exception that a server must handle."""

import json
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from codeexec.wsgi import application
from tests.conftest import ORIGIN, Page


def post(page: Page, content_type: str) -> tuple[str, Any]:
    """Send a program as a server would pass it on. Return the status line and the body."""
    sent = b'{"code": "1"}'
    environ: dict[str, Any] = {"REQUEST_METHOD": "POST", "PATH_INFO": "/execute", "CONTENT_TYPE": content_type}
    environ |= {"CONTENT_LENGTH": str(len(sent)), "wsgi.input": BytesIO(sent), "HTTP_HOST": "localhost"}
    environ |= {"HTTP_X_API_KEY": page.token, "HTTP_ORIGIN": ORIGIN}
    setup_testing_defaults(environ)
    statuses: list[str] = []
    body = b"".join(application(environ, lambda status, *rest: statuses.append(status)))  # type: ignore[arg-type]
    return statuses[0], json.loads(body)


@pytest.mark.parametrize("charset", ["charset*=bogus''%41", "charset*=idna''%ff", "charset*=utf-8''%00", "charset=\0"])
def test_an_unreadable_charset_is_refused_like_any_other_media_type(page: Page, charset: str) -> None:
    status, body = post(page, f"application/json; {charset}")
    assert (status, body["code"]) == ("415 Unsupported Media Type", "unsupported_media_type")


def test_a_readable_charset_is_accepted(page: Page) -> None:
    status, body = post(page, "application/json; charset=utf-8")
    assert (status, body["output"]) == ("200 OK", "Hello\n")
