"""Files that come with a program, in real containers."""

import json
import time
from collections.abc import Iterator

import pytest

from executions.request import ExecutionRequest, TestCase, files_of
from executions.running.outcome import error_detail
from executions.running.service import answer_of
from executions.sandbox.container.container import Container
from executions.sandbox.container.received_trace import read_trace
from executions.sandbox.profiles import Profile
from executions.sandbox.results import ErrorDetail, ErrorInFile, File, Outcome, RunStatus, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import Runner
from tests.sandbox.test_tests import SEARCH
from tests.test_docs import PROGRAMS, section
from tests.waiting import eventually

pytestmark = pytest.mark.docker
wall = pytest.mark.wall

HELPER = File("helper.py", b"def mean(scores):\n    return sum(scores) / len(scores)\n")
SCORES = File("scores.csv", b"3\n5\n")


def run_with(sandbox: Sandbox, code: str, files: tuple[File, ...], *tests: TestProgram, stdin: str = "") -> Outcome:
    """Run a program with files; a test that has none gets those of the program."""
    own = tuple(test if test.files else TestProgram(test.code, test.input, test.stdin, files=files) for test in tests)
    return sandbox.execute(Submission(code, stdin, own, 8, files=files))


def test_program_imports_and_reads_its_files(sandbox: Sandbox) -> None:
    code = "import os, helper\nprint(helper.mean(list(map(int, open('scores.csv')))), sorted(os.listdir()), input())"
    run = run_with(sandbox, code, (HELPER, SCORES, File("my data.bin", bytes(range(256)))), stdin="Ada").main
    assert run.stdout == "4.0 ['helper.py', 'main.py', 'my data.bin', 'scores.csv'] Ada\n", run.stderr


OF_PYTHON = (
    "queue",
    "random",
    "string",
    "json",
    "csv",
    "calendar",
    "collections",
    "re",
    "ast",
    "threading",
    "traceback",
)


@pytest.fixture(scope="module")
def loaded(sandbox: Sandbox) -> Iterator[Container]:
    """Return a container that has loaded what lessons import."""
    container = sandbox.launcher.launch(Profile.PLAIN)
    try:
        container.begin()
        code = f"import sys\nprint(all(name in sys.modules for name in {OF_PYTHON}))"
        assert eventually(lambda: container.run(code, "", None, 5).stdout == "True\n", 20)
        yield container
    finally:
        container.close()


@pytest.mark.parametrize("name", OF_PYTHON)
def test_file_with_the_name_of_a_module_of_python_is_imported_in_its_place(loaded: Container, name: str) -> None:
    """As with plain Python: whether the container had loaded the module in advance decided."""
    files = (File(f"{name}.py", b"def greet(): return 'ours'\n"),)
    code = f"import {name}\nprint({name}.greet())"
    run = loaded.run(code, "", None, 5, files=files)
    assert run.stdout == "ours\n", run.stderr
    traced = loaded.trace(code, "", 5, None, files)
    assert traced.stdout == "ours\n", traced.stderr
    found = read_trace(traced, code, files)
    assert found.steps
    assert found.cut is None


def test_documented_example_works(sandbox: Sandbox) -> None:
    shown = json.loads(section(PROGRAMS, "Files").split("```json\n")[1].split("\n```")[0])
    cases = tuple(TestCase.of(case) for case in shown["test_cases"])
    request = ExecutionRequest(shown["code"], test_cases=cases, files=files_of(shown["files"]))
    answer = answer_of(request, sandbox.execute(request.submission()))
    assert answer.output == "4.0\n", answer.error
    assert [result.passed for result in answer.test_results or ()] == [True, True]


@wall("sweep")
def test_each_run_finds_its_files_as_they_were_sent(sandbox: Sandbox) -> None:
    code = """
import os
def look(): return sorted(os.listdir()), open('scores.csv').read()
before = look()
open('scores.csv', 'w').write('gone'); open('left', 'w').close(); os.chmod('helper.py', 0)
"""
    run = run_with(sandbox, code + "print(before)", (HELPER, SCORES), *[TestProgram(code="print(before)")] * 3)
    assert {each.stdout for each in run.runs} == {"(['helper.py', 'main.py', 'scores.csv'], '3\\n5\\n')\n"}


