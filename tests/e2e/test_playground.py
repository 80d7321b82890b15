"""The playground in a real browser: edit, run, answer, plot, test and share, without accessibility barriers.

SCREENSHOTS=docs/images retakes the pictures of the README.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, Route, StorageState, expect

from tests.e2e.accessibility import barriers
from tests.service import Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

PASSWORD = "a long word of four"
LIVE = "import time\nprint('begun', flush=True)\ntime.sleep(1.5)\nprint('over')"
SHOWN = "from PIL import Image\nImage.new('RGB', (20, 10)).show()\ninput('Seen? ')"
GAME = "name = input('Name? ')\nprint('Hello,', name)\nprint('More:', input())"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, static_files: None) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("service"), SANDBOX_POOL_SIZE="2", SANDBOX_SCIENCE_POOL_SIZE="1")
    with service:
        make = "from django.contrib.auth.models import User; "
        make += f"User.objects.create_superuser('ada', password='{PASSWORD}')"
        service.manage("shell", "--verbosity=0", "-c", make)
        yield service


@dataclass
class Playground:
    """The page with everything that it logs and requests."""

    page: Page
    url: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.said.append(f"{message.text} {message.location}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def write(self, code: str) -> None:
        """Replace the program, as by pasting."""
        self.page.focus(".cm-content")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(code)

    def open(self, example: str) -> None:
        """Open one of the examples and run it."""
        self.page.get_by_role("button", name=example, exact=True).click()
        self.page.click("#run")

    def expect_code(self, code: str) -> None:
        expect(self.page.locator(".cm-line")).to_have_text(code.split("\n"))

    def expect_status(self, words: str) -> None:
        expect(self.page.locator("#status")).to_contain_text(words)


@pytest.fixture(scope="module")
def cookies(service: Service, chromium: Browser) -> StorageState:
    """Log in as a person does, once; return the session for the other pages."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{service.url}/playground/")
    log_in(page)
    state = context.storage_state()
    context.close()
    return {"cookies": state["cookies"]}


@pytest.fixture
def playground(service: Service, browser: Browser, cookies: StorageState) -> Playground:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, storage_state=cookies)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    playground = Playground(context.new_page(), service.url)
    playground.page.goto(f"{service.url}/playground/")
    return playground


def log_in(page: Page) -> None:
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", PASSWORD)
    page.click("text=Log in")
    expect(page.get_by_role("textbox", name="Program, main.py")).to_be_visible()
    page.wait_for_load_state()  # what the page's last script loads would replace what a test writes


def picture(page: Page, name: str, path: Path) -> None:
    folder = Path(os.environ.get("SCREENSHOTS", path))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"playground-{name}.png"
    page.screenshot(path=file, caret="initial")  # hiding the caret would add a style, which the page's policy forbids
    assert file.stat().st_size > 10_000


