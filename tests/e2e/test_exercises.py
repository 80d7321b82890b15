"""A class tries an exercise, and its teacher reads the page of it in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.e2e.accessibility import barriers
from tests.service import ORIGIN, Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

PASSWORD = "a long word of four"
TEACHER = (
    "from django.contrib.auth.models import Group, User\n"
    f"teacher = User.objects.create_user('grace', password='{PASSWORD}', is_staff=True)\n"
    "teacher.groups.add(Group.objects.get(name='{group}'))"
)
TESTS = [
    {"name": "small", "input": "mean([1, 3])", "expected_output": "2.0"},
    {"name": "nothing", "input": "mean([])", "expected_output": "0"},
    {"name": "large", "input": "mean([10, 20, 30])", "expected_output": "20.0", "hidden": True},
]
RIGHT = "def mean(xs):\n    return sum(xs) / len(xs) if xs else 0"
NO_NOTHING = "def mean(numbers):\n    # add them up\n    return sum(numbers) / len(numbers)"
WHOLE = "def mean(xs):\n    return sum(xs) // 2 if xs else 0"
MISSPELT = "def mean(xs):\n    return sum(sx) / len(xs) if xs else 0"
ATTEMPTS = (
    ("ada", NO_NOTHING),
    ("bob", NO_NOTHING.replace("numbers", "values")),
    ("eve", WHOLE),
    ("eve", MISSPELT),
    ("bob", WHOLE.replace("xs", "ys")),
    ("ada", RIGHT),
)


@pytest.fixture
def service(tmp_path: Path, static_files: None) -> Iterator[Service]:
    with Service(tmp_path, SANDBOX_POOL_SIZE="2") as service:
        yield service


def log_in(page: Page, service: Service, group: str) -> list[str]:
    """Log in as a member of the group; return a list of what the browser will complain about."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    service.manage("shell", "--verbosity=0", "-c", TEACHER.replace("{group}", group))
    page.goto(f"{service.url}/admin/")
    page.fill("[name=username]", "grace")
    page.fill("[name=password]", PASSWORD)
    page.click("text=Log in")
    return said


def test_a_teacher_sees_what_a_class_has_in_common(service: Service, browser: Browser) -> None:
    for learner, code in ATTEMPTS:
        body = {"code": code, "learner": learner, "exercise": "mean-1", "test_cases": TESTS}
        headers = {"X-API-Key": service.api_key, "Origin": ORIGIN}
        assert requests.post(f"{service.url}/execute", json=body, headers=headers, timeout=60).status_code == 200
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    said = log_in(page, service, "Teachers")

    page.get_by_role("link", name="Exercises").first.click()
    expect(page.get_by_role("row", name="mean-1")).to_contain_text("617 %")  # attempts, passed
    assert barriers(page) == []
    page.get_by_role("link", name="mean-1").click()

    expect(page.locator(".tile .number")).to_have_text(["6", "17 %", "3", "33 %"])
    tests, errors, outputs = (page.locator(f".third:nth-of-type({number}) li") for number in (1, 2, 3))
    expect(tests).to_contain_text(["small50 %", "large (hidden)50 %", "nothing33 %"])
    expect(errors).to_contain_text(
        ["ZeroDivisionError: division by zero", "NameError: name … is not defined"], use_inner_text=True
    )
    expect(errors.nth(0)).to_contain_text("2 attempts of 2 learners")
    expect(outputs).to_have_count(1)
    expect(outputs.first).to_contain_text("instead of")
    shapes = page.locator(".shapes > li")
    expect(shapes).to_have_count(3)
    expect(shapes.nth(0)).to_contain_text("2 attempts of 2 learners")
    expect(shapes.filter(has_text="50 % passed")).to_contain_text("return sum(xs)")  # the misspelt one has its shape
    for private in ("ada", "eve", "127.0.0.1"):
        expect(page.locator("#content")).not_to_contain_text(private)
    assert barriers(page) == []

    # On a phone, nothing is wider than the screen.
    page.set_viewport_size({"width": 360, "height": 800})
    for path in ("", "mean-1/"):
        page.goto(f"{service.url}/admin/executions/attempt/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    assert said == []

    # After an erasure, the page has nothing of the learner.
    service.manage("erase_learner", "eve")
    page.reload()
    expect(page.locator(".tile .number")).to_have_text(["4", "25 %", "2", "50 %"])
    expect(page.locator("#content")).not_to_contain_text("NameError")
