"""The OpenAPI schema matches the documentation and the service."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from apikeys.keys import create_key
from executions.models import Execution
from executions.running.backend import get_backend
from tests.conftest import ORIGIN, Page
from tests.fakes import seen_worker
from tests.test_docs import ANSWER, API, ERRORS, KEYS, PROGRAMS, REQUEST, RESULT, TEST_CASE, rows, section
from web.api_docs import schema_json
from web.openapi import ERRORS as SENTENCES

SCHEMA: dict[str, Any] = json.loads(schema_json())
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
}
JSON = "application/json"


def component(name: str) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMA["components"]["schemas"][name]
    return found


def mistakes(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return the messages of all violations of `schema` in `value`."""
    whole = Draft202012Validator({**SCHEMA, **schema}, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in whole.iter_errors(value)]


def contents() -> list[Any]:
    """Return the schema and examples of every request and response body, with the operation as the test's ID."""
    found = []
    for name, operation in OPERATIONS.items():
        if "requestBody" in operation:
            found.append(pytest.param(operation["requestBody"]["content"][JSON], id=name))
        found += [
            pytest.param(response["content"][JSON], id=f"{name} {status}")
            for status, response in operation["responses"].items()
            if status != "204"
        ]
    return found


# The schema and itself


@pytest.mark.parametrize("content", contents())
def test_every_body_has_valid_examples(content: dict[str, Any]) -> None:
    assert content["examples"]
    for example in content["examples"].values():
        assert mistakes(example["value"], content["schema"]) == []


def test_every_operation_and_field_has_a_description() -> None:
    for operation in OPERATIONS.values():
        assert operation["summary"]
        assert operation["description"]
        assert all(response["description"] for response in operation["responses"].values())
    for schema in SCHEMA["components"]["schemas"].values():
        undescribed = {
            name for name, each in schema["properties"].items() if "description" not in each and "$ref" not in each
        }
        assert undescribed <= {"passed", "hidden", "created", "status", "docker"}


def test_every_operation_except_health_requires_the_key() -> None:
    scheme = SCHEMA["components"]["securitySchemes"]["key"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "X-API-Key")
    open_to_all = {name for name, operation in OPERATIONS.items() if operation.get("security") != [{"key": []}]}
    assert open_to_all == {"GET /health"}


# The schema and the documents


def documented_errors(operation: dict[str, Any]) -> set[tuple[int, str]]:
    return {
        (int(status), example["value"]["code"])
        for status, response in operation["responses"].items()
        for example in response.get("content", {JSON: {"examples": {}}})[JSON]["examples"].values()
        if "detail" in example["value"]
    }


def test_the_errors_match_the_docs() -> None:
    listed = set().union(*map(documented_errors, OPERATIONS.values()))
    assert listed == ERRORS - {(405, "method_not_allowed")}  # belongs to no operation
    assert {(status, code) for status, codes in SENTENCES.items() for code in codes} == listed


@pytest.mark.parametrize(
    ("name", "documented"),
    [
        ("ExecutionRequest", REQUEST),
        ("TestCase", TEST_CASE),
        ("Answer", ANSWER),
        ("TestResult", RESULT),
        ("Image", rows(section(PROGRAMS, "Images"))),
        ("File", rows(section(PROGRAMS, "Files"))),
        ("TokenRequest", rows(section(KEYS, "Learner tokens"))),
    ],
)
def test_the_fields_match_the_docs(name: str, documented: dict[str, str]) -> None:
    assert component(name)["properties"].keys() == documented.keys()


@pytest.mark.parametrize(("name", "documented"), [("ExecutionRequest", REQUEST), ("TestCase", TEST_CASE)])
def test_the_bounds_match_the_docs(name: str, documented: dict[str, str]) -> None:
    checked = 0
    for field, each in component(name)["properties"].items():
        row = documented[field]
        if "x-maxBytes" in each:
            size = each["x-maxBytes"]
            assert (f"{size // 1024} KiB" if size >= 1024 else f"{size} bytes") in row
            assert f"At most {size} bytes of UTF-8." in each["description"]
            assert each["maxLength"] == size
            checked += 1
        elif "maxLength" in each:
            assert f"{each['maxLength']} characters" in row
        elif "maximum" in each:
            assert f"{each['minimum']} to {each['maximum']}" in row
        elif "maxItems" in each:
            assert f"up to {each['maxItems']} " in row
    assert checked >= 2


def test_the_docs_link_to_the_schema(client: Client) -> None:
    links = re.findall(r"`(/openapi\.json|/docs/)`", API)
    assert set(links) == {"/openapi.json", "/docs/"}
    assert all(client.get(link).status_code == 200 for link in links)


# The schema and the service


def test_the_examples_are_accepted(page: Page) -> None:
    examples = OPERATIONS["POST /execute"]["requestBody"]["content"][JSON]["examples"].values()
    assert len(examples) == 2
    for example in examples:
        response = page.post(example["value"])
        assert response.status_code == 200
        assert mistakes(response.json(), component("Answer")) == []


def test_answers_have_exactly_the_fields_of_the_schema(page: Page) -> None:
    key, token = create_key("Server", "secret", [ORIGIN])
    server = Page(key, token, page.client)
    headers = {"X-API-Key": token, "Origin": ORIGIN}
    answer = server.run(test_cases=[{}, {"hidden": True}]).json()
    stored = page.client.get(f"/executions/{answer['id']}", headers=headers).json()
    running = Execution.objects.create(key=key, code="1", timeout=5)
    still = page.client.get(f"/executions/{running.public_id}", headers=headers).json()
    minted = page.client.post("/tokens", {"learner": "ada"}, JSON, headers=headers).json()
    get_backend().workers = lambda: (seen_worker("8f14e45fceea"),)
    health = page.client.get("/health").json()
    for name, body in (
        ("Answer", answer),
        ("TestResult", answer["test_results"][1]),
        ("StoredAnswer", stored),
        ("StoredAnswer", still),
        ("Token", minted),
        ("Health", health),
        ("Pool", health["pool"]),
        ("Worker", health["workers"][0]),
        ("Error", page.run(timeout=0).json()),
    ):
        assert mistakes(body, component(name)) == [], name
        assert body.keys() == component(name)["properties"].keys(), name
