"""`<py-runner>`, as the package has it, in a page of another origin whose policy allows no inline code."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.accessibility import barriers
from tests.e2e.conftest import Site
from tests.e2e.test_typescript import CLIENT, run
from tests.service import ORIGIN, ROOT, Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

SUITE = """import unittest
class TestDouble(unittest.TestCase):
    def test_number(self): self.assertEqual(double(4), 8)
    def test_word(self): self.assertEqual(double("ab"), "ab", "only numbers are doubled")
"""
TESTS = [
    {"input": "double(4)", "expected_output": "8"},
    {"name": "with a word", "input": "double('ab')", "expected_output": "abab", "points": 2, "on_pass": "Words, too!"},
    {"input": "double(0.5)", "expected_output": "1.5", "points": 0.5},
    {"input": "double(10)", "expected_output": "21", "hidden": True},
    {"name": "a suite", "unittest": SUITE},
]
PAGE = """<!doctype html>
<html lang="en">
<meta http-equiv="Content-Security-Policy" content="default-src 'self'; connect-src {url}; img-src 'self' data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A lesson</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="lesson.css">
<main>
<h1>A lesson</h1>
<script type="module" src="pyRunner.js"></script>
<py-runner url="{url}" api-key="{key}">
{program}
</py-runner>
<py-runner id="tested" url="{url}" api-key="{key}" exercise="double-1" tests='{tests}'>
def double(x):
    return x * 2
</py-runner>
</main>
"""
GAME = "name = input('Name? ')\nprint('Hello,', name)"
TURTLE = """import turtle
turtle.setup(200, 100)
turtle.bgcolor("navy")
turtle.pencolor("red")
turtle.pensize(9)
turtle.forward(60)
turtle.penup()
turtle.goto(20, 20)
turtle.dot(20, "yellow")
input()
"""
STYLE = ":root { color-scheme: light dark; font-size: 62.5%; } h1 { font: 20px sans-serif; }\n.error { display: none; }"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Iterator[Service]:
    given = {"ALLOWED_ORIGINS": f"{ORIGIN},{site.origin}", "SANDBOX_SCIENCE_POOL_SIZE": "1"}
    with Service(tmp_path_factory.mktemp("runner"), **given) as service:
        yield service


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the element as the package does."""
    directory = tmp_path_factory.mktemp("built")
    run(CLIENT, "node", "build.js", str(directory))
    return directory


@pytest.fixture
def page(service: Service, site: Site, built: Path, browser: Browser) -> Iterator[Page]:
    """Open the lesson, and check at the end that the browser had nothing to complain about."""
    (site.directory / "pyRunner.js").write_bytes((built / "pyRunner.js").read_bytes())
    (site.directory / "lesson.css").write_text(STYLE)
    lesson = PAGE.format(url=service.url, key=service.api_key, tests=json.dumps(TESTS), program=GAME)
    lesson = lesson.replace("'ab'", "&#39;ab&#39;")  # as a framework escapes an attribute
    (site.directory / "lesson.html").write_text(lesson)
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{site.origin}/lesson.html")
    yield page
    assert said == []


def test_the_playground_serves_the_element_that_the_package_has(built: Path) -> None:
    """CONTRIBUTING.md says how to build it again."""
    for name in ("pyRunner.js", "pyRunner.LICENSE.txt"):
        assert (ROOT / "playground/static/playground" / name).read_bytes() == (built / name).read_bytes()


def test_the_readme_says_how_large_it_is(built: Path) -> None:
    script = (built / "pyRunner.js").read_bytes()
    sizes = f"{len(script) / 1000:.0f} KB, {len(gzip.compress(script)) / 1000:.0f} KB as gzip"
    assert sizes in (CLIENT / "README.md").read_text()


