"""The detail of an error marks the right code, and a program can spoil only its own detail."""

import re
import time
from typing import Any

import pytest

from executions.running.outcome import error_detail
from executions.sandbox.results import ErrorDetail, Run, RunStatus, TestProgram
from guest import protocol, reports
from tests.sandbox.conftest import Runner
from tests.sandbox.hostile_errors import HOSTILE, Hostile
from tests.sandbox.test_limits import LATE_SECONDS
from tests.sandbox.test_tests import SEARCH

pytestmark = pytest.mark.docker


def detail_of(run: Run) -> ErrorDetail:
    detail = error_detail(run, timeout_seconds=5)
    assert run.detail is not None, run
    assert detail is not None, run
    return detail


@pytest.mark.parametrize(
    ("code", "marked"),
    [
        ("größe = 1; größe()", (1, "größe()")),
        ("print('🐍', 1 / 0)", (1, "1 / 0")),
        ("a = '🐍'; return a", (1, "return a")),
        ("x = 1\r\ny = '\x0c\u2028'\r1 / 0", (3, "1 / 0")),
        ("print(1,\n      1 / 0)", (2, "1 / 0")),
        ("int(\n  'a'\n)", (1, "int(")),
        ("x = (1 +\n", (1, "(")),
        ("def f(): ", (1, "")),
        ("try:\n    x = 1\n", (2, "")),
        ("eval('1 +')", (1, "eval('1 +')")),
        ("import json\n\ndef f():\n    return json.loads('x')\n\nf()", (4, "json.loads('x')")),
        ("def f():\n    g()\ndef g():\n    1 / 0\nf()", (4, "1 / 0")),
        ("try:\n    {}['a']\nexcept KeyError:\n    int('b')", (4, "int('b')")),
        ("def f():\n    import sys\n    sys.exit('bye')\nf()", (3, "sys.exit('bye')")),
        ("raise SystemExit(3) from ValueError()", (1, "raise SystemExit(3) from ValueError()")),
    ],
)
def test_mark_is_on_the_learners_own_line(run: Runner, code: str, marked: tuple[int, str]) -> None:
    detail = detail_of(run(code))
    assert detail.source is not None
    assert detail.column is not None
    assert detail.end_column is not None
    assert (detail.line, detail.source[detail.column - 1 : detail.end_column - 1]) == marked


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("class Overdrawn(Exception): pass\nraise Overdrawn('5 too much')", "Overdrawn", "5 too much"),
        ("raise ValueError('\\0\\ud800')", "ValueError", "\ufffd?"),
        ("raise ValueError('x' * 100_000)", "ValueError", "x" * reports.MESSAGE_CHARACTERS),
        ("raise ValueError('🐍' * 100_000)", "ValueError", "🐍" * reports.MESSAGE_CHARACTERS),
        ("raise type('Ü' * 1000, (Exception,), {})", "Ü" * reports.TYPE_CHARACTERS, ""),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "E", ""),
    ],
)
def test_type_and_message_are_clean_and_bounded(run: Runner, code: str, kind: str, message: str) -> None:
    detail = detail_of(run(code))
    assert (detail.type, detail.message) == (kind, message)


def test_test_case_detail_has_a_line_only_in_the_submission(run: Runner) -> None:
    tests = [TestProgram(input="f(0)"), TestProgram(input="g(0)"), TestProgram(code="1 / 0"), TestProgram(code="def")]
    outcome = run.tests("def f(x):\n    return 1 / x", *tests)
    details = [detail_of(test) for test in outcome.tests]
    assert [(detail.type, detail.line, detail.source) for detail in details] == [
        ("ZeroDivisionError", 2, "    return 1 / x"),
        ("NameError", None, None),
        ("ZeroDivisionError", None, None),
        ("SyntaxError", None, None),
    ]
    assert details[1].hint == "The name 'g' is not defined: check its spelling, and that the program defines it."
    assert outcome.main.detail is None