@wall("sweep", "unread_program")
def test_deny_reading_the_files_of_another_test(sandbox: Sandbox) -> None:
    """Neither on a disk nor in memory, which is searched for the content."""
    secret = (File("secret.txt", b"CANARY" * 1000),)
    code = SEARCH + "import os\ndef look(): return os.path.exists('secret.txt'), find('C A N A R Y') > 0\n"
    tests = (
        TestProgram(code="kept = open('secret.txt').read()\nprint(look())", files=secret),  # the search works
        TestProgram(code="print(look())", files=(SCORES,)),
        TestProgram(code="print(look())", files=secret, hidden=True),
        TestProgram(code="print(look())", files=(SCORES,), hidden=True),
    )
    outcome = sandbox.execute(Submission(code, "", tests, 10))
    shown = [run.stdout for run in outcome.tests]
    nothing = "(False, False)\n"
    assert [shown[0], shown[1], shown[3]] == ["(True, True)\n", nothing, nothing], [run.stderr for run in outcome.tests]


@pytest.mark.parametrize(
    ("helper", "shown"),
    [
        ("def f():\n    return 1 / 0\n", '  File "/tmp/helper.py", line 2, in f\n    return 1 / 0\n'),
        ("x = 1\nprint(\n", '  File "/tmp/helper.py", line 2\n    print(\n'),
        ("x = 1\nraise ValueError('bad')\n", '  File "/tmp/helper.py", line 2, in <module>\n    raise ValueError'),
    ],
)
def test_error_in_a_file_names_it_and_the_line(sandbox: Sandbox, helper: str, shown: str) -> None:
    run = run_with(sandbox, "import helper\n\nhelper.f()", (File("helper.py", helper.encode()),)).main
    assert run.status is RunStatus.ERROR
    assert shown in run.stderr
    assert run.detail is not None
    assert run.detail.line == (3 if "def" in helper else 1)  # of the program
    assert run.detail.file is not None
    assert (run.detail.file.name, run.detail.file.line) == ("helper.py", 2)


def detail_with(sandbox: Sandbox, code: str, *files: File, test: TestProgram | None = None) -> ErrorDetail:
    """Run a program with files, or a test of it, and return the detail of its error."""
    runs = run_with(sandbox, code, files, *([test] if test else [])).runs
    detail = error_detail(runs[-1], timeout_seconds=5)
    assert detail is not None
    return detail


IMPORTED = "import helper"


@pytest.mark.parametrize(
    ("code", "helper", "line", "in_file", "hint"),
    [
        (IMPORTED, "x = 1\nprint('ü', 1 / 0)\n", 1, (2, "1 / 0"), "You cannot divide by zero"),
        (IMPORTED, "x = 1\r\ny = '\x0c\u2028'\r1 / 0", 1, (3, "1 / 0"), "You cannot divide by zero"),
        (IMPORTED, "\ufeffx = 'a'; 1 / 0", 1, (1, "1 / 0"), "You cannot divide by zero"),
        (IMPORTED, "def f(x):\n    return x +\n", 1, (2, ""), "Something is missing after '+'."),
        (IMPORTED, "if 1 > 0\n    pass\n", 1, (1, ""), "A ':' is missing"),
        (IMPORTED, "a = '🐍'; return a", 1, (1, "return a"), "'return' only works inside a function"),
        (IMPORTED, "greet()\ndef greet(): pass\n", 1, (1, "greet"), "The program defines 'greet' only further down"),
        (IMPORTED, "raise ValueError('bad')", 1, (1, "raise ValueError('bad')"), ""),
        (IMPORTED, "x = 1\neval('1 +')", 1, (2, "eval('1 +')"), "The program ran a string"),
        (
            "import helper\n\nhelper.f()",
            "def f():\n    return scroe",
            3,
            (2, "scroe"),
            "The name 'scroe' is not defined",
        ),
        (
            "import helper\nhelper.f()",
            "import json\n\ndef f():\n    return json.loads('x')",
            2,
            (4, "json.loads('x')"),
            "",
        ),
        (
            "exec(compile(open('helper.py').read(), 'helper.py', 'exec'))",
            "\n1 / 0",
            1,
            (2, "1 / 0"),
            "You cannot divide",
        ),
    ],
)
def test_mark_is_on_the_line_of_the_file(
    sandbox: Sandbox, code: str, helper: str, line: int, in_file: tuple[int, str], hint: str
) -> None:
    detail = detail_with(sandbox, code, File("helper.py", helper.encode()), SCORES)
    file = detail.file
    assert file is not None
    assert file.source is not None
    assert file.column is not None
    assert file.end_column is not None
    marked = file.source[file.column - 1 : file.end_column - 1]
    assert (detail.line, file.name, (file.line, marked)) == (line, "helper.py", in_file)
    assert (detail.hint or "").startswith(hint)
    assert bool(detail.hint) == bool(hint)


