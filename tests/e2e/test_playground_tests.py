"""Tests of all kinds, files and whole requests, as a teacher writes them into the playground."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.accessibility import barriers
from tests.service import Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

SUITE = """import unittest
class TestDouble(unittest.TestCase):
    def test_number(self): self.assertEqual(double(4), 8)
    def test_word(self): self.assertEqual(double("ab"), "ab", "only numbers are doubled")
"""
DOUBLE = 'def double(x):\n    """Return x twice.\n\n    >>> double(4)\n    8\n    """\n    return x * 2'
REFUSED = "the server responded with a status of 400"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, static_files: None) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("service"), PLAYGROUND="public", SANDBOX_POOL_SIZE="2") as service:
        yield service


@pytest.fixture
def page(service: Service, browser: Browser) -> Iterator[Page]:
    """Open the playground, and check at the end that the browser had nothing to complain about."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.text} {message.location}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{service.url}/playground/")
    yield page
    assert [each for each in said if REFUSED not in each] == []


def write(page: Page, code: str) -> None:
    page.focus(".cm-content")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(code)


def part(page: Page, name: str) -> None:
    """Open the tests or the files."""
    if not page.locator(f"#{name}-part").evaluate("part => part.open"):
        page.locator(f"#{name}-part > summary").click()


def add_test(page: Page, kind: str = "Call or input", **fields: str) -> Locator:
    """Add a test, with texts and choices for the fields with these labels. Return its part of the page."""
    part(page, "tests")
    page.click("#add-test")
    item = page.locator("#test-cases > li").nth(page.locator("#test-cases > li").count() - 1)
    item.locator(".more > summary").click()
    item.get_by_label("kind").select_option(kind)
    for label, value in fields.items():
        control = item.get_by_label(f": {label.replace('_', ' ')}", exact=False).first
        if control.evaluate("control => control.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)
    return item


def run(page: Page, score: str) -> Locator:
    """Run the program, and return the results of its tests once they have this score."""
    page.click("#run")
    expect(page.locator("#score")).to_have_text(score)
    return page.locator("#results > li")


def show_request(page: Page) -> None:
    page.locator("#view summary").click()
    page.click("#show-request")


def use(page: Page, request: object) -> None:
    show_request(page)
    page.get_by_label("Request, as JSON").fill(request if isinstance(request, str) else json.dumps(request))
    page.get_by_role("button", name="Use this").click()


def shown_request(page: Page) -> Any:
    return page.evaluate("document.querySelector('py-runner').request")


def test_calls_inputs_and_test_code_are_compared_as_chosen(page: Page) -> None:
    write(page, "import sys\ndef third(x):\n    return x / 3\nif __name__ == '__main__':\n    print(sys.stdin.read())")
    add_test(page, call_or_input="third(1)", expected="0.33", match="float", tolerance="0.01")
    exact = add_test(page, call_or_input="third(6)", expected="2", match="returns")
    exact.get_by_label("exact types").check()
    add_test(page, expected="B a", stdin="a\nb", match="tokens")
    add_test(page, "Test code", test_code="print(third(9))\nprint('x')", expected="X\n3.0", match="unordered")
    add_test(page, "Test code", test_code="print(third(9))", expected="3\\.[0]+", match="regex", name="with a pattern")
    results = run(page, "2 of 5 passed")
    expect(results.locator(".verdict")).to_have_text(["Passed", "Failed", "Failed", "Failed", "Passed"])
    expect(results.nth(4)).to_contain_text("with a pattern")
    expect(exact.locator(".more > summary")).to_contain_text("match, exact types")
    assert barriers(page) == []
    page.get_by_label("Test 4: match").select_option("ignore_case")
    page.get_by_label("Test 4: expected").fill("3.0\nX")
    exact.get_by_label("exact types").uncheck()
    page.get_by_label("Test 3: expected").fill("a  b")
    run(page, "5 of 5 passed")


def test_rules_on_the_text_are_judged(page: Page) -> None:
    write(page, DOUBLE)
    add_test(page, "Rules on the text", uses="def, docstring", defines="double(1)")
    rule = add_test(page, "Rules on the text", uses="for", avoids="*, import os", defines="double(2), main")
    rule.get_by_label("say if it fails").fill("Add it up in a loop.")
    results = run(page, "1 of 2 passed")
    expect(results.nth(1).locator(".feedback")).to_have_text("Add it up in a loop.")
    expect(results.nth(1).locator(".hint")).to_contain_text("Use a for loop.")
    expect(results.nth(1).locator(".hint")).to_contain_text("Define a function double with 2 parameters")
    assert shown_request(page)["test_cases"][1]["defines"] == [{"name": "double", "parameters": 2}, {"name": "main"}]
    expect(rule.get_by_label("Test 2: call or input")).to_be_hidden()
    assert barriers(page) == []
    page.locator("#view summary").click()
    page.get_by_label("Deutsch").check()
    expect(run(page, "1 of 2 passed").nth(1).locator(".hint")).to_contain_text("eine for-Schleife")


def test_suites_of_unittest_and_doctest_show_each_method(page: Page) -> None:
    write(page, DOUBLE)
    add_test(page, "unittest", unittest_suite=SUITE)
    add_test(page, "doctest")
    results = run(page, "1 of 2 passed")
    expect(results.first.locator(".hint").nth(1)).to_have_text("Passed: TestDouble.test_number")
    expect(results.first.locator(".hint").nth(2)).to_contain_text("only numbers are doubled")
    expect(results.nth(1)).to_contain_text("Passed")
    assert shown_request(page)["test_cases"] == [{"unittest": SUITE}, {"doctest": True}]
    assert barriers(page) == []


def test_points_groups_and_the_teachers_words_are_shown(page: Page) -> None:
    write(page, "def even(n):\n    return n % 2 == 0 and n > 0")
    add_test(page, call_or_input="even(4)", expected="True", points="2", group="usual", say_if_it_passes="Well done.")
    add_test(page, call_or_input="even(7)", expected="False", points="1.5", group="usual")
    zero = {"say_if_it_fails": "Think of the smallest number.", "points": "0.5", "group": "zero"}
    hidden = add_test(page, call_or_input="even(0)", expected="True", **zero)
    hidden.get_by_label("hidden").check()
    results = run(page, "2 of 3 passed, 3.5 of 4 points")
    expect(results.first.locator(".feedback")).to_have_text("Well done.")
    expect(results.nth(2).locator("p")).to_have_text(["Failed a hidden test", "Think of the smallest number."])
    groups = page.locator("#groups > li")
    expect(groups).to_have_text(["Passed group usual: 3.5 of 3.5 points", "Failed group zero: 0 of 0.5 points"])
    assert barriers(page) == []
    write(page, "pass")
    page.get_by_role("button", name="Remove test 3").click()
    page.get_by_role("button", name="Remove test 2").click()
    page.get_by_label("Test 1: group").fill("")
    run(page, "0 of 1 passed, 0 of 2 points")
    expect(page.locator("#groups")).to_be_hidden()


def test_files_are_typed_added_from_the_device_renamed_and_removed_and_come_back(page: Page, tmp_path: Path) -> None:
    code = "import helper\nprint(helper.greet(open('name.txt').read()), open('b.bin', 'rb').read())\n"
    code += "open('out.csv', 'w').write('a;b\\n')\nopen('out.bin', 'wb').write(b'\\0\\xff')"
    write(page, code)
    part(page, "files")
    page.get_by_role("button", name="Add a file", exact=True).click()
    page.keyboard.type("help.py")
    page.keyboard.press("Tab")
    page.keyboard.insert_text("def greet(name):\n    return 'Hello, ' + name")
    page.get_by_label("File 1: name").fill("helper.py")
    for name, content in {"name.txt": b"Ada\r\n", "b.bin": b"\xff\x00", "left over.txt": b"?"}.items():
        (tmp_path / name).write_bytes(content)
    with page.expect_file_chooser() as chooser:
        page.locator("#files").get_by_role("button", name="Add a file from this device").click()
    chooser.value.set_files([tmp_path / "name.txt", tmp_path / "b.bin", tmp_path / "left over.txt"])
    expect(page.locator("#files li")).to_have_count(4)
    expect(page.locator("#files li").nth(2)).to_contain_text("Not text: 2 bytes")
    page.get_by_role("button", name="Remove file 4").click()
    expect(page.locator("#toast p")).to_have_text("The file was removed.")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Remove file 4").click()
    page.get_by_label("Files that come back").fill("out.csv, out.bin, never.txt")
    assert shown_request(page)["files"][1:] == [
        {"name": "name.txt", "text": "Ada\r\n"},
        {"name": "b.bin", "base64": base64.b64encode(b"\xff\x00").decode()},
    ]
    own = add_test(page, expected="Hello, Eve", match="contains")
    own.get_by_role("button", name="Add a file to test 1").click()
    page.keyboard.type("name.txt")
    own.get_by_label("Test 1, file 1: content").fill("Eve")
    own.get_by_role("button", name="Remove test 1, file 1").click()
    expect(own.get_by_role("button", name="Add a file to test 1")).to_be_focused()
    expect(page.locator("#toast p")).to_have_text("The file was removed.")
    page.get_by_role("button", name="Undo").click()
    run(page, "1 of 1 passed")
    expect(page.locator("#output")).to_contain_text("Hello, Ada")
    items = page.locator("#collected-files > li")
    expect(items.locator(".quiet")).to_have_text(["4 bytes", "2 bytes", "the program has left no such file"])
    for name, content in {"out.csv": b"a;b\n", "out.bin": b"\0\xff"}.items():
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Download {name}").click()
        assert download.value.suggested_filename == name
        assert download.value.path().read_bytes() == content
    assert barriers(page) == []

    # The steps of a program find its files, too.
    page.get_by_role("button", name="Step through").click()
    expect(page.locator("#step-said")).to_contain_text("Step 1 of")
    expect(page.locator("#collected")).to_be_hidden()

    # What is too large is not even read.
    (tmp_path / "large.bin").write_bytes(b"\xff" * (1024 * 1024 + 1))
    page.locator("#files input[type=file]").set_input_files(tmp_path / "large.bin")
    expect(page.locator("#files .complaint:visible")).to_have_text(
        "large.bin has 1,048,577 bytes; all files together may have 1,048,576 bytes."
    )


WHOLE: dict[str, Any] = {
    "code": "print(open('data.txt').read())",
    "input_data": "Ada",
    "test_cases": [
        {"input": "f(1)", "expected_output": "2", "points": 1.5, "match": "returns", "tolerance": 0.1, "hidden": True},
        {"code": "print(f(1))", "expected_output": "", "on_pass": "Yes!", "on_fail": "No.", "group": "g"},
        {
            "uses": ["for"],
            "avoids": ["sum", "import os"],
            "defines": [{"name": "f", "parameters": 1}],
            "name": "a rule",
        },
        {"unittest": SUITE, "stdin": "x"},
        {"doctest": True, "files": [{"name": "own.txt", "text": "own\n"}]},
    ],
    "files": [{"name": "data.txt", "text": "1\n"}, {"name": "b.bin", "base64": "/wA="}],
    "collect": ["data.txt"],
    "locale": "de",
}


def test_a_request_is_shown_copied_changed_and_pasted(page: Page) -> None:
    use(page, WHOLE)
    assert shown_request(page) == WHOLE
    more = page.locator(".more > summary .quiet")
    expect(more.nth(1)).to_have_text('group, say if it passes, say if it fails, expected_output: ""')
    expect(more.nth(4)).to_have_text("files")
    page.locator("#view summary").click()
    expect(page.get_by_label("Deutsch")).to_be_checked()
    page.locator("#view summary").click()
    show_request(page)
    text = page.get_by_label("Request, as JSON")
    assert json.loads(text.input_value()) == WHOLE
    assert barriers(page) == []
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#toast p")).to_have_text("Request copied.")
    curl = page.evaluate("navigator.clipboard.readText()")
    assert curl.startswith(f"curl {page.url.removesuffix('/playground/')}/execute -H ")
    assert json.loads(curl.split("<<'END'\n")[1].removesuffix("\nEND\n")) == WHOLE
    show_request(page)
    page.get_by_role("button", name="Copy", exact=True).click()
    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == WHOLE

    # A list of test cases leaves the rest as it is.
    use(page, [{"input": "f(2)"}])
    assert shown_request(page) == WHOLE | {"test_cases": [{"input": "f(2)"}]}
    page.get_by_role("button", name="Back to it").click()
    assert shown_request(page) == WHOLE

    # What the page cannot use is refused, and the rest of the page stays as it is.
    for wrong, said in {
        "[{": "This is not JSON",
        "3": "Write a request, or a list of test cases.",
        '{"trace": true}': "The playground cannot send trace.",
        '{"files": ["a"]}': "files must be a list of objects.",
        '[{"points": 1e999}]': "A number is too large.",
        json.dumps([{}] * 51): "test_cases has 51 items; at most 50 are allowed.",
    }.items():
        use(page, wrong)
        expect(page.locator("#request .complaint")).to_contain_text(said)
        assert barriers(page) == []
        page.get_by_role("button", name="Close", exact=True).first.click()
    assert shown_request(page) == WHOLE


def test_the_dialog_is_a_page_of_its_own(page: Page) -> None:
    show_request(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("Request, as JSON").press("Control+Enter")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')); }")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#request .complaint")).to_contain_text("copy the text above yourself.")
    expect(page.locator("#request")).to_be_visible()
    expect(page.locator("#status")).to_have_text("Ready")
    assert asked == []


def test_tests_and_files_are_kept_and_shared_with_the_program(page: Page, browser: Browser) -> None:
    use(page, WHOLE)
    page.reload()
    expect(page.locator("#test-cases > li")).to_have_count(5)
    assert shown_request(page) == WHOLE
    page.get_by_label("File 1: content", exact=True).fill("2\n")
    page.reload()
    expect(page.get_by_label("File 1: content", exact=True)).to_have_value("2\n")

    page.click("#share")
    expect(page.locator("#toast p")).to_have_text("Link copied.")
    link = page.evaluate("navigator.clipboard.readText()")
    other = browser.new_context().new_page()
    other.goto(link)
    expect(other.locator("#test-cases > li")).to_have_count(5)
    files = [{"name": "data.txt", "text": "2\n"}, WHOLE["files"][1]]
    assert shown_request(other) == WHOLE | {"files": files, "locale": "en"}  # the language is that of who reads it
    expect(other.get_by_role("button", name="Back to it")).to_have_count(0)

    # A stranger's link may hold anything: it is shown as text, and sent as it is.
    odd = [{"input": "<b>", "expected": 5, "points": {}, "uses": [[None]], "defines": [3], "files": "x", "match": [1]}]
    for tests, count in ((odd, 1), (odd * 51, 0)):
        shared = json.dumps({"code": "print(1)", "tests": tests})
        packed = "new Blob([shared]).stream().pipeThrough(new CompressionStream('deflate-raw'))"
        text = f"btoa(String.fromCharCode(...new Uint8Array(await new Response({packed}).arrayBuffer())))"
        fragment = other.evaluate(f"async (shared) => '#p1.' + {text}", shared)
        other.goto("about:blank")
        other.goto(link.partition("#")[0] + fragment.replace("+", "-").replace("/", "_").rstrip("="))
        expect(other.locator("#toast p")).to_have_text("" if count == 1 else re.compile("This link is damaged"))
        expect(other.locator("#test-cases > li")).to_have_count(count)
        if count == 1:
            sent = shown_request(other)["test_cases"]
            assert sent == [{name: odd[0][name] for name in odd[0] if name != "expected"} | {"expected_output": 5}]

    # A link has its bounds, packed and unpacked.
    for content in ("''.padEnd(1024 * 1024, 'a')", "Array.from({length: 30000}, () => Math.random()).join()"):
        page.evaluate(f"document.querySelector('py-runner').files = [{{name: 'data.txt', text: {content}}}]")
        page.click("#share")
        expect(page.locator("#toast p")).to_contain_text("This is too much for a link")
        page.get_by_role("button", name="Close", exact=True).last.click()


def test_what_the_service_refuses_is_said_beside_its_field(page: Page) -> None:
    write(page, "print(1)")
    add_test(page)  # is still empty, and not sent
    test = add_test(page, call_or_input="f(1)", points="1,5", match="exact", tolerance="0.1")
    rule = add_test(page, "Rules on the text", uses="for, loops", defines="f(two)")
    for item in (test, rule):
        item.locator(".more > summary").click()
    part(page, "files")
    for name in ("a.txt", "a.txt"):
        page.locator("#files").get_by_role("button", name="Add a file", exact=True).click()
        page.keyboard.type(name)
    page.get_by_label("Files that come back").fill("../x")
    page.click("#run")
    number = "Must be a number from 0 to 10000, with at most 4 decimal places."
    points = page.get_by_label("Test 2: points")
    expect(points).to_be_focused()
    expect(points).to_have_accessible_description(number)
    expect(page.get_by_label("Test 3: uses")).to_have_accessible_description("Unknown word: loops")
    expect(page.get_by_label("Test 3: defines")).to_have_accessible_description("Must be an integer from 0 to 100.")
    expect(page.get_by_label("Files that come back")).to_have_accessible_description(
        re.compile("Must begin with a letter")
    )
    expect(page.locator("#files .complaint:visible").first).to_have_text("Two files have the same name.")
    expect(page.locator("#error h2")).to_have_text("The request was refused")
    expect(page.locator("#error")).to_contain_text(f"Test 2: points: {number}")
    assert barriers(page) == []

    # What is put right is no longer marked; what depends on other fields comes next.
    points.fill("1.5")
    expect(points).not_to_have_attribute("aria-invalid", "true")
    page.get_by_label("Test 3: uses").fill("for")
    page.get_by_label("Test 3: defines").fill("f(2)")
    page.get_by_label("File 2: name").fill("b.txt")
    page.get_by_label("Files that come back").fill("")
    page.click("#run")
    expect(page.get_by_label("Test 2: tolerance")).to_be_focused()
    expect(page.locator(".complaint:visible")).to_have_text(["Only allowed with the matches float and returns."])
    page.get_by_label("Test 2: match").select_option("float")
    page.get_by_label("Test 2: expected").fill("1")
    run(page, "0 of 2 passed, 0 of 1.5 points")
    expect(page.locator(".complaint:visible")).to_have_count(0)

    # A pasted field that there is not, and a choice that there is not.
    use(page, [{"input": "f(1)", "exspected_output": "2", "match": "fuzzy"}])
    page.click("#run")
    expect(page.locator("#test-cases .complaint:visible")).to_have_text(["exspected_output: Unknown field."])
    page.get_by_label("Test 1: call or input").fill("f(2)")
    expect(page.locator("#test-cases .complaint:visible")).to_have_count(0)


def test_everything_is_there_for_the_keyboard_and_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 760})
    page.get_by_role("button", name="Grading", exact=True).click()
    run(page, "3 of 3 passed, 3.5 of 3.5 points")
    expect(page.locator("#results .feedback")).to_have_text(["It works without a single row, too."])
    expect(page.locator("#collected-files strong")).to_have_text(["report.txt"])
    page.locator("#add-test").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("total('none')")
    for key in ("Tab", "Tab", "Tab", "Enter", "Tab"):  # expected, remove, more
        page.keyboard.press(key)
    expect(page.get_by_label("Test 4: kind")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Test 4: test code")).to_be_visible()
    expect(page.get_by_label("Test 4: call or input")).to_be_hidden()
    for index in range(3):
        page.locator(".more > summary").nth(index).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert barriers(page) == []
    page.get_by_role("button", name="Remove test 4").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Test 3: uses")).to_be_focused()
    show_request(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert barriers(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#request")).to_be_hidden()
    expect(page.locator("#view summary")).to_be_focused()
