"""The bodies of requests: JSON in UTF-8, of bounded size."""

from io import BytesIO
from typing import Any

import pytest
from django.conf import settings

from apikeys.models import ApiKey
from executions import bounds
from tests.conftest import ORIGIN, Page


def refusal(response: Any, status_code: int) -> str:
    """Return the code of an error response, and check its shape."""
    body = response.json()
    assert response.status_code == status_code, body
    assert body["detail"].endswith(".")
    assert body.keys() == {"detail", "code"}
    code: str = body["code"]
    return code


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'code': 1}",
        b'{"code": "1",}',
        b'{"code": "1"} {}',
        b'{"timeout": NaN}',
        b'{"timeout": Infinity}',
        b'{"timeout": -Infinity}',
        b'{"code": "1", "code": "2"}',
        b'{"test_cases": [{"name": "a", "name": "b"}]}',
        b'{"timeout": ' + b"9" * 5000 + b"}",
        b'{"code": "\xff"}',
        b'{"code": "\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"code": "1"}',
        '{"code": "1"}'.encode("utf-16"),
        '{"code": "1"}'.encode("utf-32"),
        b"\0",
        b'{"code": "a\nb"}',
        b"code=1",
    ],
    ids=lambda body: repr(body)[:40],
)
def test_invalid_json_is_refused(page: Page, body: bytes) -> None:
    assert refusal(page.post(body), 400) == "invalid_json"


def test_integer_too_long_for_python_is_refused_in_our_words(page: Page) -> None:
    body = page.post(b'{"timeout": ' + b"9" * 5000 + b"}").json()
    assert body["detail"] == "The request body is not valid JSON: a number has too many digits."


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"code": [{"a": '])
def test_very_deep_nesting_is_refused(page: Page, opening: bytes) -> None:
    assert refusal(page.post(opening * 100_000), 400) == "invalid_json"


def test_deep_nesting_below_the_limit_is_a_wrong_type(page: Page) -> None:
    response = page.post(b'{"code": ' + b"[" * 500 + b"]" * 500 + b"}")
    assert response.json()["fields"] == {"code": "Must be a string."}


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8"])
def test_utf8_may_be_declared(page: Page, charset: str) -> None:
    content_type = f"application/json; charset={charset}"
    assert page.post({"code": "1"}, content_type=content_type).status_code == 200


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "base64", "bz2_codec", "utf-7", "bogus"])
def test_any_other_charset_is_refused(page: Page, charset: str) -> None:
    response = page.post(b'{"code": "1"}', content_type=f"application/json; charset={charset}")
    assert refusal(response, 400) == "invalid_json"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "nonsense",
        "*/*",
        "application/*",
        "application/jsonp",
        "application/json, text/plain",
    ],
)
def test_any_media_type_but_json_is_refused(page: Page, content_type: str) -> None:
    assert refusal(page.post(b'{"code": "1"}', content_type=content_type), 415) == "unsupported_media_type"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
def test_a_compressed_body_is_refused(page: Page, encoding: str) -> None:
    assert refusal(page.post(b'{"code": "1"}', content_encoding=encoding), 415) == "unsupported_media_type"


def body_of(size_bytes: int) -> bytes:
    """Return a valid request of `size_bytes`."""
    body = b'{"code": "1"}'
    return body + b" " * (size_bytes - len(body))


def test_a_body_over_the_limit_is_refused(page: Page) -> None:
    assert page.post(body_of(settings.LONGEST_BODY_BYTES)).status_code == 200
    assert refusal(page.post(body_of(settings.LONGEST_BODY_BYTES + 1)), 413) == "too_large"


def test_the_limit_leaves_room_for_the_longest_strings_when_escaped() -> None:
    """JSON writes a byte with at most six: `\\u0001`."""
    assert settings.LONGEST_BODY_BYTES >= 6 * (bounds.CODE_BYTES + bounds.INPUT_BYTES)


def test_a_chunked_body_is_refused(page: Page) -> None:
    assert refusal(page.post({"code": "1"}, transfer_encoding="chunked"), 411) == "length_required"


@pytest.mark.parametrize("body", [b"", b" "])
def test_an_empty_body_is_refused(page: Page, body: bytes) -> None:
    assert page.post(body).status_code == 400


class Interrupted(BytesIO):
    """A server's input stream whose client disconnects in the middle of the body."""

    def read(self, size: int | None = -1) -> bytes:
        raise ConnectionResetError("gone")


def test_an_interrupted_body_is_refused(page: Page) -> None:
    server: dict[str, Any] = {"wsgi.input": Interrupted()}
    headers = {"X-API-Key": page.token, "Origin": ORIGIN}
    response = page.client.post("/execute", {"code": "1"}, "application/json", headers=headers, **server)
    assert refusal(response, 400) == "invalid_json"


def test_unreadable_bodies_count_against_the_rate(page: Page) -> None:
    ApiKey.objects.update(rate="2/h")
    headers = {"X-API-Key": page.token, "Origin": ORIGIN}
    body, kind = {"code": "1"}, "application/json"
    statuses = []
    for _ in range(3):
        server: dict[str, Any] = {"wsgi.input": Interrupted()}
        statuses.append(page.client.post("/execute", body, kind, headers=headers, **server).status_code)
    assert statuses == [400, 400, 429]


@pytest.mark.parametrize(("missing", "status_code"), [(0, 200), (1, 400), (500, 400)])
def test_a_body_shorter_than_its_content_length_is_refused(page: Page, missing: int, status_code: int) -> None:
    """What arrived is valid JSON, but incomplete."""
    body = b'{"code": "1"}'
    server: dict[str, Any] = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body) + missing)}
    headers = {"X-API-Key": page.token, "Origin": ORIGIN}
    response = page.client.post("/execute", body, "application/json", headers=headers, **server)
    assert response.status_code == status_code
    if missing:
        assert refusal(response, 400) == "invalid_json"


def test_the_response_is_json_whatever_the_client_accepts(page: Page) -> None:
    for accepted in ("text/html", "application/xml", "nonsense", "application/json; charset=utf-16"):
        response = page.post({"code": "1"}, accept=accepted)
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")
