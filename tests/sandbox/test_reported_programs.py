"""Programs and test cases that once went wrong, from reports and from public collections, with the right answer."""

from typing import Any

import pytest

from executions.request import TestCase
from executions.sandbox.results import RunStatus, TestProgram
from executions.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import Runner
from tests.sandbox.test_grading import Grader, verdicts

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

DEPTH = "def depth(n):\n    return 0 if n == 0 else 1 + depth(n - 1)\n"
STACK = """
import inspect, logging, sys, traceback, warnings
def where():
    traceback.print_stack(file=sys.stdout)
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    logging.error("log", stack_info=True)
    warnings.warn("far away", stacklevel=9)
    return len(inspect.stack()), sys._getframe(1).f_back
print(where())
try: sys._getframe(1)
except ValueError as error: print(error)
"""
STEPS = """
import sys
def follow(frame, event, argument):
    print(frame.f_code.co_filename, event)
    return follow
sys.settrace(follow)
def f(): return 1
f()
"""

# Program, its stdout and its stderr: as `python main.py` in the same image, but for the directory of main.py.
PLAIN = {
    "recursion": (f"{DEPTH}print(depth(995), depth(998))", "995 998\n", ""),
    "recursion limit": ("import sys\nprint(sys.getrecursionlimit())", "1000\n", ""),
    "raised recursion limit": (f"import sys\n{DEPTH}sys.setrecursionlimit(5000)\nprint(depth(4998))", "4998\n", ""),
    "low recursion limit": (
        "import sys\nsys.setrecursionlimit(1)",
        "",
        'Traceback (most recent call last):\n  File "main.py", line 2, in <module>\n    sys.setrecursionlimit(1)\n'
        "    ~~~~~~~~~~~~~~~~~~~~~^^^\n"
        "RecursionError: cannot set the recursion limit to 1 at the recursion depth 1: the limit is too low\n",
    ),
    "stack": (
        STACK,
        '  File "main.py", line 9, in <module>\n    print(where())\n'
        '  File "main.py", line 4, in where\n    traceback.print_stack(file=sys.stdout)\n'
        'log\nStack (most recent call last):\n  File "main.py", line 9, in <module>\n    print(where())\n'
        '  File "main.py", line 6, in where\n    logging.error("log", stack_info=True)\n'
        "(2, None)\ncall stack is not deep enough\n",
        "<sys>:0: UserWarning: far away\n",
    ),
    "steps of a debugger": (STEPS, "main.py call\nmain.py line\nmain.py return\n", ""),
    "names of a module": (
        "print(*dir())",
        "__annotations__ __builtins__ __cached__ __doc__ __file__ __loader__ __name__ __package__ __spec__\n",
        "",
    ),
    "syntax warning and error": (
        "pattern = '\\d+'\nprint 'x'",
        "",
        "main.py:1: SyntaxWarning: invalid escape sequence '\\d'\n  pattern = '\\d+'\n"
        "  File \"main.py\", line 2\n    print 'x'\n    ^^^^^^^^^\n"
        "SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?\n",
    ),
    "warnings above the traceback": (
        "import warnings\nwarnings.warn('first')\nassert (1, 'always')\n1 / 0",
        "",
        "main.py:3: SyntaxWarning: assertion is always true, perhaps remove parentheses?\n  assert (1, 'always')\n"
        "main.py:2: UserWarning: first\n  warnings.warn('first')\n"
        'Traceback (most recent call last):\n  File "main.py", line 4, in <module>\n    1 / 0\n    ~~^~~\n'
        "ZeroDivisionError: division by zero\n",
    ),
    "indentation": (
        "def area(a, b):\n    c = a * b\n     return c",
        "",
        '  File "main.py", line 3\n    return c\nIndentationError: unexpected indent\n',
    ),
    "line ends that Python does not count": (
        "x = 'a\u2028b\x85c'\n# \x0b \x1c \u2029\n\x0c\ny = 2\nprint(q)\n",
        "",
        'Traceback (most recent call last):\n  File "main.py", line 5, in <module>\n    print(q)\n          ^\n'
        "NameError: name 'q' is not defined\n",
    ),
}