def test_a_lesson_runs_programs_with_the_keyboard_alone(page: Page) -> None:
    runner = page.locator("py-runner").first
    expect(runner.locator(".cm-line")).to_have_text(GAME.split("\n"))
    assert barriers(page) == []
    runner.locator(".cm-content").focus()
    page.keyboard.press("Control+Enter")
    expect(runner.locator("#line")).to_be_focused()
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(runner.locator("#output")).to_have_text("Name? Ada\nHello, Ada\n")
    expect(runner.locator("#status")).to_contain_text("Finished")

    # A mistake is marked, whatever the page's own style sheet says about `.error`.
    replace(page, "print('begun', flush=True)\nprint(nmae)")
    page.keyboard.press("Control+Enter")
    expect(runner.locator(".error-part")).to_have_text("nmae")
    expect(runner.locator("#error")).to_contain_text("NameError on line 2")
    expect(runner.locator("#error")).to_be_visible()

    # Stop, and output that came before.
    replace(page, "print('on', flush=True)\nwhile True: pass")
    page.keyboard.press("Control+Enter")
    expect(runner.locator("#output")).to_have_text("on\n")
    runner.get_by_role("button", name="Stop").click()
    expect(runner.locator("#status")).to_have_text("Stopped")

    # A plot.
    replace(page, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    page.keyboard.press("Control+Enter")
    image = runner.locator("#images img")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    assert barriers(page) == []


def test_a_turtle_draws_on_a_canvas_until_its_picture_comes(page: Page) -> None:
    runner = page.locator("py-runner").first
    replace(page, TURTLE)
    page.keyboard.press("Control+Enter")
    canvas = runner.get_by_role("img", name="What the program has drawn so far")
    expect(runner.locator("#status")).to_have_text("Waiting for input")
    expect(canvas).to_be_visible()
    drawn = canvas.evaluate("canvas => [...canvas.getContext('2d').getImageData(0, 0, 200, 100).data]")
    colors = {(x, y): drawn[4 * (200 * y + x) :][:3] for x, y in ((50, 50), (120, 30), (150, 50), (180, 80))}
    assert colors == {(50, 50): [0, 0, 128], (120, 30): [255, 255, 0], (150, 50): [255, 0, 0], (180, 80): [0, 0, 128]}
    assert runner.locator("#images img").count() == 0
    assert barriers(page) == []
    page.keyboard.press("Enter")
    expect(runner.locator("#images img")).to_be_visible()
    expect(canvas).to_have_count(0)


def test_a_program_that_is_stopped_leaves_its_canvas(page: Page) -> None:
    runner = page.locator("py-runner").first
    replace(page, f"{TURTLE}import os; os._exit(1)")
    page.keyboard.press("Control+Enter")
    expect(runner.locator("#line")).to_be_focused()
    page.keyboard.press("Enter")
    expect(runner.locator("#status")).to_contain_text("Failed")
    expect(runner.locator("#images canvas")).to_be_visible()
    expect(runner.locator("#images img")).to_have_count(0)


def test_an_error_in_a_file_marks_the_line_of_the_program_that_led_there(page: Page) -> None:
    def with_file(route: Route) -> None:
        helper = {"name": "helper.py", "text": "\n\ndef f(): 1 / 0"}
        body = json.loads(route.request.post_data or "") | {"files": [helper]}
        route.continue_(post_data=json.dumps(body))

    page.route("**/execute", with_file)
    runner = page.locator("py-runner").first
    replace(page, "import helper\nhelper.f()\nprint('never')")
    page.keyboard.press("Control+Enter")
    error = runner.locator("#error")
    expect(error.locator("h2")).to_have_text("ZeroDivisionError in helper.py on line 3", timeout=20_000)
    expect(runner.locator(".error-part")).to_have_text("helper.f()")
    expect(runner.locator(".error-note")).to_contain_text("ZeroDivisionError in helper.py on line 3")
    expect(error.get_by_role("button")).to_have_text("Go to line 2")


def test_a_learner_steps_through_a_program_with_the_keyboard_alone(page: Page) -> None:
    runner = page.locator("py-runner").first
    replace(page, "name = input()\ndef double(x):\n    return x * 2\nprint(double(4))")
    page.keyboard.press("Control+Enter")
    expect(runner.locator("#line")).to_be_focused()
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(runner.locator("#status")).to_contain_text("Finished")

    runner.get_by_role("button", name="Step through").focus()
    page.keyboard.press("Enter")
    expect(runner.locator("#step")).to_be_focused()
    said, line, stack = (runner.locator(each) for each in ("#step-said", ".step-line", "#stack > li"))
    expect(said).to_have_text("Step 1 of 7: line 1 is next")
    page.keyboard.press("ArrowRight")
    expect(line).to_have_text("def double(x):")
    expect(stack).to_have_text(["main.pyname'Ada'"])  # what was typed is the input
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(said).to_have_text("Step 4 of 7: double begins on line 2")
    expect(stack).to_have_text(["double, line 2x4", "main.pyname'Ada'"])
    page.keyboard.press("ArrowLeft")
    expect(line).to_have_text("print(double(4))")
    page.keyboard.press("End")
    expect(said).to_have_text("Step 7 of 7: the end, on line 4")
    expect(runner.locator("#printed")).to_have_text("8\n")
    runner.get_by_role("button", name="Back").click()
    expect(said).to_have_text("Step 6 of 7: double returns 8 on line 3")
    expect(runner.locator("#printed")).to_be_hidden()
    assert barriers(page) == []

    replace(page, "1")
    expect(runner.locator("#stepper")).to_be_hidden()


def replace(page: Page, code: str) -> None:
    page.locator("py-runner .cm-content").first.focus()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(code)


def test_a_lesson_shows_failing_tests_with_what_differs(page: Page, service: Service) -> None:
    page.set_viewport_size({"width": 360, "height": 760})
    tried = "SELECT exercise, passed, length(failed_tests) FROM executions_attempt ORDER BY execution_id"
    before = len(service.query(tried))
    tested = page.locator("#tested")
    answered = "tested => new Promise(done => tested.addEventListener('result', ({detail}) => done(detail.status)))"
    answer = page.evaluate_handle(f"() => ({{ of: ({answered})(document.querySelector('#tested')) }})")
    tested.get_by_role("button", name="Run").click()
    expect(tested.locator("#score")).to_have_text("2 of 5 passed, 2 of 2.5 points")
    assert answer.evaluate("answer => answer.of") == "success"
    assert service.query(tried)[before:] == [("double-1", 0, 26)]  # three tests
    results = tested.locator("#results li")
    expect(results.nth(1)).to_contain_text("with a word")
    expect(results.nth(1).locator(".feedback")).to_have_text("Words, too!")
    expect(results.nth(2).locator(".diff")).to_contain_text("returned: 1.0")
    expect(results.nth(4)).to_have_text("Failed a hidden test")
    expect(results.nth(3).locator("p")).to_have_text(
        [
            "Failed a suite",
            "1 of 2 tests passed",
            "Passed: TestDouble.test_number",
            "Failed: TestDouble.test_word: 'abab' != 'ab' - abab ? -- + ab : only numbers are doubled",
        ]
    )
    expect(tested.locator("#tests-part")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert barriers(page) == []


def test_hints_are_in_the_language_of_the_page_or_of_the_element(page: Page) -> None:
    tested = page.locator("#tested")
    diff = tested.locator(".diff").first
    for change, said in (
        ("document.documentElement.lang = 'de-AT'", "zurückgegeben: 1.0"),
        ("document.documentElement.lang = 'fr'", "returned: 1.0"),
        ("document.querySelector('#tested').setAttribute('locale', 'es')", "devuelto: 1.0"),
    ):
        page.evaluate(f"() => {{ {change}; }}")
        tested.get_by_role("button", name="Run").click()
        expect(diff).to_contain_text(said)


def test_a_framework_may_set_properties_early_and_move_the_element(page: Page, service: Service) -> None:
    page.evaluate(
        """([url, key]) => {
          const runner = document.createElement("py-runner");
          runner.id = "made";
          runner.setAttribute("url", url);
          runner.apiKey = async () => key;
          runner.tests = [{input: "f(1)", expected_output: "2"}];
          runner.code = "def f(x):\\n    return x + 1";
          runner.setAttribute("with-tests", "all");
          runner.written = [{input: "f(2)", expected: "3"}];
          runner.files = [{name: "a.txt", text: "a"}];
          runner.collect = ["b.txt"];
          if (runner.files[0].name !== "a.txt") throw new Error("lost");
          document.querySelector("main").prepend(runner);
          document.querySelector("main").append(runner);
        }""",
        [service.url, service.api_key],
    )
    made = page.locator("#made")
    made.get_by_role("button", name="Run").click()
    expect(made.locator("#score")).to_have_text("2 of 2 passed")
    kept = made.evaluate("({files, collect}) => [files, collect]")
    assert kept == [[{"name": "a.txt", "text": "a"}], ["b.txt"]]

    # Before the element was defined, properties are the element's own.
    page.add_init_script(
        "addEventListener('DOMContentLoaded', () => 0); new MutationObserver(() => {"
        "const runner = document.querySelector('#tested');"
        "if (runner && !customElements.get('py-runner') && !runner.code) {"
        "runner.code = 'print(1)'; runner.tests = []; runner.written = [{input: 'f(1)', expected: '2'}];"
        "runner.files = [{name: 'a.txt', text: 'a'}]; runner.collect = ['b.txt']; }"
        "}).observe(document, {childList: true, subtree: true});"
    )
    page.reload()
    expect(page.locator("#tested .cm-line")).to_have_text(["print(1)"])
    kept = page.locator("#tested").evaluate("({written, files, collect}) => [written, files, collect]")
    assert kept == [[{"input": "f(1)", "expected": "2"}], [{"name": "a.txt", "text": "a"}], ["b.txt"]]


LISTENERS = """() => {
  window.listeners = 0;
  for (const [name, by] of [["addEventListener", 1], ["removeEventListener", -1]]) {
    const real = window[name];
    window[name] = function (...given) { window.listeners += by; return real.apply(window, given); };
  }
}"""


def test_an_element_that_was_removed_leaves_nothing_in_the_page_and_works_when_it_comes_back(page: Page) -> None:
    page.evaluate(LISTENERS)
    page.evaluate("() => { window.made = document.createElement('py-runner'); made.code = 'print(1)'; }")
    page.evaluate("document.querySelector('main').append(made)")
    assert page.evaluate("listeners") > 0
    page.evaluate("made.remove()")
    assert page.evaluate("listeners") == 0
    page.evaluate("made.code = 'print(2)'")
    page.evaluate("document.querySelector('main').append(made)")
    expect(page.locator("py-runner").last.locator(".cm-line")).to_have_text(["print(2)"])
    page.locator("py-runner").last.locator(".cm-content").focus()
    page.keyboard.press("End")
    page.keyboard.type(" # typed")
    assert page.evaluate("made.code") == "print(2) # typed"


def test_another_program_may_be_loaded_while_one_runs(page: Page) -> None:
    runner = page.locator("py-runner").first
    replace(
        page,
        "import time\nprint('old', flush=True)\nfor _ in range(40):\n    time.sleep(0.1)\n    print('old', flush=True)",
    )
    page.keyboard.press("Control+Enter")
    expect(runner.locator("#output")).to_contain_text("old")
    runner.evaluate("runner => runner.load({ code: 'print(1)' })")
    expect(runner.locator("#status")).to_have_text("Ready")
    runner.evaluate("runner => { runner.load({ code: 'print(2)' }); void runner.run(); }")
    expect(runner.locator("#status")).to_contain_text("Finished")
    expect(runner.locator("#output")).to_have_text("2\n")


def test_what_a_learner_does_during_a_run_is_respected(page: Page) -> None:
    runner, other = page.locator("py-runner").first, page.locator("#tested")

    # What was edited meanwhile gets no mark of an error.
    replace(page, "print('begun', flush=True)\nimport time; time.sleep(1)\nprint(nmae)")
    page.keyboard.press("Control+Enter")
    expect(runner.locator("#output")).to_contain_text("begun")
    page.keyboard.press("Control+Home")
    page.keyboard.type("\n")
    expect(runner.locator("#error")).to_contain_text("NameError on line 3")
    expect(runner.locator(".error-line")).to_have_count(0)

    # A program that asks does not take the focus from elsewhere on the page.
    replace(page, "print('begun', flush=True)\nimport time; time.sleep(1)\nname = input()\ntime.sleep(1)")
    page.keyboard.press("Control+Enter")
    expect(runner.locator("#output")).to_contain_text("begun")
    other.locator(".cm-content").focus()
    expect(runner.locator("#status")).to_have_text("Waiting for input")
    expect(other.locator(".cm-content")).to_be_focused()

    # A second Ctrl+Enter changes nothing, and steps get what was typed.
    runner.locator("#line").fill("Ada")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(runner.locator("#status")).to_contain_text("Finished")
    runner.get_by_role("button", name="Step through").click()
    expect(runner.locator("#step")).to_be_focused()
    page.keyboard.press("End")
    expect(runner.locator("#stack")).to_contain_text("'Ada'")

    # The steps disappear, and the focus stays in the element.
    page.keyboard.press("Control+Enter")
    expect(runner.locator("#stepper")).to_be_hidden()
    assert page.evaluate("document.activeElement.localName") == "py-runner"
    expect(runner.locator("#line")).to_be_focused()


def test_a_file_of_a_wrong_type_is_refused_by_its_name_and_changes_are_still_told(page: Page) -> None:
    tested = page.locator("#tested")
    tested.evaluate("tested => tested.load({ code: 'print(1)', files: [{ name: 'a.png', base64: 5 }] })")
    tested.evaluate("tested => { tested.addEventListener('change', () => { tested.id = 'changed'; }); }")
    tested.locator(".cm-content").focus()
    page.keyboard.type("#")
    changed = page.locator("#changed")
    refused = "() => document.querySelector('#changed').request.files"
    assert page.evaluate(refused) == [{"name": "a.png", "base64": 5}]
    expect(changed.locator(".cm-line")).to_have_text(["#print(1)"])


def test_a_lost_connection_is_named(page: Page) -> None:
    tested = page.locator("#tested")
    page.evaluate("() => { window.fetch = async () => { throw new TypeError('Failed to fetch'); }; }")
    tested.get_by_role("button", name="Run").click()
    expect(tested.locator("#error")).to_contain_text("Check your internet connection.")
    expect(tested.locator("#status")).to_have_text("Failed")
    expect(tested.get_by_role("button", name="Run")).to_be_enabled()


def test_without_a_key_or_with_damaged_tests_the_element_says_so(page: Page) -> None:
    tested = page.locator("#tested")
    page.evaluate("document.querySelector('#tested').removeAttribute('api-key')")
    tested.get_by_role("button", name="Run").click()
    expect(tested.locator("#error")).to_contain_text("This <py-runner> has no api-key.")
    page.evaluate("document.querySelector('#tested').tests = '[{'")
    tested.get_by_role("button", name="Run").click()
    expect(tested.locator("#error")).to_contain_text("JSON")
    page.evaluate("document.querySelector('#tested').tests = {}")
    tested.get_by_role("button", name="Run").click()
    expect(tested.locator("#error")).to_contain_text("The tests of this <py-runner> must be a list.")