@pytest.mark.parametrize(
    ("program", "call", "hint"),
    [
        (
            "def add(a): return a",
            "add(1, 2)",
            "A test passes another number of arguments to add() than it takes, 2 instead of 1: change its parameters.",
        ),
        (
            "class Dog:\n    def bark(self, times): pass",
            "Dog().bark()",
            "A test calls Dog.bark() without a value for 'times': change the parameters of the function.",
        ),
        (
            "class Dog:\n    def bark(self): pass",
            "Dog().bark(2)",
            "A test passes another number of arguments to Dog.bark() than it takes, 1 instead of 0: "
            "change its parameters.",
        ),
        (
            "class Dog:\n    def bark(): pass",
            "Dog().bark()",
            "A method gets its object as the first argument: write 'self' as its first parameter.",
        ),
        ("add = 5", "add(1, 2)", None),
    ],
)
@pytest.mark.parametrize("is_code", [False, True])
def test_hint_blames_no_learner_for_the_call_of_a_test(
    run: Runner, program: str, call: str, hint: str | None, is_code: bool
) -> None:
    test = TestProgram(code=call) if is_code else TestProgram(input=call, is_call=True)
    [result] = run.tests(program, test).tests
    assert detail_of(result).hint == hint


def test_successful_program_has_no_detail_even_if_it_forged_one(run: Runner) -> None:
    assert run(FIND_MAILBOX + "write(b'\\1' * 8192)").detail is None


# Hostile programs find the mailbox in their own memory and write to it

FIND_MAILBOX = """
def write(data):
    import ctypes
    for line in open("/proc/self/maps"):
        if "/dev/zero" in line:
            ctypes.memmove(int(line.split("-")[0], 16), data, len(data))
            print("written", len(data))
"""
LEAVE = "\nimport os\nos._exit(1)"


def left(**changes: Any) -> str:
    """Return a program that forges a detail and exits."""
    good = {"kind": "E", "message": "m", "hint": "h", "line": 1, "column": 1, "end_column": 1}
    return f"{FIND_MAILBOX}write({reports.pack_detail(**{**good, **changes})!r}){LEAVE}"


@pytest.mark.parametrize(
    ("changes", "position"),
    [
        ({"line": 2, "column": 1, "end_column": 17}, (2, 1, 17)),
        ({"line": 2, "column": 1, "end_column": 18}, (2, None, None)),
        ({"line": 2, "column": 5, "end_column": 4}, (2, None, None)),
        ({"line": 2, "column": 0, "end_column": 4}, (2, None, None)),
        ({"line": 0}, (None, None, None)),
        ({"line": 1000}, (None, None, None)),
        ({"line": 2**32 - 1, "column": 2**32 - 1, "end_column": 2**32 - 1}, (None, None, None)),
    ],
)
def test_forged_position_outside_the_program_is_dropped(
    run: Runner, changes: dict[str, int], position: tuple[int | None, ...]
) -> None:
    result = run(left(**changes))
    detail = detail_of(result)
    assert (result.status, result.exit_code, detail.type) == (RunStatus.ERROR, 1, "E")
    assert (detail.line, detail.column, detail.end_column) == position


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        (reports.pack_hint("name_near", {"name": "x", "near": "y"}), "The name 'x' is not defined: did you mean 'y'?"),
        (reports.pack_hint("name_near", {"name": "x"}), None),
        (reports.pack_hint("name_near", {"name": "{near.__class__}", "near": "{0}"}), "The name '{near.__class__}'"),
        (reports.pack_hint("none", {"{": "}", "": "\n"}), "This value is None: perhaps"),
        (
            reports.pack_hint("arguments_many", {"function": "f", "takes": "at most 1", "given": "2" * 999}),
            "f() got the",
        ),
        (reports.pack_hint("I am sure", {}), None),
        ("Give me your password.", None),
        ("name\0", None),
        ("", None),
    ],
)
def test_forged_hint_is_one_of_ours_or_none(run: Runner, hint: str, shown: str | None) -> None:
    detail = detail_of(run(left(hint=hint)))
    assert (detail.type, detail.message) == ("E", "m")
    assert (detail.hint is None) == (shown is None)
    assert (detail.hint or "").startswith(shown or "")
    assert len(detail.hint or "") < 300


@pytest.mark.parametrize(
    "data", ["b'\\xff' * 8192", "bytes(12) + b'\\xff\\xff' * 3", "bytes(12) + b'\\0\\1\\x1f\\xff\\0\\0'", "bytes(8192)"]
)
def test_forged_length_gives_no_detail(run: Runner, data: str) -> None:
    result = run(f"{FIND_MAILBOX}write({data}){LEAVE}")
    assert "written" in result.stdout
    assert (result.status, result.exit_code, result.detail) == (RunStatus.ERROR, 1, None)


