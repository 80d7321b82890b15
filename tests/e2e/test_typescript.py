"""The TypeScript client: its types match the schema, and its own tests pass, with and without the real service."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request

from tests.e2e.conftest import Site
from tests.service import ORIGIN, ROOT, Service
from web.api_docs import schema_json

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

CLIENT = ROOT / "clients/typescript"


def npx(*command: str, **environment: str) -> None:
    """Run a tool of the package, and show its output if it fails."""
    done = subprocess.run(
        ["npx", "--no-install", *command],
        cwd=CLIENT,
        env={**os.environ, "CI": "true", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_client_types_match_the_schema(tmp_path: Path) -> None:
    """`make client-types` regenerates them."""
    schema, types = tmp_path / "openapi.json", tmp_path / "schema.ts"
    schema.write_bytes(schema_json())
    npx("openapi-typescript", str(schema), "--output", str(types))
    assert (CLIENT / "src/schema.ts").read_text() == types.read_text()


def test_the_client_passes_its_unit_tests() -> None:
    npx("vitest", "run", "tests/unit")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Iterator[Service]:
    settings = {"ALLOWED_ORIGINS": f"{ORIGIN},{site.origin}", "SANDBOX_SCIENCE_POOL_SIZE": "1"}
    with Service(tmp_path_factory.mktemp("client"), **settings) as service:
        yield service


def test_the_client_passes_its_live_tests(service: Service) -> None:
    options = ("--kind", "secret", "--origin", ORIGIN, "--learner-rate", "1/m")
    npx(
        "vitest",
        "run",
        "tests/live",
        CODE_EXECUTION_URL=service.url,
        CODE_EXECUTION_PUBLISHABLE_KEY=service.api_key,
        CODE_EXECUTION_SECRET_KEY=service.manage("create_key", "Server", *options).splitlines()[-1],
    )


CALL = """async ([url, key, code]) => {
  const {CodeExecutionClient} = await import("./client/index.js");
  const client = new CodeExecutionClient({key, url, origin: "https://pylearn.net", retries: 0});
  const types = [];
  try {
    for await (const event of client.stream({code, interactive: true})) {
      types.push(event.type);
      if (event.type === "start") globalThis.id = event.id;
      if (event.type === "input") await client.answer(id, "Zoë");
      if (event.type === "result") return [types, event.answer.output];
    }
  } catch (error) {
    return [error.name, error.status, error.code];
  }
}"""


def test_only_a_page_of_an_allowed_origin_can_run_programs(service: Service, site: Site, browser: Browser) -> None:
    npx("tsc", "-p", "tsconfig.build.json", "--outDir", str(site.directory / "client"))
    (site.directory / "index.html").write_text("<!doctype html><title>A page</title><link rel=icon href=data:,>")
    page = browser.new_page()
    said: list[str] = []
    calls: list[Request] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: calls.append(request) if is_call(request) else None)
    given = [service.url, service.api_key, "print('Hello,', input())"]

    page.goto(site.origin)
    types, output = page.evaluate(CALL, given)
    assert (types[0], types[-1]) == ("start", "result")
    assert "input" in types
    assert output == "Hello, Zoë\n"
    sent = {call.all_headers().get("origin") for call in calls}
    assert sent == {site.origin}  # the browser sets it, not the client's option
    assert said == []

    page.goto(site.other_origin)
    assert page.evaluate(CALL, given) == ["CodeExecutionError", 0, "network_error"]
    assert "blocked by CORS policy" in said[0]
    origins = service.query("SELECT DISTINCT origin FROM executions_execution WHERE origin LIKE 'http:%'")
    assert origins == [(site.origin,)]


def is_call(request: Request) -> bool:
    return request.method == "POST"
