"""The TypeScript client: its types match the schema, and its own tests pass, with and without the real service."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Request, expect

from tests.e2e.conftest import Site
from tests.service import ORIGIN, ROOT, Service
from web.api_docs import schema_json

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

CLIENT = ROOT / "clients/typescript"
PACKAGE = "node_modules/@pylearn/code-execution"


def run_tool(name: str, *arguments: str, **environment: str) -> None:
    """Run a tool of the package, and show its output if it fails."""
    done = subprocess.run(
        [CLIENT / "node_modules/.bin" / name, *arguments],
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
    run_tool("openapi-typescript", str(schema), "--output", str(types))
    assert (CLIENT / "src/schema.ts").read_text() == types.read_text()


def test_the_client_passes_its_unit_tests() -> None:
    run_tool("vitest", "run", "tests/unit")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Iterator[Service]:
    given = {"ALLOWED_ORIGINS": f"{ORIGIN},{site.origin}", "SANDBOX_SCIENCE_POOL_SIZE": "1"}
    with Service(tmp_path_factory.mktemp("client"), **given) as service:
        yield service


def test_the_client_passes_its_live_tests(service: Service) -> None:
    options = ("--kind", "secret", "--origin", ORIGIN, "--learner-rate", "1/m")
    run_tool(
        "vitest",
        "run",
        "tests/live",
        CODE_EXECUTION_URL=service.url,
        CODE_EXECUTION_PUBLISHABLE_KEY=service.api_key,
        CODE_EXECUTION_SECRET_KEY=service.manage("create_key", "Server", *options).splitlines()[-1],
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build and pack the package as CONTRIBUTING.md says, and return a project that has installed the packed file."""
    source, project = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("project")
    for name in (".npmrc", "package.json", "build.js", "README.md", "tsconfig.json", "tsconfig.build.json"):
        shutil.copy2(CLIENT / name, source)
    shutil.copytree(CLIENT / "src", source / "src")
    (source / "node_modules").symlink_to(CLIENT / "node_modules")
    run(source, "npm", "run", "build")
    run(source, "npm", "pack", "--pack-destination", str(project))
    [packed] = project.glob("*.tgz")
    (project / "package.json").write_text('{"name": "site", "private": true, "type": "module"}')
    run(project, "npm", "install", "--offline", "--ignore-scripts", "--no-audit", f"./{packed.name}")
    return project


def run(directory: Path, *command: str) -> str:
    """Run a command and return what it printed."""
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_packed_file_has_all_it_needs_and_the_version_of_the_api(project: Path) -> None:
    package = project / PACKAGE
    described = json.loads((package / "package.json").read_text())
    assert described["version"] == settings.SPECTACULAR_SETTINGS["VERSION"]
    assert "private" not in described
    assert "dependencies" not in described
    assert (project / f"pylearn-code-execution-{described['version']}.tgz").exists()
    assert {path.name for path in package.iterdir()} == {"README.md", "dist", "package.json"}
    modules = {path.stem for path in (CLIENT / "src").glob("*.ts")}
    shipped = {f"{name}{end}" for name in modules for end in ENDS} | {"pyRunner.LICENSE.txt"}
    files = {path for path in (package / "dist").rglob("*") if path.is_file()}
    assert {str(path.relative_to(package / "dist")) for path in files} == shipped


ENDS = (".js", ".d.ts")
MAIN = """\
import { CodeExecutionClient, type Answer } from "@pylearn/code-execution";
import type { PyRunner, RunnerProgram } from "@pylearn/code-execution/py-runner";
export const load = (runner: PyRunner, program: RunnerProgram): void => runner.load(program);
const [url = "", key = "", origin = ""] = process.argv.slice(2);
const answer: Answer = await new CodeExecutionClient({ key, url, origin }).execute({ code: "print('packed')" });
process.stdout.write(answer.output);
"""


def test_the_packed_file_works_in_node_and_its_types_in_a_strict_project(service: Service, project: Path) -> None:
    (project / "main.mts").write_text(MAIN)
    compiler = ["node", str(CLIENT / "node_modules/typescript/bin/tsc"), "--strict", "--module", "nodenext"]
    compiler.append("--skipDefaultLibCheck")  # of the types, only those that come with the compiler
    types = ["--target", "es2022", "--typeRoots", str(CLIENT / "node_modules/@types"), "--types", "node"]
    run(project, *compiler, *types, "main.mts")
    assert run(project, "node", "main.mjs", service.url, service.api_key, ORIGIN) == "packed\n"


def test_a_bundler_puts_the_packed_file_into_a_page(
    service: Service, site: Site, project: Path, browser: Browser
) -> None:
    script = 'import { executeCode } from "@pylearn/code-execution";\n'
    script += (
        'import "@pylearn/code-execution/py-runner";\ndocument.body.append(document.createElement("py-runner"));\n'
    )
    (project / "page.js").write_text(f"{script}document.title = (await executeCode({{code: 'print(6 * 7)'}})).output;")
    link, load = "<link rel=icon href=data:,>", '<script type="module" src="page.js"></script>'
    (project / "index.html").write_text(f"<!doctype html>{link}{load}")
    config = {
        "base": "./",
        "build": {"outDir": str(site.directory / "bundle"), "target": "es2022"},
        "define": {
            "process.env.NEXT_PUBLIC_CODE_EXECUTION_URL": json.dumps(service.url),
            "process.env.NEXT_PUBLIC_CODE_EXECUTION_API_KEY": json.dumps(service.api_key),
        },
    }
    (project / "vite.config.js").write_text(f"export default {json.dumps(config)};")
    run(project, "node", str(CLIENT / "node_modules/vite/bin/vite.js"), "build")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{site.origin}/bundle/index.html")
    expect(page).to_have_title("42")
    expect(page.get_by_role("textbox", name="Program, main.py")).to_be_visible()
    assert said == []


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


def test_only_a_page_of_an_allowed_origin_can_run_programs(
    service: Service, site: Site, project: Path, browser: Browser
) -> None:
    shutil.copytree(project / PACKAGE / "dist", site.directory / "client")
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