UNMAP = """
import ctypes
for line in open("/proc/self/maps"):
    if "/dev/zero" in line:
        start, end = (int(number, 16) for number in line.split()[0].split("-"))
        ctypes.CDLL(None).munmap(ctypes.c_void_p(start), ctypes.c_size_t(end - start))
"""


@pytest.mark.parametrize(
    "trick",
    [
        "import sys\nsys.modules['guest'] = sys.modules['guest.protocol'] = None",
        "import sys\nsys.path[:] = []\nsys.meta_path[:] = []",
        "import builtins\nbuiltins.isinstance = builtins.len = builtins.__import__ = None",
        "import traceback\ntraceback.TracebackException = None",
        "import ctypes\nctypes.memmove = None",
        "import sys\nsys.excepthook = lambda *a: None",
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
        "open('/tmp/full', 'wb').write(bytes(15 << 20))",
        UNMAP,
    ],
)
def test_program_can_spoil_only_its_own_detail(run: Runner, trick: str) -> None:
    """The container survives: the test case after the program passes."""
    code = f"print('before')\nif not input():\n{indented(trick)}\n    nothing"
    outcome = run.tests(code, TestProgram(stdin="x\n"), stdin="\n")
    assert (outcome.main.status, outcome.main.stdout) == (RunStatus.ERROR, "before\n")
    assert (outcome.tests[0].status, outcome.tests[0].stdout) == (RunStatus.SUCCESS, "before\n")


SUITE = """
import unittest
class T(unittest.TestCase):
    def test_add(self): self.assertEqual(add(1, 2), 3, "add(1, 2) should give 3")
    def test_later(self): self.assertIn(add, [])
unittest.main()
"""


@pytest.mark.parametrize(
    ("code", "raised", "message"),
    [
        ("def add(a, b): return a - b", "AssertionError", "-1 != 3 : add(1, 2) should give 3"),
        ("def add(a, b): return b / (a - 1)", "ZeroDivisionError", "division by zero"),
        ("import json\ndef add(a, b): return json.loads('')", "json.decoder.JSONDecodeError", "Expecting value: "),
    ],
)
def test_test_with_unittest_reports_its_first_failure(run: Runner, code: str, raised: str, message: str) -> None:
    [test] = run.tests(
        code, TestProgram(code=SUITE.replace("    def test_later(self): self.assertIn(add, [])\n", ""))
    ).tests
    detail = detail_of(test)
    assert (test.status, test.exit_code, test.raised, detail.type) == (
        RunStatus.ERROR,
        1,
        raised,
        raised.rpartition(".")[2],
    )
    assert detail.message.startswith(message)
    assert detail.hint is None


def test_failures_of_unittest_come_before_its_errors(run: Runner) -> None:
    [test] = run.tests("def add(a, b): return 1 / 0", TestProgram(code=SUITE)).tests
    assert detail_of(test).message.endswith("not found in [] (test_later, and 1 more)")


@pytest.mark.parametrize(
    "trick",
    [
        "import sys\nsys.excepthook = None",
        "import sys\ndef hook(*_): raise OSError\nsys.excepthook = hook",
        "import builtins\nbuiltins.__import__ = None",
        "import guest.hints.diagnosis\nguest.hints.diagnosis.hint_for = None",
    ],
)
def test_error_keeps_its_type_whatever_fails_while_it_is_reported(run: Runner, trick: str) -> None:
    result = run(f"{trick}\nraise ValueError('bad')")
    assert result.stderr.endswith("ValueError: bad\n")
    assert (result.raised, detail_of(result).message) == ("ValueError", "bad")


@pytest.mark.parametrize(
    "code", ["while True:", "def f():\n", "try:\n    x = 1", "class A:\n    # later\n", "if x:\r\n"]
)
def test_nothing_is_marked_after_the_last_line(run: Runner, code: str) -> None:
    """As in `python main.py`, but not in exec()."""
    assert "^" not in run(code).stderr


def test_mark_of_a_missing_block_is_shown_inside_the_program(run: Runner) -> None:
    assert run("if True:\nx = 1").stderr.splitlines()[2] == "    ^"


NO_DESCRIPTION = "import sys\nsys.modules['guest.hints'].detail = sys.modules['guest.hints.detail'] = None\n"


