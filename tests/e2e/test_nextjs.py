"""clients/nextjs/, the site in docs/nextjs.md: built, served and used in a browser."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.servers import free_port
from tests.service import ROOT, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

EXAMPLE = ROOT / "clients/nextjs"
DOCUMENT = (ROOT / "docs/nextjs.md").read_text()


def test_the_documented_code_matches_the_example() -> None:
    documented = re.findall(r"^```tsx?\n// (\S+)\n(.*?)^```", DOCUMENT, re.M | re.S)
    assert len(documented) == len(re.findall("^```tsx?$", DOCUMENT, re.M)) == 8
    for name, code in documented:
        assert (EXAMPLE / name).read_text() == code


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Service]]:
    """Return the site's address and the service that it uses."""
    port = free_port()
    origin = f"http://localhost:{port}"
    settings = {"SANDBOX_POOL_SIZE": "2", "SANDBOX_SCIENCE_POOL_SIZE": "1", "ALLOWED_ORIGINS": origin}
    with Service(tmp_path_factory.mktemp("service"), **settings) as service:
        key = service.manage("create_key", "Site", "--kind", "secret", "--origin", origin).splitlines()[-1]
        environment = {
            **os.environ,
            "CI": "true",
            "NEXT_TELEMETRY_DISABLED": "1",
            "NEXT_PUBLIC_CODE_EXECUTION_URL": service.url,
            "NEXT_PUBLIC_CODE_EXECUTION_API_KEY": service.api_key,
            "CODE_EXECUTION_SECRET_KEY": key,
        }
        next_js = ["node", "node_modules/next/dist/bin/next"]
        built = subprocess.run([*next_js, "build"], cwd=EXAMPLE, env=environment, capture_output=True, text=True)
        assert built.returncode == 0, built.stdout + built.stderr
        assert key not in "".join(path.read_text("utf-8", "replace") for path in Path(EXAMPLE / ".next").rglob("*.js"))
        serve = [*next_js, "start", "--hostname", "localhost", "--port", str(port)]
        with subprocess.Popen(serve, cwd=EXAMPLE, env=environment, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                assert any("Ready" in line for line in server.stdout)
                yield origin, service
            finally:
                server.terminate()


def test_the_documented_key_of_previews_works_only_there(site: tuple[str, Service]) -> None:
    [command] = re.findall(r"^\./manage\.py (create_key Development .*)", DOCUMENT, re.M)
    key = site[1].manage(*shlex.split(command)).splitlines()[-1]

    def run_from(origin: str) -> tuple[int, str | None]:
        headers = {"Origin": origin, "X-API-Key": key}
        answer = requests.post(f"{site[1].url}/execute", json={"code": "pass", "language": "python"}, headers=headers)
        return answer.status_code, answer.headers.get("Access-Control-Allow-Origin")

    for origin in ("http://localhost:3000", "https://preview.pylearn.net"):
        assert run_from(origin) == (200, origin)
    for origin in ("http://localhost:3001", "https://other.pylearn.net", site[0]):
        assert run_from(origin)[0] == 403


@pytest.fixture
def page(site: tuple[str, Service], browser: Browser) -> Iterator[Page]:
    """Return the page, and check that it logs no error."""
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(site[0])
    yield page
    assert said == []


def run(page: Page, code: str) -> None:
    page.get_by_label("Program").fill(code)
    page.get_by_role("button", name="Run").click()


PROGRAM = """\
import matplotlib.pyplot as plt
def greeting(name):
    return f"Hello, {name}!"
print(greeting(input("Name? ")))
plt.plot([1, 2])
"""


def test_a_learner_runs_a_program_and_passes_the_tests(site: tuple[str, Service], page: Page) -> None:
    run(page, PROGRAM)
    page.get_by_label("Input").fill("Zoë")
    page.get_by_label("Input").press("Enter")
    expect(page.get_by_text("Name? Zoë\nHello, Zoë!\n")).to_be_visible()
    expect(page.get_by_role("img", name="Figure 1")).to_be_visible()
    expect(page.get_by_role("listitem")).to_contain_text(["✅", "✅"])
    [(learner, key)] = site[1].query(
        "SELECT learner, key.name FROM executions_execution JOIN apikeys_apikey AS key ON key.id = key_id"
        " WHERE code LIKE 'import matplotlib%'"
    )
    assert (len(learner), key) == (36, "Site")  # with a token that the site's server made for this browser


def test_a_mistake_is_marked_in_its_line(page: Page) -> None:
    run(page, "greeting = 'é' + 😀\nx = greting")
    expect(page.locator("mark")).to_have_text("😀")
    run(page, "greeting = '😀'; x = greting")
    alert = page.get_by_role("alert").filter(has_text="Line 1: NameError")
    expect(alert.locator("mark")).to_have_text("greting")
    expect(alert).to_contain_text("greeting")


def test_a_failed_test_shows_the_difference(page: Page) -> None:
    run(page, "def greeting(name):\n    return f'Hallo, {name}!'")
    expect(page.get_by_role("listitem").first).to_contain_text("returned: Hallo, Ada!")


def test_the_stop_button_cancels_the_program(site: tuple[str, Service], page: Page) -> None:
    run(page, "import time\nprint('be' + 'gun', flush=True)\ntime.sleep(8)")
    expect(page.get_by_text("begun")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    status = "SELECT status FROM executions_execution WHERE code LIKE 'import time%'"
    assert eventually(lambda: site[1].query(status) == [("cancelled",)], 30), site[1].query(status)


def test_a_line_that_could_not_be_sent_can_be_sent_again(page: Page) -> None:
    run(page, "print('Hello,', input('Name? '))")
    page.get_by_label("Input").fill("Ada")
    page.evaluate("window.real = window.fetch; window.fetch = async () => new Response('', { status: 500 });")
    page.get_by_label("Input").press("Enter")
    expect(page.get_by_text("The service answered with status 500.")).to_be_visible()
    page.evaluate("() => { window.fetch = window.real; }")
    page.get_by_label("Input").fill("Zoë")
    page.get_by_label("Input").press("Enter")
    expect(page.get_by_text("Hello, Zoë")).to_be_visible()
    expect(page.get_by_text("The service answered")).to_have_count(0)


def test_a_lesson_is_a_page_with_the_whole_runner(site: tuple[str, Service], page: Page) -> None:
    page.goto(f"{site[0]}/lesson")
    runner = page.locator("py-runner")
    expect(runner.locator(".cm-line")).to_have_text(["def double(x):", "    return x"])
    runner.get_by_role("button", name="Run").click()
    expect(runner.locator("#score")).to_have_text("0 of 2 passed")
    expect(runner.locator("#results li").nth(1)).to_contain_text("a hidden test")
    runner.locator(".cm-content").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(" * 2")
    page.keyboard.press("Control+Enter")
    expect(runner.locator("#score")).to_have_text("2 of 2 passed")
    tried = site[1].query(
        "SELECT tried.exercise, passed, learner FROM executions_attempt AS tried"
        " JOIN executions_execution AS execution ON execution.id = execution_id ORDER BY execution_id"
    )
    assert [row[:2] for row in tried] == [("double-1", 0), ("double-1", 1)]
    assert tried[0][2] == tried[1][2] != ""  # with tokens for the browser's learner