def test_a_learner_works_through_a_lesson_in_the_playground(
    playground: Playground, service: Service, tmp_path: Path
) -> None:
    page = playground.page
    output = page.locator("#output")
    assert barriers(page) == []

    # A typed program runs, and its output appears as it is printed.
    playground.write(LIVE)
    page.keyboard.press("Control+Enter")
    expect(output).to_have_text("begun\n")
    playground.expect_status("Running")
    expect(output).to_have_text("begun\nover\n")
    playground.expect_status("Finished")

    # Stop cancels it and moves the focus back to Run.
    playground.write("print('on', flush=True)\nwhile True: pass")
    page.click("#run")
    expect(output).to_have_text("on\n")  # a run stopped before it starts has no record
    expect(page.locator("#stop")).to_be_focused()
    page.keyboard.press("Enter")
    playground.expect_status("Stopped")
    expect(page.locator("#run")).to_be_focused()

    # Input can be sent with the keyboard alone, and ended, too.
    playground.write(GAME)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#line")).to_be_focused()
    assert barriers(page) == []
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(output).to_have_text("Name? Ada\nHello, Ada\n")
    expect(page.locator("#line")).to_be_focused()
    for key in ("Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#error")).to_contain_text("EOFError on line 3")

    # A mistake is marked on its line, at the right characters, until it is fixed.
    playground.write("x = '🐍'; y = pritn(x)\n")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".error-line")).to_have_text("x = '🐍'; y = pritn(x)")
    expect(page.locator(".error-part")).to_have_text("pritn")
    expect(page.locator(".error-note")).to_contain_text("did you mean 'print'?")
    expect(page.locator("#error")).to_contain_text("NameError on line 1")
    assert barriers(page) == []
    page.get_by_role("button", name="Go to line 1").click()
    page.keyboard.type("z")
    expect(page.locator(".error-line")).to_have_count(0)

    # A plot is drawn.
    playground.open("Plot")
    playground.expect_status("Finished")
    assert page.locator("#images img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 300

    # An image appears while its program is still running, and only once.
    playground.write(SHOWN)
    page.click("#run")
    expect(page.locator("#line")).to_be_focused()
    expect(page.locator("#images img")).to_have_count(1)
    page.keyboard.press("Enter")
    playground.expect_status("Finished")
    expect(page.locator("#images img")).to_have_count(1)

    # An exercise is tested.
    playground.open("Exercise")
    playground.expect_status("Finished")
    expect(page.locator("#score")).to_have_text("2 of 3 passed")
    expect(page.locator("#results .failed")).to_contain_text("returned: everybody!")
    assert barriers(page) == []
    page.get_by_role("button", name="Remove test 3").click()
    page.click("#add-test")
    page.keyboard.type('longest("ab c")')
    page.keyboard.press("Tab")
    page.keyboard.type("ab")
    page.click("#run")
    expect(page.locator("#score")).to_have_text("3 of 3 passed")

    # A link shares the program without sending it to the service.
    page.locator("#stdin-part summary").click()
    page.fill("#stdin", "Grüße 🐍")
    before = len(playground.asked)
    page.click("#share")
    expect(page.locator("#toast p")).to_have_text("Link copied.")
    link = page.evaluate("navigator.clipboard.readText()")
    page.evaluate("localStorage.clear(), sessionStorage.clear()")  # as in another browser
    page.goto("about:blank")
    page.goto(link)
    expect(page.locator(".cm-content")).to_contain_text("return max(words, key=len)")
    expect(page.get_by_label("Test 3: call or input")).to_have_value('longest("ab c")')
    expect(page.locator("#stdin")).to_have_value("Grüße 🐍")
    expect(output).to_be_empty()  # a shared program does not run by itself
    assert not any("#" in url.removeprefix(link) or "/execute" in url for url in playground.asked[before:])
    page.evaluate("location.hash = '#p1.damaged'")
    expect(page.locator("#toast p")).to_contain_text("This link is damaged")

    # In the editor, Tab indents; Escape and then Tab leaves it.
    playground.write("")
    page.keyboard.press("Tab")
    expect(page.locator(".cm-content")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator(".cm-content")).not_to_be_focused()

    show(playground, tmp_path)
    assert service.query("SELECT DISTINCT learner, origin FROM executions_execution") == [
        ("playground:ada", service.url)
    ]
    assert ("cancelled",) in service.query("SELECT status FROM executions_execution")
    assert "pl_" not in page.evaluate("JSON.stringify([localStorage, sessionStorage])") + page.content()
    assert all(url.startswith((service.url, "data:", "about:")) for url in playground.asked)
    assert playground.said == []


def show(playground: Playground, path: Path) -> None:
    """Take the screenshots, and check that nothing is wider than a phone's screen."""
    page = playground.page
    playground.open("Plot")
    playground.expect_status("Finished")
    page.get_by_role("button", name="Close").click()  # what says that the other program is kept
    picture(page, "light", path)
    page.emulate_media(color_scheme="dark")
    playground.open("Mistake")
    playground.expect_status("Failed with an error")
    picture(page, "dark", path)
    page.set_viewport_size({"width": 360, "height": 760})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    for example, words in (("Exercise", "Finished in"), ("Mistake", "Failed with")):
        playground.open(example)
        playground.expect_status(words)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        expect(page.locator("#screen")).to_be_in_viewport()
    right = "part => part.getBoundingClientRect().right"
    assert page.locator("#run").evaluate(right) < page.locator(".program").evaluate(right)
    page.evaluate("scrollTo(0, 0)")
    picture(page, "phone", path)
    assert barriers(page) == []


OWN = "# mine\nprint(1)"


def test_what_was_typed_is_there_after_a_reload_and_in_another_tab(playground: Playground, service: Service) -> None:
    page = playground.page
    playground.write(OWN)
    page.locator("#stdin-part summary").click()
    page.fill("#stdin", "Ada")
    page.locator("#tests-part summary").click()
    page.click("#add-test")
    page.keyboard.type("f(1)")
    with page.context.expect_page() as opened:
        page.evaluate("window.open('about:blank', '_blank', 'noopener')")
    other = Playground(opened.value, service.url)
    other.page.goto(f"{service.url}/playground/")
    page.reload()
    for tab in (playground, other):
        tab.expect_code(OWN)
        expect(tab.page.locator("#stdin")).to_have_value("Ada")
        expect(tab.page.get_by_label("Test 1: call or input")).to_have_value("f(1)")

    # Neither tab overwrites what the other has written.
    other.write("print('other')")
    page.reload()
    page.locator("#programs summary").click()
    expect(page.locator("#kept li")).to_have_count(2)
    page.get_by_role("button", name="# mine").click()
    playground.expect_code(OWN)
    playground.write("print('again')")
    other.page.reload()
    other.expect_code("print('other')")
    assert playground.said == other.said == []


def test_a_tab_that_is_told_of_no_change_loses_nothing(playground: Playground, service: Service) -> None:
    """As when it is reloaded in the moment in which another tab writes."""
    page = playground.page
    page.add_init_script("window.addEventListener('storage', (event) => event.stopImmediatePropagation(), true)")
    page.reload()
    playground.write(OWN)
    other = Playground(page.context.new_page(), service.url)
    other.page.goto(f"{service.url}/playground/")
    other.expect_code(OWN)
    other.write("print('other')")
    page.reload()
    playground.expect_code(OWN)
    page.locator("#programs summary").click()
    expect(page.locator("#kept li")).to_have_count(2)

    # The first one is closed: now the other may go on with its program.
    page.close()
    other.page.reload()
    other.page.locator("#programs summary").click()
    other.page.get_by_role("button", name="# mine").click()
    other.expect_code(OWN)
    other.write("print('mine')")
    other.page.reload()
    other.expect_code("print('mine')")
    other.page.locator("#programs summary").click()
    expect(other.page.locator("#kept li")).to_have_count(2)
    assert playground.said == other.said == []


def test_nothing_overwrites_a_program_without_a_way_back(
    playground: Playground, service: Service, tmp_path: Path
) -> None:
    page = playground.page
    back = page.get_by_role("button", name="Back to it")
    playground.write(OWN)

    # An example, changed in its turn.
    page.get_by_role("button", name="Hello", exact=True).click()
    expect(page.locator("#toast p")).to_have_text("Your program is kept.")
    assert barriers(page) == []
    back.click()
    playground.expect_code(OWN)
    page.get_by_role("button", name="Mistake", exact=True).click()
    playground.write("a, changed = example")
    page.get_by_role("button", name="Exercise", exact=True).click()
    back.click()
    playground.expect_code("a, changed = example")

    # An example that was not changed is still there after a reload, too.
    page.get_by_role("button", name="Exercise", exact=True).click()
    page.reload()
    expect(page.locator(".cm-content")).to_contain_text("def longest(text)")

    # A test that was removed.
    page.get_by_role("button", name="Remove test 2").click()
    expect(page.locator("#test-cases li")).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Test 2: call or input")).to_have_value('longest("a bc def")')

    # Once something else was typed, its undo would take that away.
    page.get_by_role("button", name="Remove test 2").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.keyboard.type("x")
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()

    # A file.
    file = tmp_path / "größe.py"
    file.write_text("print('🐍')\r\n", newline="")
    page.set_input_files("#file", file)
    playground.expect_code("print('🐍')\n")
    expect(back).to_be_visible()
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "größe.py"
    assert download.value.path().read_bytes() == "print('🐍')\n".encode()
    playground.write(OWN)
    file.write_bytes(b"\xff\xfe\x00")
    page.set_input_files("#file", file)
    expect(page.locator("#toast p")).to_have_text("größe.py is not a text file in UTF-8.")
    playground.expect_code(OWN)

    # All of them are listed, and can be deleted.
    page.set_viewport_size({"width": 360, "height": 760})
    page.locator("#programs summary").click()
    expect(page.locator("#kept li")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert barriers(page) == []
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#forget")
    page.reload()
    playground.expect_code(OWN)
    page.locator("#programs summary").click()
    expect(page.locator("#kept li")).to_have_count(1)
    assert playground.said == []


LONG = "start => navigator.clipboard.writeText(start + 'ж'.repeat(2_700_000))"


def test_a_full_browser_keeps_the_program_in_the_editor_and_forgets_the_oldest(playground: Playground) -> None:
    page = playground.page
    playground.write("# the oldest")
    for example in ("Hello", "Mistake"):
        page.get_by_role("button", name=example, exact=True).click()
        page.evaluate(LONG, f"# {example} ")
        page.focus(".cm-content")
        page.keyboard.press("Control+A")
        page.keyboard.press("Control+V")
    page.reload()
    page.locator("#programs summary").click()
    names = page.locator("#kept li")
    expect(names.first).to_contain_text("Mistake")
    expect(names.filter(has_text="the oldest")).to_have_count(0)
    assert playground.said == []


def test_a_program_that_is_too_large_for_the_browser_costs_no_other_one(playground: Playground) -> None:
    page = playground.page
    for example, code in (("Hello", "# one"), ("Mistake", "# two")):
        page.get_by_role("button", name=example, exact=True).click()
        playground.write(code)
    page.get_by_role("button", name="Plot", exact=True).click()
    page.locator("#runner").evaluate("runner => { runner.code = 'x'.repeat(6_000_000); }")
    expect(page.locator("#toast p")).to_contain_text("This browser keeps nothing")
    page.locator("#programs summary").click()
    names = page.locator("#kept li")
    expect(names).to_have_count(2)
    expect(names).to_contain_text(["# two", "# one"])


@pytest.mark.parametrize("damaged", ["null", '"x"', '{"changed": 9e12}', '{"code": "a", "tests": {}}', "{"])
def test_a_damaged_program_costs_no_other_one(playground: Playground, damaged: str) -> None:
    page = playground.page
    playground.write(OWN)
    page.evaluate("damaged => localStorage.setItem('playground.program.damaged', damaged)", damaged)
    page.evaluate("sessionStorage.clear()")
    page.reload()
    playground.expect_code(OWN)
    page.locator("#programs summary").click()
    expect(page.locator("#kept li")).to_have_count(1)
    assert playground.said == []


def test_a_link_that_was_cut_off_says_so_and_leaves_the_program_alone(playground: Playground) -> None:
    page = playground.page
    playground.write("print('shared')" * 9)
    page.click("#share")
    expect(page.locator("#toast p")).to_have_text("Link copied.")
    link = page.evaluate("navigator.clipboard.readText()")
    playground.write(OWN)
    expect(page).to_have_url(link.partition("#")[0])  # or a reload would bring the shared program back
    for damaged in (link[:-9], link[: link.index("#") + 3], f"{link[:-9]}!!!!", f"{link}AAAA{link[-9:]}"):
        page.goto("about:blank")
        page.goto(damaged)
        expect(page.locator("#toast p")).to_contain_text("This link is damaged")
        playground.expect_code(OWN)
    page.goto("about:blank")
    page.goto(link)
    playground.expect_code("print('shared')" * 9)
    page.get_by_role("button", name="Back to it").click()
    playground.expect_code(OWN)

    # Who has to log in first, and mistypes, comes to the program.
    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(link)
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", "a wrong word")
    page.click("text=Log in")
    log_in(page)
    playground.expect_code("print('shared')" * 9)
    assert playground.said == []


def test_a_lost_session_and_a_bad_gateway_cost_nothing(playground: Playground) -> None:
    page = playground.page
    playground.write(OWN)
    page.context.clear_cookies()
    page.click("#run")
    expect(page.locator("#error")).to_contain_text("You were logged out.")
    expect(page.locator("#error")).to_contain_text("Log in: your program is kept.")
    page.get_by_role("link", name="Log in").click()
    log_in(page)
    playground.expect_code(OWN)

    # Logged in again in another tab: this page's CSRF token is old, and it gets a new one by itself.
    page.context.clear_cookies()
    other = page.context.new_page()
    other.goto(page.url)
    log_in(other)
    page.click("#run")
    playground.expect_status("Finished")

    # Without a connection, the page says so in words that help.
    page.reload()
    page.route("**/*", lambda route: route.abort("internetdisconnected"))
    page.click("#run")
    expect(page.locator("#error .reason")).to_have_text("The connection was lost. Check your internet connection.")
    page.unroute("**/*")

    # The proxy has no service behind it for a while.
    page.route("**/*", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>", content_type="text/html"))
    page.goto(playground.url + "/playground/")
    expect(page.locator("h1")).to_have_text("Bad Gateway")
    page.unroute("**/*")
    page.reload()
    playground.expect_code(OWN)


def test_success_is_not_shown_as_an_error_and_output_keeps_its_order(playground: Playground) -> None:
    page = playground.page
    lines = "for at, word in enumerate(('one', 'two', 'three', 'four')):\n"
    lines += "    print(word, file=(sys.stdout, sys.stderr)[at % 2], flush=True)\n    time.sleep(0.3)"
    playground.write(f"import sys, time\n{lines}")
    page.click("#run")
    playground.expect_status("Finished")
    expect(page.locator("#output .line")).to_have_text(["one", "two", "three", "four", ""])
    expect(page.locator("#error")).to_be_hidden()
    expect(page.locator("#output .stderr")).to_have_text(["two", "four"])


def test_tests_with_several_lines_need_no_typing(playground: Playground) -> None:
    page = playground.page
    playground.write("name = input('Name? ')\nage = int(input('Age? '))\nprint(name, age + 1)")
    page.locator("#tests-part summary").click()
    for number, (given, wanted) in enumerate([("Ada\n36", "Name? Age? Ada 37"), ("Bob\n1", "Bob 2")], 1):
        page.click("#add-test")
        page.get_by_label(f"Test {number}: call or input").fill(given)
        page.get_by_label(f"Test {number}: expected").fill(wanted)
    page.click("#run")
    playground.expect_status("1 of 2 tests passed")
    expect(page.locator("#results .passed code").first).to_have_text("Ada\n36")
    expect(page.locator("#results .failed .diff")).to_contain_text("printed:")
    question = "This test does not expect the question “Name?” that input() prints."
    expect(page.locator("#results .hint")).to_have_text([question])  # none for the test that passed
    expect(page.locator("#error")).to_be_hidden()
    expect(page.locator("#output")).to_be_empty()
    assert barriers(page) == []
    page.get_by_role("button", name="Run it with mine").click()
    for word in ("Eve", "7"):
        expect(page.locator("#line")).to_be_focused()
        page.keyboard.type(word)
        page.keyboard.press("Enter")
    expect(page.locator("#output")).to_have_text("Name? Eve\nAge? 7\nEve 8\n")
    playground.expect_status("Finished")

    # A program that stops for another reason is shown as ever.
    playground.write("print('begun')\nif 1 / 0: input()")
    page.click("#run")
    expect(page.locator("#error")).to_contain_text("ZeroDivisionError on line 2")
    expect(page.locator("#output")).to_contain_text("begun")


def test_a_busy_service_is_waited_for_with_a_countdown(playground: Playground, service: Service) -> None:
    page = playground.page
    busy = [(503, {"Retry-After": "2"}), (502, {}), (429, {"Retry-After": "1"})]
    tried: list[int] = []

    def refuse(route: Route) -> None:
        if len(tried) == len(busy):
            return route.continue_()
        status, headers = busy[len(tried)]
        tried.append(status)
        return route.fulfill(status=status, headers=headers, json={"detail": "Too many at once.", "code": "busy"})

    page.route("**/execute", refuse)
    playground.write(OWN)
    page.click("#run")
    playground.expect_status("Trying again in 2 s")
    playground.expect_status("Trying again in 1 s")
    expect(page.locator("#empty")).to_have_text("Too many at once.")
    assert barriers(page) == []
    playground.expect_status("Finished")
    assert tried == [503, 502, 429]
    page.unroute("**/execute")

    # A real limit, which Stop does not wait for.
    service.change("UPDATE apikeys_apikey SET learner_rate = '1/m' WHERE name = 'Playground'")
    try:
        page.click("#run")  # the first of this minute
        playground.expect_status("Finished")
        page.click("#run")
        playground.expect_status("Trying again in")
        page.click("#stop")
        playground.expect_status("Stopped")
    finally:
        service.change("UPDATE apikeys_apikey SET learner_rate = '' WHERE name = 'Playground'")

    # Hours are too long to wait.
    page.route("**/execute", lambda route: route.fulfill(status=429, headers={"Retry-After": "7200"}, json=USED_UP))
    page.click("#run")
    expect(page.locator("#error")).to_contain_text("Try again in 2 h.")


USED_UP = {"detail": "You have used up today's programs. Try again in 2 h.", "code": "executions_used_up"}


def test_a_line_that_could_not_be_sent_is_not_lost(playground: Playground) -> None:
    page = playground.page
    sent: list[str | None] = []
    page.on("request", lambda request: sent.append(key_of(request)) if request.url.endswith("/input") else None)
    playground.write(GAME)
    page.click("#run")
    expect(page.locator("#line")).to_be_focused()
    page.route(
        "**/input", lambda route: route.fulfill(status=500, json={"detail": "It failed.", "code": "server_error"})
    )
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(page.locator("#output")).to_contain_text("It failed.")
    expect(page.locator("#line")).to_have_value("Ada")
    page.unroute("**/input")
    page.keyboard.press("Enter")
    expect(page.locator("#output")).to_contain_text("Hello, Ada")
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(page.locator("#output")).to_contain_text("More: Ada")
    playground.expect_status("Finished")
    first, again, second = sent
    assert first
    assert again == first  # the service takes the line only once
    assert second != first


def key_of(request: Request) -> str | None:
    return request.headers.get("idempotency-key")


ENDS_BY_ITSELF = "import os, threading\nthreading.Timer(1, lambda: os._exit(0)).start()\ninput('One? ')"


def test_a_line_that_waits_for_a_busy_service_does_not_reach_the_next_program(playground: Playground) -> None:
    page = playground.page
    sent: list[str] = []
    busy = {"detail": "Too many at once.", "code": "busy"}

    def refuse(route: Route) -> None:
        sent.append(route.request.url)
        route.fulfill(status=503, headers={"Retry-After": "4"}, json=busy)

    page.route("**/input", refuse)
    playground.write(ENDS_BY_ITSELF)
    page.click("#run")
    expect(page.locator("#line")).to_be_focused()
    page.keyboard.type("for one")
    page.keyboard.press("Enter")
    playground.expect_status("Trying again in")
    expect(page.locator("#run")).to_be_enabled()
    playground.write("print(input('Two? '))")
    page.click("#run")
    expect(page.locator("#line")).to_be_focused()
    page.wait_for_timeout(4500)
    assert len(sent) == 1


CARETS = """output => {
  const lines = [...output.querySelectorAll(".traceback")];
  const at = lines.findIndex((line) => line.textContent.includes("^"));
  const box = (line, index) => {
    const range = document.createRange();
    const text = document.createTreeWalker(line, NodeFilter.SHOW_TEXT).nextNode();
    range.setStart(text, index);
    range.setEnd(text, index + 1);
    return range.getBoundingClientRect();
  };
  const index = lines[at].textContent.indexOf("^");
  const [source, caret] = [box(lines[at - 1], index), box(lines[at], index)];
  return [lines[at - 1].textContent[index], Math.abs(source.left - caret.left) < 1, caret.top - source.bottom < 12];
}"""


def test_a_traceback_has_its_carets_in_place_on_a_phone_and_folds_the_frames_of_libraries(
    playground: Playground,
) -> None:
    page = playground.page
    page.set_viewport_size({"width": 360, "height": 760})
    playground.write("import json\nprint('before')\na_name_that_is_long = [json.loads('[1, 2, 3]'), json.loads('{x}')]")
    page.click("#run")
    playground.expect_status("Failed with an error")
    assert page.locator("#output").evaluate(CARETS) == ["(", True, True]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    folded = page.locator("#output details")
    expect(folded.locator("summary")).to_have_text(["3 calls in json"])
    expect(page.get_by_text("before", exact=True)).to_be_in_viewport()
    expect(page.get_by_text("JSONDecodeError: Expecting").first).to_be_visible()
    expect(page.get_by_text("raw_decode(s, idx")).to_be_hidden()
    expect(page.locator("#error")).not_to_contain_text("Traceback")
    assert barriers(page) == []
    folded.locator("summary").click()
    expect(page.get_by_text("raw_decode(s, idx")).to_be_visible()

    # Of a mistake in the syntax there is no call to show, but a caret.
    playground.write("if True print('a line that is much longer than the screen of the telephone')")
    page.click("#run")
    playground.expect_status("Failed with an error")
    assert page.locator("#output").evaluate(CARETS)[1:] == [True, True]


def test_colours_and_progress_look_as_in_a_terminal(playground: Playground) -> None:
    page = playground.page
    playground.write(
        "import time\nfor done in range(0, 101, 50):\n    print(f'\\r{done} %', end='', flush=True)\n"
        "    time.sleep(0.2)\n"
        "print('\\n\\x1b[1;31mred\\x1b[0m and \\x1b[48;5;21mblue\\x1b[0m \\x1b[43mnote\\x1b[0m')"
    )
    page.click("#run")
    playground.expect_status("Finished")
    expect(page.locator("#output .line")).to_have_text(["100 %", "red and blue note", ""])
    expect(page.locator("#output .bold")).to_have_css("color", "rgb(179, 38, 30)")
    expect(page.get_by_text("blue", exact=True)).to_have_css("background-color", "rgb(0, 0, 255)")
    assert barriers(page) == []
    assert playground.said == []


def test_font_size_and_theme_are_remembered(playground: Playground) -> None:
    page = playground.page
    ground = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light, small = page.evaluate(ground), page.locator(".cm-line").first.bounding_box()
    page.locator("#view summary").click()
    page.get_by_role("button", name="Larger text").click()
    page.get_by_label("Dark").check()
    for _ in range(2):
        dark, large = page.evaluate(ground), page.locator(".cm-line").first.bounding_box()
        assert dark != light
        assert small
        assert large
        assert large["height"] > small["height"] * 1.1
        page.reload()
        expect(page.locator(".cm-line").first).to_be_visible()
    page.locator("#view summary").click()
    expect(page.locator("#size")).to_have_text("115 %")
    expect(page.get_by_label("Dark")).to_be_checked()
    assert barriers(page) == []
    for _ in range(3):
        page.get_by_role("button", name="Larger text").click()
    expect(page.get_by_role("button", name="Larger text")).to_be_disabled()
    page.set_viewport_size({"width": 360, "height": 760})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert playground.said == []


def test_the_language_of_hints_is_chosen_and_remembered(playground: Playground) -> None:
    page = playground.page
    page.locator("#view summary").click()
    expect(page.get_by_label("English")).to_be_checked()
    page.get_by_label("Deutsch").check()
    assert barriers(page) == []
    for _ in range(2):
        playground.write("pritn('Hello')")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#error .hint")).to_have_text("Der Name 'pritn' ist nicht definiert: meintest du 'print'?")
        page.reload()
        expect(page.locator(".cm-line").first).to_be_visible()
    page.locator("#view summary").click()
    expect(page.get_by_label("Deutsch")).to_be_checked()
    assert playground.said == []