@pytest.mark.parametrize(
    ("code", "helper", "line"),
    [
        ("import helper\nhelper.f(1)", "def f(): pass", 2),  # called wrongly
        ("import helper\ndef g():\n    1 / 0\nhelper.f(g)", "def f(g): g()", 3),  # raised by the program again
        ("import helper\nhelper.missing()", "", 2),
        ("import helper\nprint(helper.f().x)", "def f(): return None", 2),
        ("import json\njson.loads('x')", "", 2),
        ("open('own.py', 'w').write('1 / 0')\nimport own", "", 2),  # no file of the request
        ("import helper\n", "import sys\nsys.exit(0)", None),
    ],
)
def test_error_elsewhere_names_no_file(sandbox: Sandbox, code: str, helper: str, line: int | None) -> None:
    run = run_with(sandbox, code, (File("helper.py", helper.encode()),)).main
    assert (run.detail and run.detail.line) == line
    assert run.detail is None or run.detail.file is None


def test_error_names_the_innermost_of_several_files(sandbox: Sandbox) -> None:
    files = File("helper.py", b"import other\ndef f(): other.g()"), File("other.py", b"\n\ndef g(): 1 / 0")
    detail = detail_with(sandbox, "import helper\nhelper.f()", *files)
    assert (detail.line, detail.file) == (2, ErrorInFile("other.py", 3, 10, 15, "def g(): 1 / 0"))


def test_error_in_a_file_that_a_test_calls_has_no_line_of_the_program(sandbox: Sandbox) -> None:
    helper = File("helper.py", b"def f():\n    1 / 0")
    for test in (TestProgram(code="helper.f()"), TestProgram(input="helper.f()", is_call=True)):
        detail = detail_with(sandbox, "import helper", helper, test=test)
        assert (detail.line, detail.file) == (None, ErrorInFile("helper.py", 2, 5, 10, "    1 / 0"))


def test_file_that_the_program_has_changed_is_shown_as_it_was_sent(sandbox: Sandbox) -> None:
    code = "import helper\nopen('helper.py', 'w').write('a longer line than it was')\nhelper.f()"
    detail = detail_with(sandbox, code, File("helper.py", b"def f(): 1 / 0"))
    assert detail.file is not None
    assert (detail.file.line, detail.file.source) == (1, "def f(): 1 / 0")


@pytest.mark.parametrize(
    "trick",
    [
        "import os, sys\nos.remove('helper.py')\nsys.modules['linecache'] = None",
        "import linecache, sys\nlinecache.getlines = None",
    ],
)
def test_error_in_a_file_keeps_its_line_whatever_the_program_breaks(sandbox: Sandbox, trick: str) -> None:
    detail = detail_with(sandbox, f"import helper\n{trick}\nhelper.f()", File("helper.py", b"\ndef f(): 1 / 0"))
    assert detail.line == len(trick.splitlines()) + 2
    assert detail.file is not None
    assert (detail.file.line, detail.file.source) == (2, "def f(): 1 / 0")


def test_files_have_their_place_in_every_kind_of_run(sandbox: Sandbox) -> None:
    code = "text = open('scores.csv').read()\nprint(text)\ndef f(): return len(text)"
    tests = [TestProgram(code="print(f())"), TestProgram(input="f()"), TestProgram(input="f()", is_by_value=True)]
    tests += [TestProgram(stdin="x"), TestProgram(files=(File("scores.csv", b"own"),))]
    files = (SCORES,)
    own = tuple(TestProgram(t.code, t.input, t.stdin, t.hidden, t.is_by_value, files=t.files or files) for t in tests)
    outcome = sandbox.execute(Submission(code, "", own, 8, files=files))
    assert [run.stdout for run in outcome.tests] == ["4\n", "4\n", "", "3\n5\n\n", "own\n"]
    assert outcome.tests[2].returned == "4"


def test_test_with_only_files_reads_the_input_of_the_program(sandbox: Sandbox) -> None:
    test = TestProgram(files=(SCORES,))
    assert run_with(sandbox, "print(input())", (), test, stdin="Ada\n").tests[0].stdout == "Ada\n"


def test_as_many_bytes_as_allowed_arrive_in_time(run: Runner, sandbox: Sandbox) -> None:
    files = tuple(File(f"{number}.bin", bytes([number]) * (1024 * 1024 // 20)) for number in range(20))
    code = "import os\nprint(sum(os.path.getsize(f'{n}.bin') for n in range(20)), open('19.bin', 'rb').read()[:1])"
    started = time.monotonic()
    shown = run_with(sandbox, code, files, stdin="x" * 256 * 1024).main
    assert shown.stdout == f"{20 * (1024 * 1024 // 20)} b'\\x13'\n", shown.stderr
    assert time.monotonic() - started < 5
