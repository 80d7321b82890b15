"""Staff in an emergency, in a real browser: from the amber light to whom to suspend, and a leaked key replaced."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.e2e.accessibility import barriers
from tests.e2e.test_browser import PASSWORD, Watched
from tests.service import ORIGIN, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

ATTACK = "import os\nimport socket\nsocket.socket().connect(('192.0.2.1', 80))"


@pytest.fixture
def service(tmp_path: Path, static_files: None) -> Iterator[Service]:
    with Service(tmp_path, SANDBOX_POOL_SIZE="2") as service:
        make = (
            f"from django.contrib.auth.models import User; User.objects.create_superuser('ada', password='{PASSWORD}')"
        )
        service.manage("shell", "--verbosity=0", "-c", make)
        yield service


def run(service: Service, token: str, learner: str, code: str = "print(1)", origin: str | None = None) -> int:
    """Run a program as the site's server, or as a page; return the status."""
    headers = {"X-API-Key": token, **({"Origin": origin} if origin else {})}
    body = {"code": code, "learner": learner}
    return requests.post(f"{service.url}/execute", json=body, headers=headers, timeout=60).status_code


def expect_no_barriers(watched: Watched) -> None:
    """Check the page with axe, and forget what the policy then keeps axe itself from doing."""
    before = len(watched.faults)
    assert barriers(watched.page) == []
    del watched.faults[before:]


def dashboard(page: Page, service: Service) -> str:
    """Open the dashboard; return the text of its light."""
    page.goto(f"{service.url}/admin/")
    return page.locator(".lamp").inner_text()


def test_staff_find_suspend_lift_and_replace(service: Service, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    watched = Watched(context.new_page())
    page = watched.page
    page.goto(f"{service.url}/admin/")
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", PASSWORD)
    page.click("#content-main [type=submit]")
    assert "Accepting programs" in dashboard(page, service)
    assert page.evaluate("document.documentElement.scrollHeight") <= 900

    # A server of the site has a key. One of its learners attacks.
    page.get_by_role("navigation", name="Tables").get_by_text("API keys").click()
    page.click("text=Add API key")
    page.fill("[name=name]", "Lessons")
    page.check("[name=kind][value=secret]")
    page.fill("[name=origins]", ORIGIN)
    page.click("[name=_save]")
    token = page.input_value("#id_token")
    page.click("#key-page")
    key_page = page.url
    for _ in range(2):
        assert run(service, token, "eve", ATTACK) == 200
    assert run(service, token, "bob", "while True: pass") == 200

    # Above the fold: who it is, what they did, and the button to suspend them.
    dashboard(page, service)
    first = page.locator(".noticed li").first
    expect(first).to_contain_text("eve")
    expect(first).to_contain_text("Lessons")
    expect(first).to_contain_text("network attempt \N{MULTIPLICATION SIGN} 2")
    box = first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 900
    first.locator("summary").click()
    first.locator("[name=reason]").fill("tries the network")
    first.locator("button").click()
    expect(page.get_by_text("The learner is suspended.")).to_be_visible()
    assert page.url == f"{service.url}/admin/"
    assert [run(service, token, each) for each in ("eve", "eve", "eve", "bob")] == [403, 403, 403, 200]

    # Refused requests turn the light amber, with the reason.
    assert eventually(lambda: "Refusing" in dashboard(page, service), 20)
    expect(page.locator(".lamp")).to_contain_text("suspended")
    expect(page.locator(".refusals")).to_contain_text("Lessons")
    expect_no_barriers(watched)

    # The learner looks suspended wherever they are, with the reason and the way out.
    page.locator(".noticed li", has_text="eve").get_by_role("link", name="eve").click()
    expect(page.locator(".suspended").first).to_contain_text("tries the network")
    expect(page.locator(".telling").first).to_have_text("socket.socket().connect(('192.0.2.1', 80))")
    expect_no_barriers(watched)
    page.click(".field-when a >> nth=0")
    expect(page.locator(".facts .suspended")).to_contain_text("tries the network")
    expect(page.locator("dd", has_text="eve").get_by_role("link")).to_be_visible()
    page.locator(".facts .lift").click()
    expect(page.get_by_text("The suspension of learner eve of Lessons")).to_be_visible()
    expect(page.locator(".facts .suspended")).to_have_count(0)
    assert run(service, token, "eve") == 200

    # The key leaks: somebody else uses it. One step replaces it, and shows who that is.
    page.goto(key_page)
    page.click("text=This key leaked")
    expect(page.locator(".key-use")).to_contain_text("127.0.0.1")
    expect_no_barriers(watched)
    page.click("text=Replace it and show the new token")
    successor = page.input_value("#id_token")
    assert successor != token
    assert [run(service, token, "mallory"), run(service, successor, "bob")] == [403, 200]

    # The old token's own traffic stays apart: one refused, from here.
    page.goto(key_page)
    assert eventually(lambda: "invalid key" in page.reload().text(), 20)  # type: ignore[union-attr]
    expect(page.locator(".key-use")).to_contain_text("the token is no longer valid")
    assert token not in page.content()
    expect_no_barriers(watched)

    # The audit log names all of them.
    page.get_by_role("navigation", name="Tables").get_by_text("Audit log").click()
    expect(page.get_by_text("key_leaked")).to_be_visible()
    expect(page.locator("#result_list")).to_contain_text("error of eve, Lessons")
    expect(page.locator("#result_list")).to_contain_text("learner eve of Lessons")
    expect_no_barriers(watched)
    assert watched.faults == []