def test_error_that_cannot_be_described_keeps_its_type_message_and_line(run: Runner) -> None:
    detail = detail_of(run(f"{NO_DESCRIPTION}\nint('a')"))
    assert (detail.type, detail.line, detail.column) == ("ValueError", 4, None)
    assert detail.message.endswith("'a'")


def test_syntax_error_that_cannot_be_described_keeps_its_line(run: Runner) -> None:
    detail = detail_of(run(f"{NO_DESCRIPTION}exec(compile('x = 1\\ny = = 2', 'main.py', 'exec'))"))
    assert (detail.line, detail.column) == (3, None)


def test_traceback_shows_lines_as_python_counts_them(run: Runner) -> None:
    result = run("x = 1\n\f\ny = 2\nprint(q)\n")
    assert result.stderr.startswith(
        'Traceback (most recent call last):\n  File "main.py", line 4, in <module>\n    print(q)\n'
    )


def test_warning_of_a_program_that_does_not_compile_is_shown_once(run: Runner) -> None:
    stderr = run("pattern = '\\d+'\nprint 'x'").stderr
    assert stderr.count("SyntaxWarning") == 1
    assert stderr.splitlines()[-1].startswith("SyntaxError: Missing parentheses")


def test_missing_detail_ends_at_the_deadline(run: Runner) -> None:
    code = "import sys\nsys.excepthook = lambda *_: print('reported')\n"
    code += "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E"
    result = run(code, timeout_seconds=1)
    assert (result.status, result.stdout, result.detail) == (RunStatus.TIMEOUT, "reported\n", None)


def indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


@pytest.mark.wall("wiped_mailbox")
def test_mailbox_is_wiped_before_the_next_run(run: Runner) -> None:
    canary = "write(b'CANARY' * 1365)"
    search = "print(find('C A N A R Y C A N A R Y') > 0)"
    outcome = run.tests(
        FIND_MAILBOX + SEARCH,
        TestProgram(code=canary),
        TestProgram(code=search),
        TestProgram(code=canary + "\n" + search),
        TestProgram(code=canary + LEAVE),
        TestProgram(code=search),
    )
    assert [test.stdout.replace("written 8190\n", "") for test in outcome.tests] == [
        "",
        "False\n",
        "True\n",
        "",
        "False\n",
    ]


# Where a program was that ran out of time

PLACES = {
    "n = 0\nwhile n != 7:\n    n += 0": (2, "n = 0"),
    "def f():\n    left, done = 3, []\n    for i in iter(int, 1):\n        done = [i, left]\nf()": (
        4,
        "i = 0, done = [0, 3], left = 3",
    ),
    "def f(n):\n    return n\n\nx = 'y'\nwhile x:  # never\n    f(x)": (5, "x = 'y'"),
    "while True:\n    while True:\n        inner = 1\n    outer = 2\nouter = 1": (2, "inner = 1"),
    "import time\ntime.sleep(60)": (2, ""),
    "class A:\n    def __repr__(self):\n        print('called')\n        return 'A'\n"
    "    __getattr__ = __eq__ = __repr__\n"
    "a = A()\nwhile a is not None:\n    b = a": (7, "a = <A>, b = <A>"),
    "text = 'x' * 1000\nwhile text:\n    pass": (2, f"text = '{'x' * 58}…"),
    "a = b = c = d = e = f = 1\nwhile a or b or c or d or e or f: pass": (2, "a = 1, b = 1, c = 1, d = 1, e = 1"),
    "global_one = 1\ndef f():\n    while global_one:\n        pass\nf()": (3, "global_one = 1"),
    "def f():\n    return [n for n in iter(int, 1) if n]\nf()": (2, ""),  # its list does not grow
}


@pytest.mark.parametrize("code", PLACES, ids=range(len(PLACES)))
def test_timeout_names_the_line_and_the_variables_of_the_loop(run: Runner, code: str) -> None:
    result = run(code, timeout_seconds=1)
    assert (result.status, result.stdout, result.detail) == (RunStatus.TIMEOUT, "", None)
    assert result.position is not None
    line, variables = PLACES[code]
    assert result.position.message == variables
    # Where its header and its only line both let a signal in, either is right.
    assert result.position.line in ((line, line + 1) if "f(x)" in code else (line,))


