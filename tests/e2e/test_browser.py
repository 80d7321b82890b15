"""Staff work in a real browser, from logging in to suspending a learner, and no hostile content runs there.

`SCREENSHOTS=docs/images pytest tests/e2e/test_browser.py` retakes the pictures of docs/images.
"""

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from django_otp.oath import totp
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.e2e.accessibility import FADED, barriers
from tests.service import ORIGIN, Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

PASSWORD = "a long word of four"
HOSTILE = """\
print('</pre><script>document.title = "owned"; alert(1)</script>')
print('"><img src=x onerror=alert(2)>', '{{7*7}}', 'javascript:alert(3)')
print('\\u202egnihton si siht\\u202c', '\\x1b[31mred\\x1b[0m\\x1b]0;owned\\x07', 'a' * 5000)
# </code></div><script>alert(4)</script> \u202e\u2066 <style>body { display: none }</style>
import socket
socket.socket().connect(('192.0.2.1', 80))
"""


@pytest.fixture
def service(tmp_path: Path, static_files: None) -> Iterator[Service]:
    service = Service(tmp_path, ADMIN_REQUIRE_OTP="true", SANDBOX_POOL_SIZE="2")
    with service:
        fill = "from benchmarks.population import populate; populate(6000, traffic_days=1)"
        service.manage("shell", "--verbosity=0", "-c", fill)
        yield service


@dataclass
class Watched:
    """A page with the errors and dialogs that occur on it."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("dialog", self._refuse)
        self.page.on("pageerror", lambda error: self.faults.append(f"error {error}"))
        self.page.on("console", lambda message: self.faults.append(message.text))

    def _refuse(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog {dialog.message}")
        dialog.dismiss()


def picture(page: Page, name: str, path: Path) -> None:
    """Take a screenshot of the page in light and in dark mode."""
    folder = Path(os.environ.get("SCREENSHOTS", path))
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        page.evaluate(FADED)
        file = folder / f"{name}-{scheme}.png"
        page.screenshot(path=file, full_page=name == "dashboard")
        assert file.stat().st_size > 10_000
    page.emulate_media(color_scheme="light")


def run(service: Service, token: str, code: str) -> requests.Response:
    headers = {"X-API-Key": token}
    body = {"code": code, "learner": "eve <b>"}
    return requests.post(f"{service.url}/execute", json=body, headers=headers, timeout=60)


def log_in(page: Page, service: Service) -> None:
    make = f"from django.contrib.auth.models import User; User.objects.create_superuser('ada', password='{PASSWORD}')"
    service.manage("shell", "--verbosity=0", "-c", make)
    secret = base64.b32decode(service.manage("create_otp", "ada").splitlines()[-1])
    page.goto(f"{service.url}/admin/")
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", PASSWORD)
    page.click("text=Log in")
    assert "/login/" in page.url  # a password without a token is refused
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=otp_token]", f"{totp(secret):06}")
    page.click("#content-main [type=submit]")
    expect(page.get_by_role("heading", name="Executions today")).to_be_visible()


def test_staff_suspend_a_hostile_learner_in_the_browser(service: Service, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    watched = Watched(context.new_page())
    page = watched.page
    log_in(page, service)

    # A key is created; its token is shown once and copied.
    page.goto(f"{service.url}/admin/apikeys/apikey/add/")
    page.fill("[name=name]", "Lessons")
    page.check("[name=kind][value=secret]")
    page.fill("[name=origins]", ORIGIN)
    page.click("[name=_save]")
    page.click("#copy-token")
    token = page.input_value("#id_token")
    assert page.evaluate("navigator.clipboard.readText()") == token
    assert run(service, token, "print(1)").json()["output"] == "1\n"
    page.click("#key-page")
    assert token not in page.content()
    key_page = page.url

    # It is rotated; both tokens work during the overlap.
    page.click(".object-tools >> text=Rotate")
    page.click("#content-main [type=submit]")
    successor = page.input_value("#id_token")
    assert successor != token
    for each in (token, successor):
        assert run(service, each, "print(1)").status_code == 200
    page.goto(key_page)
    assert successor not in page.content()

    # A hostile execution is shown as text.
    hostile = run(service, successor, HOSTILE).json()
    assert hostile["status"] == "error"
    page.goto(f"{service.url}/admin/executions/execution/?q={hostile['id']}")
    expect(page.locator(".flag")).to_have_text("network attempt")
    page.click(".field-when a")
    expect(page.get_by_role("heading", name="Output")).to_be_visible()
    assert page.title() != "owned"
    assert "⟨U+202E⟩" in page.inner_text("#content")
    assert "␛[31m" in page.inner_text("#content")
    assert page.locator(".hostile script, .hostile img, .hostile style").count() == 0
    picture(page, "execution", tmp_path)
    address = page.url

    # Staff run it again, in a new container, as an execution of their own.
    page.click(".acts >> text=Run again")
    expect(page.get_by_text("staff: ada")).to_be_visible()
    assert page.url != address
    assert page.locator(".status").first.inner_text() == "error"

    # Staff suspend the learner, whose next request is refused.
    page.goto(address)
    page.locator("summary", has_text="Suspend learner").click()
    page.locator("form[action$='suspend-learner/'] [name=reason]").fill("tries the network")
    page.locator("form[action$='suspend-learner/'] button").click()
    expect(page.get_by_text("The learner is suspended.")).to_be_visible()
    refused = run(service, successor, "print(1)")
    assert (refused.status_code, refused.json()["code"]) == (403, "suspended")

    page.goto(f"{service.url}/admin/executions/execution/")
    picture(page, "executions", tmp_path)
    page.goto(f"{service.url}/admin/")
    for place in (".noticed", ".plain"):  # among those to look at, and among the suspended
        expect(page.locator(place).get_by_text("tries the network")).to_be_visible()
    assert barriers(page) == []
    picture(page, "dashboard", tmp_path)

    # On a phone, nothing is wider than the screen.
    page.set_viewport_size({"width": 360, "height": 800})
    for path in ("", "executions/execution/", re.sub(r"^.*/admin/", "", address), "apikeys/apikey/"):
        page.goto(f"{service.url}/admin/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    assert watched.faults == []
