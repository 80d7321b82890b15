"""A guessing game in a real browser, on a page of another origin, with the code from the docs."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Site
from tests.e2e.test_live import GUESSING_GAME, is_final, record
from tests.service import ROOT, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

PAGE = """<!doctype html>
<title>A game</title>
<pre id=screen></pre>
<form id=form hidden><input name=line autofocus><button>Send</button></form>
<p id=status></p>
<textarea id=program></textarea><button id=run>Run</button>
<script>
const url = "URL", screen = document.getElementById("screen"), form = document.getElementById("form");
const headers = {"X-API-Key": "KEY", "Content-Type": "application/json"};
let execution;
function show(name, data) {
  if (name === "start") execution = data.id;
  if (name === "stdout") screen.append(data.text);
  if (name === "input") form.hidden = false;
  if (name === "result") document.getElementById("status").textContent = data.status;
}
document.getElementById("run").onclick = async () => {
  const body = JSON.stringify({code: document.getElementById("program").value, interactive: true, timeout: 5});
  DOCUMENTED
};
form.onsubmit = async event => {
  event.preventDefault();
  form.hidden = true;
  const body = JSON.stringify({text: form.line.value});
  form.reset();
  await fetch(`${url}/executions/${execution}/input`, {method: "POST", headers, body});
};
</script>
"""


def test_one_game_is_finished_and_another_closed_early(tmp_path: Path, site: Site, browser: Browser) -> None:
    documented = (ROOT / "docs/live.md").read_text().split("```js\n")[1].split("```")[0]
    with Service(tmp_path, ALLOWED_ORIGINS=site.origin, SANDBOX_POOL_SIZE="2") as service:
        written = PAGE.replace("URL", service.url).replace("KEY", service.api_key).replace("DOCUMENTED", documented)
        (site.directory / "game.html").write_text(written)
        page = browser.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text))
        page.goto(f"{site.origin}/game.html")
        page.fill("#program", GUESSING_GAME)
        page.click("#run")
        for number, (guess, hint) in enumerate([(50, "Too high."), (25, "Too low."), (37, "Right!")], start=1):
            expect(page.locator("#form")).to_be_visible()
            assert page.inner_text("#screen").rstrip().endswith(f"Guess {number}:")
            page.fill("[name=line]", str(guess))
            page.press("[name=line]", "Enter")
            expect(page.locator("#screen")).to_contain_text(hint)
        expect(page.locator("#status")).to_have_text("success")
        assert page.inner_text("#screen").rstrip().endswith("Right! It took you 3 guesses.")

        page.click("#run")
        expect(page.locator("#form")).to_be_visible()
        left = page.evaluate("execution")
        page.close()
        assert eventually(lambda: is_final(service, left), 8)
        assert record(service, left)["status"] == "cancelled"
        assert [fault for fault in faults if "favicon" not in fault and "404" not in fault] == []