NO_PLACE = [
    "sum(range(10 ** 15))",
    "import signal\nsignal.pause()\nprint('woken')",
    "import signal\nfor n in signal.valid_signals() - {9, 19}: signal.signal(n, lambda *_: print(n))\nwhile True: pass",
    "import os\nos.execv('/usr/bin/sleep', ['sleep', '60'])",
    "s = __import__('_sig' + 'nal')\ns.pthread_sigmask(0, {23})\nwhile True: pass",
    "import guest.program.position as p\np._position = None\nwhile True: pass",
]


@pytest.mark.parametrize("code", NO_PLACE, ids=range(len(NO_PLACE)))
def test_asking_where_a_program_is_changes_nothing_about_its_run(run: Runner, code: str) -> None:
    result = run(code, timeout_seconds=1)
    assert (result.status, result.stdout, result.stderr, result.signal) == (RunStatus.TIMEOUT, "", "", None)
    assert (result.position, result.detail) == (None, None)


@pytest.mark.parametrize(
    ("ending", "status", "raised"),
    [
        ("", RunStatus.SUCCESS, ""),
        ("os._exit(3)", RunStatus.ERROR, ""),
        ("{}[1]", RunStatus.ERROR, "KeyError"),
        ("raise SystemExit(2)", RunStatus.ERROR, "SystemExit"),
    ],
)
def test_position_counts_only_after_a_timeout(run: Runner, ending: str, status: RunStatus, raised: str) -> None:
    """The handler itself does nothing to a run that ends otherwise; 23 is SIGURG."""
    names = ", ".join(f"variable_{n} = 'ValueError'" for n in range(5)).replace(", ", "; ")
    loop = "for n in range(1):\n    variable_0, variable_1, variable_2; os.kill(os.getpid(), 23)"
    code = f"import os\n{names}\n{loop}\n{ending}"
    result = run(code)
    assert (result.status, result.raised, result.position) == (status, raised, None)
    assert result.bases == (("LookupError", "Exception", "BaseException") if raised == "KeyError" else result.bases)
    assert "ValueError" not in result.bases


@pytest.mark.parametrize(("line", "shown"), [(2, 2), (0, None), (1000, None), (2**32 - 1, None)])
def test_forged_position_is_only_about_its_own_program(run: Runner, line: int, shown: int | None) -> None:
    code = (
        "import guest.program.position as p\n"
        f"p._position = lambda *_: ({line}, 'Look\\0 here' * 1000)\nwhile True: pass"
    )
    outcome = run.tests(code, TestProgram(stdin=""), timeout_seconds=1)
    position = outcome.main.position
    assert position is not None
    assert (position.line, position.message[:10], len(position.message)) == (shown, "Look\ufffd here", 1000)
    assert outcome.tests[0].status is RunStatus.NOT_RUN


def test_timeout_of_a_test_names_the_line_of_the_program(run: Runner) -> None:
    code = "def f(n):\n    while n:\n        pass\n"
    for test in (TestProgram(input="f(3)", is_call=True), TestProgram(code="f(3)")):
        [result] = run.tests(code, test, timeout_seconds=1).tests
        assert result.position is not None
        assert (result.status, result.position.line, result.position.message) == (RunStatus.TIMEOUT, 2, "n = 3")


OURS = re.compile(r'/opt/|File "(?!main\.py"|/usr/)')
"""What no report may show: our files, and frames in them."""


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_error_gets_an_honest_and_bounded_answer(run: Runner, hostile: Hostile) -> None:
    started = time.monotonic()
    outcome = run.tests(hostile.code, timeout_seconds=hostile.timeout_seconds)
    took_seconds = time.monotonic() - started - outcome.waited_seconds
    result = outcome.main
    detail = error_detail(result, timeout_seconds=8) or ErrorDetail("", "")
    assert (result.status, detail.type, result.stdout) == (hostile.status, hostile.type, hostile.stdout)
    assert detail.message.startswith(hostile.message)
    assert detail.line is None or 1 <= detail.line <= len(hostile.code.splitlines())
    assert len(detail.message) <= reports.MESSAGE_CHARACTERS
    assert len(result.stderr) <= protocol.STREAM_KEPT_BYTES
    assert len(detail.hint or "") < 300
    assert (result.images, result.flags) == ((), frozenset())
    assert OURS.search(f"{result.stderr}{detail.message}{detail.hint}") is None
    assert took_seconds < hostile.timeout_seconds + LATE_SECONDS
    assert run("print('ok')").stdout == "ok\n"