@pytest.mark.parametrize("name", PLAIN)
def test_support_a_program_as_python_runs_it(run: Runner, name: str) -> None:
    code, stdout, stderr = PLAIN[name]
    result = run(code)
    assert (result.stdout, result.stderr) == (stdout, stderr)


def test_allow_no_frame_of_ours_under_a_test(run: Runner) -> None:
    [test] = run.tests("", TestProgram(code=STACK)).tests
    assert test.stdout.startswith('  File "test.py", line 9, in <module>\n')
    assert test.stdout.endswith("(2, None)\ncall stack is not deep enough\n")


PYPLOT = "import matplotlib.pyplot as plt\n"
ANIMATION = """
import matplotlib.pyplot as plt
from matplotlib.animation import FuncAnimation
figure, axes = plt.subplots()
axes.set(xlim=(0, 10), ylim=(0, 10))
[dot] = axes.plot([], [], 'o')
def draw(i):
    print('frame', i)
    dot.set_data([i], [i])
    return [dot]
movie = FuncAnimation(figure, draw, frames=5{options})
plt.show()
"""
NAMES_OF_WINDOWS = ("TkAgg", "tkagg", "Qt5Agg", "QtAgg", "GTK3Agg", "WXAgg", "MacOSX", "WebAgg", "nbAgg")

# Program, its stdout and its stderr; each shows one image.
PLOTS = {
    "window": ("import matplotlib\nmatplotlib.use('TkAgg')\n" + PYPLOT + "plt.plot([1, 3, 2])\nplt.show()", "", ""),
    "any window": (
        f"{PYPLOT}for name in {NAMES_OF_WINDOWS}: plt.switch_backend(name)\nplt.plot([1, 3, 2])\nplt.show()\n"
        "print(plt.get_backend())",
        "nbAgg\n",
        "",
    ),
    "animation": (ANIMATION.format(options=""), "frame 0\n", ""),
    "animation by parts": (ANIMATION.format(options=", blit=True"), "frame 0\n" * 2, ""),
    "letters": (
        f"{PYPLOT}plt.plot([1, 2])\nplt.title('你好 日本語 한국어 مرحبا שלום ελληνικά 😀🐍🎉')\nplt.show()",
        "",
        "",
    ),
    "a million points": (
        f"import numpy as np\n{PYPLOT}plt.imshow(np.random.rand(1000, 1000))\nplt.colorbar()\nplt.show()",
        "",
        "",
    ),
    "colour map": (
        f"import numpy as np\n{PYPLOT}x, y = np.meshgrid(np.linspace(-3, 3, 500), np.linspace(-3, 3, 500))\n"
        "plt.contourf(x, y, np.sin(x) * np.cos(y), 50, cmap='viridis')\nplt.colorbar()\nplt.show()",
        "",
        "",
    ),
}


@pytest.mark.parametrize("name", PLOTS)
def test_support_a_plot(science: Runner, name: str) -> None:
    code, stdout, stderr = PLOTS[name]
    result = science(code)
    assert (result.status, result.stdout, result.stderr) == (RunStatus.SUCCESS, stdout, stderr)
    assert len(result.images) == 1


def test_warning_from_showing_a_plot_names_the_programs_line(science: Runner) -> None:
    result = science(f"{PYPLOT}plt.plot([1, 2])\nplt.title('\U0001fae0')\nplt.show()\n")
    warning, line = result.stderr.splitlines()  # its fonts are in the order of their addresses
    assert warning.startswith("main.py:4: UserWarning: Glyph 129760 (\\N{MELTING FACE}) missing from font(s) ")
    assert all(name in warning for name in ("DejaVu Sans", "Droid Sans Fallback", "Symbola"))
    assert line == "  plt.show()"


# Test cases: the submission; the input or code, the expected output and the verdict of each; and what an error says.
SUITE = "class T(unittest.TestCase):\n    def test_small(self):\n        self.assertEqual(add(1, 2), 3)\n"
RUN_SUITE = "unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))"
DOCTEST = "def f():\n    '''\n    >>> add(1, 2)\n    3\n    '''\nimport doctest\ndoctest.testmod()"
WRONG, RIGHT = "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n"
OWN_TESTS = (
    "import unittest\nclass Own(unittest.TestCase):\n    def test_own(self): self.assertEqual(add(1, 2), 3)\n"
    "unittest.main(exit=False)\n"
)

