"""`/openapi.json` and `/docs/`: for everybody, without our insides, and cheap however often they are asked for."""

import json
import re
from pathlib import Path

import django
import pytest
from django.test import Client
from rest_framework import VERSION

from web import api_docs


def test_the_schema_is_for_everybody(client: Client) -> None:
    response = client.get("/openapi.json")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response.json()["openapi"].startswith("3.1")
    assert response.json()["paths"].keys() == {
        "/execute",
        "/executions/{id}",
        "/executions/{id}/input",
        "/tokens",
        "/health",
    }


def test_it_is_made_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first = client.get("/openapi.json")
    monkeypatch.setattr(api_docs, "SchemaGenerator", None)
    assert client.get("/openapi.json").content == first.content
    again = client.get("/openapi.json", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/"])
def test_neither_shows_our_insides(client: Client, path: str) -> None:
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
    shown = text.replace("drf_spectacular_sidecar", "")  # the folder of the files that show it
    assert [word for word in words if word in shown] == []
    assert django.get_version() not in text
    assert f'"{VERSION}"' not in text


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/"])
@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_they_are_only_read(client: Client, path: str, method: str) -> None:
    assert getattr(client, method)(path).status_code == 405


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/"])
def test_no_page_of_others_reads_them(client: Client, path: str) -> None:
    response = client.get(path, headers={"Origin": "https://pylearn.net"})
    assert not [name for name in response.headers if name.startswith("Access-Control")]


def test_the_page_runs_our_own_files_alone(client: Client) -> None:
    response = client.get("/docs/")
    page, policy = response.content.decode(), response["Content-Security-Policy"]
    assert response.status_code == 200
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert all(address.startswith("/") for address in re.findall(r'(?:src|href)="([^"]+)"', page))
    assert len(re.findall(r'<script src="', page)) == page.count("<script") == 2
    assert "<style" not in page
    assert " style=" not in page


def test_the_address_without_its_slash_leads_there(client: Client) -> None:
    response = client.get("/docs")
    assert (response.status_code, response["Location"]) == (301, "/docs/")


def test_the_schema_is_one_that_tools_take(client: Client) -> None:
    text = client.get("/openapi.json").content.decode()
    assert len(text) < 150_000
    references = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert references == json.loads(text)["components"]["schemas"].keys()
