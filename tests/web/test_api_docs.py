"""`/openapi.json` and `/docs/` are public, show nothing internal, and are cheap to serve."""

import json
import re
from pathlib import Path

import django
import pytest
from django.test import Client
from rest_framework import VERSION

from web.api_docs import schema_json


def test_the_schema_is_public(client: Client) -> None:
    response = client.get("/openapi.json")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response.json()["openapi"].startswith("3.1")
    assert response.json()["paths"].keys() == {
        "/execute",
        "/executions",
        "/executions/batch",
        "/executions/{id}",
        "/executions/{id}/input",
        "/tokens",
        "/health",
    }


def test_the_schema_is_made_once(client: Client) -> None:
    first = client.get("/openapi.json")
    made = schema_json.cache_info().misses
    assert client.get("/openapi.json").content == first.content
    assert schema_json.cache_info().misses == made
    again = client.get("/openapi.json", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/"])
def test_schema_and_documentation_show_nothing_internal(client: Client, path: str) -> None:
    text = client.get(path).content.decode()
    root = Path(__file__).parents[2]
    modules = {
        f"{module.parent.name}.{module.stem}" for module in root.glob("[acew]*/**/*.py") if module.stem != "__init__"
    }
    assert len(modules) > 50
    words = modules | {
        str(root),
        "Serializer",
        "Traceback",
        "django",
        "rest_framework",
        "spectacular_settings",
        "admin",
    }
    shown = text.replace("drf_spectacular_sidecar", "")  # the directory of the page's files
    assert [word for word in words if word in shown] == []
    assert django.get_version() not in text
    assert f'"{VERSION}"' not in text


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/"])
@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_schema_and_documentation_are_read_only(client: Client, path: str, method: str) -> None:
    assert getattr(client, method)(path).status_code == 405


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/"])
def test_other_sites_cannot_read_schema_and_documentation(client: Client, path: str) -> None:
    response = client.get(path, headers={"Origin": "https://pylearn.net"})
    assert not [name for name in response.headers if name.startswith("Access-Control")]


def test_the_documentation_allows_only_its_own_scripts(client: Client) -> None:
    response = client.get("/docs/")
    page, policy = response.content.decode(), response["Content-Security-Policy"]
    assert response.status_code == 200
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert all(address.startswith("/") for address in re.findall(r'(?:src|href)="([^"]+)"', page))
    assert len(re.findall(r'<script src="', page)) == page.count("<script") == 2
    assert "<style" not in page
    assert " style=" not in page


def test_the_documentation_without_a_slash_redirects(client: Client) -> None:
    response = client.get("/docs")
    assert (response.status_code, response["Location"]) == (301, "/docs/")


def test_the_schema_is_small_and_consistent(client: Client) -> None:
    text = client.get("/openapi.json").content.decode()
    assert len(text) < 200_000
    references = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert references == json.loads(text)["components"]["schemas"].keys()