# Code of a test, and the message of its failure with the wrong submission. With the right one, all pass.
FAILURES = {
    f"import unittest\n{SUITE}unittest.main()": "-1 != 3 (test_small)",
    f"import unittest\n{SUITE}unittest.main(exit=False)": "-1 != 3 (test_small)",
    f"import unittest\n{SUITE}{RUN_SUITE}": "-1 != 3 (test_small)",
    f"import unittest  # no errors, no failures\n{SUITE}unittest.main(exit=False)": "-1 != 3 (test_small)",
    "import unittest\nclass T(unittest.TestCase):\n    def test_errors(self):\n"
    "        self.assertEqual(add(1, 2), 3, 'add has failed')\nunittest.main(exit=False)": (
        "-1 != 3 : add has failed (test_errors)"
    ),
    f"import unittest\n{SUITE}result = {RUN_SUITE}\nassert result.wasSuccessful()": (
        "line 6 of the test: assert result.wasSuccessful()"
    ),
    f"import unittest\n{SUITE}T('test_small').debug()": "-1 != 3",
    "import unittest\nunittest.TestCase().assertEqual(add(1, 2), 3)": "-1 != 3",
    "from unittest import TestCase, main\nclass T(TestCase):\n    def test_all(self):\n        for n in range(3):\n"
    "            with self.subTest(n=n): self.assertEqual(add(n, 1), n + 1)\nmain(exit=False)": (
        "-1 != 1 (test_all (n=0), and 2 more)"
    ),
    DOCTEST: "add(1, 2) gave -1, not 3 (f)",
    "assert add(1, 2) == 3": "line 1 of the test: assert add(1, 2) == 3",
    "x = 1\nfor n in range(3):\n    assert (\n        add(n, 2)\n        == n + 2\n    )": (
        "line 3 of the test: assert ( add(n, 2) == n + 2 )"
    ),
    "if add(1, 2) != 3: raise AssertionError": "line 1 of the test: raise AssertionError",
    "assert add(1, 2) == 3, 'add(1, 2) should give 3'": "add(1, 2) should give 3",
}
NEVER_RIGHT = {
    f"import unittest\n{SUITE}": "the test runs no test of T: end it with unittest.main()",
    "import unittest\nclass T(unittest.TestCase):\n    def t(self): pass\nunittest.main()": "unittest found no test",
    "import unittest\nclass T(unittest.TestCase):\n    @unittest.expectedFailure\n    def test_x(self): pass\n"
    "unittest.main()": "expected to fail, but passed (test_x)",
}

ANY_ERROR = """
class AnyBuiltin(KeyError, IndexError): pass
class First(ValueError): pass
class Second(Exception): pass
class AnyOwn(First, Second): pass
class Mixin: pass
class Mixed(Mixin, First): pass
def any_builtin(): raise AnyBuiltin
def any_own(): raise AnyOwn
def mixed(): raise Mixed
def group(): raise ExceptionGroup("two", [ValueError(), KeyError()])
"""
TOO_OLD = "class TooOld(ValueError): pass\ndef sub(): raise TooOld('x')\ndef key(): return {}['a']\n"
EXPRESSIONS = "class P:\n    x = 3\ndef f():\n    return [1, 2]\n"

VERDICTS: dict[str, tuple[str, list[tuple[dict[str, Any], str | None, bool]]]] = {
    "nothing is expected": (
        "def f(): return 'nonsense'\ndef empty(): return ''\ndef none(): pass\ndef say(): print('x')\n",
        [
            ({"input": "f()"}, "", False),
            ({"code": "print(f())"}, "", False),
            ({"input": "empty()"}, "", True),
            ({"input": "none()"}, "", False),
            ({"input": "say()"}, "", False),
            ({"code": "f()"}, "", True),
            ({"stdin": "x"}, "", True),
            ({"input": "f()"}, None, True),
            ({}, "", True),
        ],
    ),
    "subclasses": (
        TOO_OLD,
        [
            ({"input": "sub()"}, "ValueError", True),
            ({"input": "sub()"}, "ValueError: x", True),
            ({"input": "sub()"}, "TooOld", True),
            ({"input": "sub()"}, "ValueError: y", False),
            ({"input": "sub()"}, "TypeError", False),
            ({"input": "key()"}, "LookupError", True),
            ({"code": "sub()"}, "Exception", True),
        ],
    ),
    "several bases": (
        ANY_ERROR,
        [
            ({"input": "any_builtin()"}, "KeyError", False),
            ({"input": "any_builtin()"}, "LookupError", False),
            ({"input": "any_builtin()"}, "AnyBuiltin", True),
            ({"input": "any_own()"}, "First", False),
            ({"input": "any_own()"}, "Second", False),
            ({"input": "mixed()"}, "First", True),
            ({"input": "mixed()"}, "ValueError", True),
            ({"input": "group()"}, "Exception", True),
        ],
    ),
    "expressions": (
        EXPRESSIONS,
        [
            ({"input": "P().x"}, "3", True),
            ({"input": "f()[0]"}, "1", True),
            ({"input": "f() == [1, 2]"}, "True", True),
            ({"input": "not f()"}, "False", True),
            ({"input": "[n for n in f()]"}, "[1, 2]", True),
            ({"input": "f()[0] + f()[1]"}, "3", True),
            ({"input": "f()[1]"}, "1", False),
        ],
    ),
    "Windows line ends": (
        "a = input('y/n? ')\nprint('yes' if a == 'y' else 'no')",
        [({"stdin": "y\r\n"}, "y/n? yes", True), ({"stdin": "y\n"}, "y/n? yes\r\n", True)],
    ),
    "text of an exit": (
        "import sys\nprint('False')\nsys.exit('True')",
        [({"stdin": ""}, "True", False), ({"stdin": ""}, "False", False)],
    ),
    "byte order mark": ("\ufeffprint('hi')", [({"stdin": ""}, "hi", True)]),
}


@pytest.fixture
def grade(sandbox: Sandbox) -> Grader:
    return Grader(sandbox)


@pytest.mark.parametrize("name", VERDICTS)
def test_allow_only_the_right_verdict(grade: Grader, name: str) -> None:
    code, rows = VERDICTS[name]
    cases = [TestCase(**how, expected_output=expected) for how, expected, _ in rows]
    assert verdicts(grade(code, *cases, timeout=10)) == [verdict for *_, verdict in rows]


def messages(answer: dict[str, Any]) -> list[str]:
    return [result["error_detail"]["message"] for result in answer["test_results"]]


def test_deny_a_pass_to_a_test_that_found_a_failure(grade: Grader) -> None:
    """Whatever the exit code, and the learner reads what failed."""
    answer = grade(WRONG, *[TestCase(code=code) for code in FAILURES], timeout=10)
    assert verdicts(answer) == [False] * len(FAILURES)
    assert messages(answer) == list(FAILURES.values())


def test_deny_a_pass_to_a_test_that_tests_nothing(grade: Grader) -> None:
    answer = grade(RIGHT, *[TestCase(code=code) for code in NEVER_RIGHT], timeout=10)
    assert verdicts(answer) == [False] * len(NEVER_RIGHT)
    assert messages(answer) == list(NEVER_RIGHT.values())


def test_allow_a_pass_to_the_right_submission(grade: Grader) -> None:
    answer = grade(RIGHT + OWN_TESTS, *[TestCase(code=code) for code in FAILURES], timeout=10)
    assert verdicts(answer) == [True] * len(FAILURES)


def test_allow_a_test_to_judge_failures_itself(grade: Grader) -> None:
    """A learner's own tests are to find the fault: what they find must not fail this test."""
    find = f"result = {RUN_SUITE}\nassert len(result.failures) == 1"
    submission = f"import unittest\n{WRONG}{SUITE}"
    cases = [TestCase(code=f"import unittest\n{find}"), TestCase(code=f"import unittest\n{SUITE}{find}")]
    assert verdicts(grade(submission, *cases)) == [True, True]


def test_error_in_a_unittest_has_the_learners_line(grade: Grader) -> None:
    code = f"import unittest\n{SUITE}unittest.main()"
    [result] = grade("def add(a, b):\n    return a / 0\n", TestCase(code=code))["test_results"]
    detail = result["error_detail"]
    assert (detail["type"], detail["message"], detail["line"]) == (
        "ZeroDivisionError",
        "division by zero (test_small)",
        2,
    )
