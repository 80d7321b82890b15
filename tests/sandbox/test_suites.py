"""Tests by unittest and doctest in real containers: a result for each method, and no pass that was not earned."""

import json
import re
from typing import Any

import pytest

from executions.api.answers import AnswerSerializer
from executions.request import ExecutionRequest, SentFile, TestCase
from executions.running.service import answer_of
from executions.sandbox.results import RunStatus, TestProgram
from executions.sandbox.sandbox import Sandbox
from guest import reports
from tests.sandbox.conftest import Runner
from tests.sandbox.exercises import EXERCISES
from tests.test_docs import TEST_CASES, section

pytestmark = pytest.mark.docker
wall = pytest.mark.wall


@pytest.fixture
def grade(sandbox: Sandbox) -> Any:
    """Return a function that runs a program with test cases and returns its results."""

    def run(code: str, *cases: TestCase | str, timeout: int = 8) -> list[dict[str, Any]]:
        all_cases = tuple(TestCase(unittest=case) if isinstance(case, str) else case for case in cases)
        request = ExecutionRequest(code, test_cases=all_cases, timeout=timeout)
        results: list[dict[str, Any]] = AnswerSerializer(
            answer_of(request, sandbox.execute(request.submission()))
        ).data["test_results"]
        return results

    return run


def suite(*methods: str, before: str = "") -> str:
    """Return a suite whose test methods, named a, b and so on, have these lines."""
    lines = ["import unittest", before, "class T(unittest.TestCase):"]
    for name, body in zip("abcdefgh", methods, strict=False):
        lines += [f"    def test_{name}(self):", *(f"        {line}" for line in body.splitlines())]
    return "\n".join(lines)


def methods(result: dict[str, Any]) -> list[tuple[str, bool, str]]:
    return [(each["name"], each["passed"], each["message"]) for each in result["methods"]]


@pytest.mark.parametrize("name", EXERCISES)
def test_solution_passes_and_stub_fails(grade: Any, name: str) -> None:
    exercise = EXERCISES[name]
    [result] = grade(exercise.solution, exercise.suite)
    assert result["passed"], result
    assert methods(result) == [(each, True, "") for each in exercise.tests]
    count = len(exercise.tests)
    assert result["message"] == f"✅ Test passed: {count} of {count} tests passed"
    [result] = grade(exercise.stub, exercise.suite)
    assert not result["passed"]
    assert [each["name"] for each in result["methods"]] == list(exercise.tests)
    assert not any(each["passed"] for each in result["methods"])
    assert all(each["message"] for each in result["methods"])
    assert result["error_detail"]["message"]


ADD, WRONG = "def add(a, b):\n    return a + b\n", "def add(a, b):\n    return a - b\n"

MESSAGES = {
    "self.assertEqual(add(1, 2), 3)": "-1 != 3",
    "self.assertEqual(add(1, 2), 3, 'one and two are three')": "-1 != 3 : one and two are three",
    "assert add(1, 2) == 3": "line 5 of the test: assert add(1, 2) == 3",
    "add(1, 'x')": "TypeError: unsupported operand type(s) for -: 'int' and 'str' (line 2 of the program)",
    "for n in range(3):\n    with self.subTest(n=n): self.assertEqual(add(n, 1.5), n + 1.5)": (
        "(n=0) -1.5 != 1.5\n(and 2 more)"
    ),
    "with self.assertRaises(TypeError): add(1, 2)": "TypeError not raised",
    "self.skipTest('not today')": "skipped: not today",
    "exit()": "SystemExit: None",
}


def test_each_failed_method_says_what_unittest_does(grade: Any) -> None:
    results = grade(WRONG, *map(suite, MESSAGES), timeout=10)
    assert [methods(result) for result in results] == [[("T.test_a", False, message)] for message in MESSAGES.values()]
    assert not any(result["passed"] for result in results)
    assert results[0]["message"] == "❌ Test failed: 0 of 1 test passed"
    assert results[0]["error_detail"]["message"] == "-1 != 3 (test_a)"
    assert (results[3]["error_detail"]["line"], results[3]["error_detail"]["type"]) == (2, "TypeError")
    assert results[4]["error_detail"]["message"] == "-1.5 != 1.5 (test_a (n=0), and 2 more)"


def test_one_failed_method_fails_the_case(grade: Any) -> None:
    [result] = grade(ADD, suite("self.assertEqual(add(1, 2), 3)", "self.fail('no')", "pass"))
    assert methods(result) == [("T.test_a", True, ""), ("T.test_b", False, "no"), ("T.test_c", True, "")]
    assert (result["passed"], result["status"]) == (False, "error")
    assert result["message"] == "❌ Test failed: 2 of 3 tests passed"


def test_suite_may_end_with_main_and_use_all_of_unittest(grade: Any) -> None:
    suites = [
        f"{suite('self.assertEqual(add(1, 2), 3)')}\nunittest.main()",
        f"{suite('self.assertEqual(add(1, 2), 3)')}\nunittest.main(exit=False)",
        "from unittest import TestCase, main\nclass T(TestCase):\n    def test_a(self): add(1, 2)\nmain()",
        suite("self.assertEqual(x, 1)", before="def setUpModule():\n    global x\n    x = 1"),
        "import unittest\nclass T(unittest.IsolatedAsyncioTestCase):\n    async def test_a(self): add(1, 2)",
        "import unittest\nclass T(unittest.TestCase):\n    @unittest.expectedFailure\n    def test_a(self): 1 / 0",
        "import unittest\nunittest.TestCase.maxDiff = None\nclass Base:\n    def test_a(self): add(1, 2)\n"
        "class T(Base, unittest.TestCase): pass",
    ]
    results = grade(ADD, *suites, timeout=10)
    assert [methods(result) for result in results] == [[("T.test_a", True, "")]] * len(suites), results
    assert all(result["passed"] for result in results)


NOT_RUN = {
    "nonsense": "name 'nonsense' is not defined",
    "import unittest": "the test defines no test method",
    "import unittest\nclass T(unittest.TestCase):\n    def check(self): pass": "the test defines no test method",
    "import unittest\n@unittest.skip('all')\nclass T(unittest.TestCase):\n    def test_a(self): pass": (
        "the test defines no test method"
    ),
    "from main import nothing": "cannot import name 'nothing' from '__main__' (/tmp/main.py)",
}


def test_suite_that_runs_nothing_fails_and_says_why(grade: Any) -> None:
    results = grade(ADD, *NOT_RUN, timeout=10)
    assert [(result["passed"], result["methods"]) for result in results] == [(False, [])] * len(NOT_RUN)
    assert [result["error_detail"]["message"] for result in results] == list(NOT_RUN.values())
    assert results[1]["message"] == "❌ Test failed: no test has run"


def test_failure_outside_of_methods_fails_the_case(grade: Any) -> None:
    broken = "    @classmethod\n    def {}(cls): raise OSError('no disk')"
    results = grade(
        ADD,
        f"{suite('pass')}\n{broken.format('setUpClass')}",
        f"{suite('pass')}\n{broken.format('tearDownClass')}",
    )
    assert [methods(result) for result in results] == [[("T.test_a", False, "not run")], [("T.test_a", True, "")]]
    assert [result["passed"] for result in results] == [False, False]
    assert [result["error_detail"]["message"] for result in results] == [
        "no disk (setUpClass (__main__.T))",
        "no disk (tearDownClass (__main__.T))",
    ]


def test_learners_own_tests_are_not_the_teachers(grade: Any) -> None:
    own = "import unittest\nclass Own(unittest.TestCase):\n    def test_own(self): self.fail()\n"
    [result] = grade(ADD + own, suite("self.assertEqual(add(1, 2), 3)"))
    assert (result["passed"], methods(result)) == (True, [("T.test_a", True, "")])


EXAMPLE = 'def add(a, b):\n    """\n    >>> add(1, 2)\n    3\n    """\n    return a + b'


def test_documented_example_does_what_it_says(grade: Any) -> None:
    cases, documented = re.findall(r"```json\n(.*?)\n```", section(TEST_CASES, "Suites"), re.DOTALL)
    suites = [TestCase.of(case) for case in json.loads(cases)]
    [result, examples] = grade("def add(a, b):\n    return a - b", *suites)
    expected = json.loads(documented)
    assert {name: result[name] for name in expected} == expected
    assert examples["error_detail"]["message"] == "the program has no docstring with an example (>>>)"
    assert [result["passed"] for result in grade(EXAMPLE, *suites)] == [True, True]


def test_what_a_suite_prints_is_the_output(grade: Any) -> None:
    [result] = grade(f"print('program')\n{ADD}", suite("print(add(1, 2))"))
    assert (result["passed"], result["actual_output"]) == (True, "3\n")


def test_methods_before_a_timeout_keep_their_results(grade: Any) -> None:
    [result] = grade(ADD, suite("pass", "self.fail('no')", "while True: pass", "pass"), timeout=1)
    assert (result["passed"], result["status"]) == (False, "timeout")
    assert methods(result) == [
        ("T.test_a", True, ""),
        ("T.test_b", False, "no"),
        ("T.test_c", False, "did not end"),
        ("T.test_d", False, "not run"),
    ]


def test_hidden_suite_shows_no_methods(grade: Any) -> None:
    case = TestCase(unittest=suite("self.assertEqual(add(1, 2), 3)"), hidden=True)
    for code, passed in ((ADD, True), (WRONG, False)):
        [result] = grade(code, case)
        assert (result["passed"], result["methods"], result["error_detail"]) == (passed, None, None)
        assert result["message"] == ("✅ Test passed" if passed else "❌ Test failed")


def test_methods_are_bounded(grade: Any) -> None:
    many = "\n".join(
        f"    def test_{n:03}_{'x' * 200}(self): self.fail('\N{SNAKE}' * 10_000)" for n in range(reports.METHODS + 1)
    )
    results = grade(ADD, *[f"import unittest\nclass T(unittest.TestCase):\n{many}"] * 6, timeout=10)
    assert [len(result["methods"]) for result in results[:1]] == [reports.METHODS]
    assert {len(each["name"]) for each in results[0]["methods"]} == {reports.METHOD_CHARACTERS}
    assert len(results[0]["methods"][0]["message"]) == reports.METHOD_MESSAGE_CHARACTERS
    assert sum(len(str(result["methods"]).encode()) for result in results) < 300 * 1024
    assert not any(result["passed"] for result in results)


def test_method_beyond_the_last_that_is_shown_counts(grade: Any) -> None:
    many = "\n".join(f"    def test_{n:03}(self): self.assertNotEqual({n}, 100)" for n in range(reports.METHODS + 1))
    [result] = grade(ADD, f"import unittest\nclass T(unittest.TestCase):\n{many}")
    assert (result["passed"], [each["passed"] for each in result["methods"]]) == (False, [True] * reports.METHODS)


CHECK = suite("self.assertEqual(add(1, 2), 3)", "self.assertTrue(add(2, 2) == 4)")

TAMPERING = {
    "assertEqual": "import unittest\nunittest.TestCase.assertEqual = lambda *_: None\n"
    "unittest.TestCase.assertTrue = lambda *_: None",
    "code": "import unittest\nfor name in ('assertEqual', 'assertTrue'):\n"
    "    getattr(unittest.TestCase, name).__code__ = (lambda *_, **__: None).__code__",
    "run": "import unittest\nunittest.TestCase.run = lambda self, result: "
    "(result.startTest(self), result.addSuccess(self), result.stopTest(self))",
    "attribute": "import unittest\nunittest.TestCase.__getattribute__ = lambda self, name: "
    "(lambda *_, **__: None) if name.startswith('assert') else object.__getattribute__(self, name)",
    "class": "import unittest\nclass Kind(unittest.TestCase):\n    def assertEqual(self, *_): pass\n"
    "    assertTrue = assertEqual\nunittest.TestCase = Kind",
    "module": "import sys, unittest\nfake = type(sys)('unittest')\nvars(fake).update(vars(unittest))\n"
    "class Kind(unittest.TestCase):\n    def assertEqual(self, *_): pass\n    assertTrue = assertEqual\n"
    "fake.TestCase = Kind\nsys.modules['unittest'] = fake",
    "builtin": "import builtins\nget = getattr\nbuiltins.getattr = lambda o, n, *d: "
    "(lambda: None) if str(n).startswith('test_') else get(o, n, *d)",
    "context": "import contextlib\nleave = contextlib._GeneratorContextManager.__exit__\n"
    "contextlib._GeneratorContextManager.__exit__ = lambda *_: True",
    "loader": "import unittest\nunittest.TestLoader.getTestCaseNames = lambda *_: ['id']",
    "protocol": "import guest.reports\nreal = guest.reports.pack_method\n"
    "guest.reports.pack_method = lambda number, what, text='': real(number, min(what, 2))",
    "suite": "import guest.program.suite\nguest.program.suite.Report.verdict = lambda self: None",
}


@wall("sealed_suites")
@pytest.mark.parametrize("name", TAMPERING)
def test_deny_a_pass_to_a_program_that_changes_unittest(grade: Any, name: str) -> None:
    """It says so, and runs nothing of the suite. The program itself is wrong."""
    [result, hidden] = grade(f"{WRONG}{TAMPERING[name]}\n", CHECK, TestCase(unittest=CHECK, hidden=True))
    assert (result["passed"], hidden["passed"], result["methods"]) == (False, False, [])
    assert result["error_detail"]["message"].endswith("which its tests rely on"), result


HARMLESS = {
    "doctest.testmod()": "def add(a, b):\n    '''>>> add(1, 2)\n    3\n    '''\n    return a + b\n"
    "if __name__ == '__main__':\n    import doctest\n    doctest.testmod()",
    "maxDiff": "import unittest\nunittest.TestCase.maxDiff = None\ndef add(a, b):\n"
    "    '''>>> add(1, 2)\n    3\n    '''\n    return a + b",
    "a suite of doctests": "import doctest, unittest\ndef add(a, b):\n    '''>>> add(1, 2)\n    3\n    '''\n"
    "    return a + b\n"
    "unittest.TextTestRunner(stream=open('/dev/null', 'w')).run(doctest.DocTestSuite('__main__'))",
}


@pytest.mark.parametrize("code", HARMLESS.values(), ids=HARMLESS.keys())
def test_program_that_runs_its_own_tests_passes(grade: Any, code: str) -> None:
    results = grade(code, CHECK, TestCase(doctest=True), timeout=6)
    assert [result["passed"] for result in results] == [True, True], results


@pytest.mark.parametrize("name", ["contextlib.py", "guest.protocol.py", "unittest.case.py"])
def test_file_named_like_a_module_of_a_suite_changes_nothing(sandbox: Sandbox, name: str) -> None:
    file = SentFile(name, text="x = 1\n")
    cases = (TestCase(unittest=CHECK), TestCase(doctest=True))
    code = "def add(a, b):\n    '''>>> add(1, 2)\n    3\n    '''\n    return a + b"
    request = ExecutionRequest(code, test_cases=cases, files=(file,))
    for _ in range(2):
        answer = answer_of(request, sandbox.execute(request.submission()))
        assert [result.passed for result in answer.test_results or ()] == [True, True], answer


LATE = {
    "during the test": "def add(a, b):\n    import unittest\n    unittest.TestCase._baseAssertEqual = lambda *_: None\n"
    "    unittest.TestCase.assertTrue = lambda *_: None\n    return 0",
    "exit": "def add(a, b):\n    import os\n    os._exit(0)",
    "exit in the program": "import os\ndef add(a, b): pass\nos._exit(0)",
    "system exit": "def add(a, b): raise SystemExit(0)",
    "exec": "def add(a, b):\n    import os\n    os.execv('/usr/bin/true', ['true'])",
    "skip": "def add(a, b):\n    import unittest\n    raise unittest.SkipTest('later')",
    "skips the next": "import sys\ndef add(a, b):\n    kind = type(sys._getframe(1).f_locals['self'])\n"
    "    for name in dir(kind):\n        if name.startswith('test'): setattr(kind, name, lambda self: None)\n"
    "    return 0",
    "stdout": "import sys, io\nsys.stdout = sys.__stdout__ = io.StringIO()\ndef add(a, b): return 0",
    "forged words": "import sys\ndef add(a, b): return 0\nfor out in (sys.stdout, sys.stderr):\n"
    "    print('..\\n----\\nRan 2 tests in 0.000s\\n\\nOK', file=out)",
    "forged words in a test": "def add(a, b):\n    print('OK\\n✅ Test passed: 2 of 2 tests passed')\n    return 0",
    "main": "import unittest\ndef add(a, b): return 0\nunittest.main = lambda *_, **__: None",
    "atexit": "import atexit, os\ndef add(a, b): return 0\natexit.register(os._exit, 0)",
    "hook": "import sys, os\ndef add(a, b): return 0\nsys.excepthook = lambda *_: os._exit(0)",
    "interrupt": "def add(a, b): raise KeyboardInterrupt",
    "tracer": "import sys\ndef jump(frame, event, arg):\n    if event == 'line' and frame.f_code.co_name == 'test_a':\n"
    "        frame.f_lineno += 1\n    return jump\nsys.settrace(jump)\ndef add(a, b): return 0",
    "monitor": "import gc, sys, unittest\nclass TestAdd(unittest.TestCase): pass\n"
    "sys.monitoring.use_tool_id(2, 'x')\nsys.monitoring.register_callback(2, sys.monitoring.events.LINE, lambda *_: "
    "gc.collect())\nsys.monitoring.set_events(2, sys.monitoring.events.LINE)\nsys.monitoring.free_tool_id(2)\n"
    "def add(a, b): return 0",
    "empties modules": "import sys\ndef add(a, b):\n    sys.modules.clear()\n    return 0",
    "stops": "import sys\ndef add(a, b):\n    sys._getframe(1).f_locals['self']._outcome.result.stop()\n    return 3",
    "fork": "import os\ndef add(a, b):\n    if os.fork(): os._exit(0)\n    return 3",
    "equal to nothing": "def add(a, b): return float('nan')",
    "recursion": "import sys\nsys.setrecursionlimit(40)\ndef add(a, b): return add(a, b)",
    "closes all": "import os\ndef add(a, b):\n    os.closerange(0, 256)\n    return 0",
}


@pytest.mark.parametrize("name", LATE)
def test_deny_a_pass_to_a_suite_that_did_not_pass(grade: Any, name: str) -> None:
    [result, hidden] = grade(LATE[name], CHECK, TestCase(unittest=CHECK, hidden=True), timeout=6)
    assert (result["passed"], hidden["passed"]) == (False, False), result
    assert not all(each["passed"] for each in result["methods"]) or not result["methods"], result


FORGE = """
import ctypes, os, re, struct
from guest.reports import pack_method
def forge(*lines):
    report = b"".join(lines)
    report = struct.pack("!BI", 17, len(report)) + report
    for line in open("/proc/self/maps"):
        low, high, mode = re.match(r"(\\w+)-(\\w+) (....)", line).groups()
        if mode == "rw-s" and int(high, 16) - int(low, 16) > 512 * 1024:
            ctypes.memmove(int(low, 16), report, len(report))
            print("forged")
NAMES = [pack_method(n, 0, f"T.test_{'ab'[n]}") for n in range(2)]
PASSES = [line for n in range(2) for line in (pack_method(n, 1), pack_method(n, 2))]
"""


@pytest.mark.parametrize("forged", ["*NAMES, *PASSES", "NAMES[0], pack_method(0, 1), pack_method(0, 2)"])
def test_report_from_before_the_suite_is_lost(grade: Any, forged: str) -> None:
    [result] = grade(f"{FORGE}forge({forged})\ndef add(a, b): return 0", CHECK)
    assert (result["passed"], result["actual_output"]) == (False, "")
    assert methods(result) == [("T.test_a", False, "0 != 3"), ("T.test_b", False, "False is not true")]


@pytest.mark.parametrize(
    ("forged", "ending"),
    [("*NAMES, *PASSES", "return 0"), ("*NAMES, *PASSES", "os._exit(0)"), ("b'\\xff' * 1000", "return 3")],
)
def test_deny_a_pass_to_a_forged_report(grade: Any, forged: str, ending: str) -> None:
    """The suite goes on writing its own, and has to come to its end."""
    [result] = grade(f"{FORGE}def add(a, b):\n    forge({forged})\n    {ending}", CHECK)
    assert not result["passed"], result
    assert result["actual_output"].startswith("forged"), result


def test_allow_a_pass_despite_tricks_of_the_submission(grade: Any) -> None:
    tricks = [
        "import builtins\nbuiltins.print = builtins.input = None",
        "import sys, io\nsys.stdout = sys.stderr = io.StringIO()",
        "import sys\nsys.argv = None\nsys.path.clear()",
        "import unittest.mock, gettext\ngettext.NullTranslations().install()",
        "import sys\nsys.settrace(lambda *_: None)",
        "import gc\ngc.disable()",
        "import os\nos.write = os._exit = None",
        "import json, struct\njson.dumps = struct.pack = None",
        "exit()",
    ]
    for trick in tricks:
        [result] = grade(f"{ADD}{trick}\n", CHECK)
        assert result["passed"], (trick, result)


DOCTESTS = """'''An account.

>>> Account("Ada").balance
0
'''
class Account:
    '''
    >>> ada = Account("Ada")
    >>> ada.deposit(5)
    >>> ada.balance
    5
    '''
    def __init__(self, owner):
        self.balance = 0

    def deposit(self, amount):
        '''
        >>> Account("Bob").deposit("x")
        Traceback (most recent call last):
        TypeError: an amount is a number
        '''
        SUM

def other():
    '''No example.'''
"""
BALANCE = "if isinstance(amount, str): raise TypeError('an amount is a number')\n        self.balance += amount"


def test_each_docstring_has_a_result(grade: Any) -> None:
    [result] = grade(DOCTESTS.replace("SUM", BALANCE), TestCase(doctest=True))
    assert result["passed"], result
    assert methods(result) == [("main.py", True, ""), ("Account", True, ""), ("Account.deposit", True, "")]
    assert result["message"] == "✅ Test passed: 3 of 3 tests passed"
    [result] = grade(DOCTESTS.replace("SUM", "self.balance += 2 * amount"), TestCase(doctest=True))
    assert methods(result) == [
        ("main.py", True, ""),
        ("Account", False, "ada.balance gave 10, not 5"),
        (
            "Account.deposit",
            False,
            "Account(\"Bob\").deposit(\"x\") gave TypeError: unsupported operand type(s) for +=: 'int' and 'str',"
            " not TypeError: an amount is a number",
        ),
    ]
    assert result["error_detail"]["message"] == "ada.balance gave 10, not 5 (Account, and 1 more)"


NO_DOCTESTS = [
    "def add(a, b): return a + b",
    "def add(a, b):\n    '''\n    >>> add(1, 2)  # doctest: +SKIP\n    4\n    '''",
    "def add(a, b):\n    '''\n    >>> add(1, 2)\n    3\n    '''\n    import os\n    os._exit(0)",
    "def add(a, b):\n    '''\n    >>> add(1, 2)\n    3\n    '''\n    raise SystemExit",
    "import doctest\ndef add(a, b):\n    '''\n    >>> add(1, 2)\n    3\n    '''\n"
    "doctest.DocTestRunner.run = lambda *_, **__: doctest.TestResults(0, 1)",
    "import doctest\ndef add(a, b):\n    '''\n    >>> add(1, 2)\n    3\n    '''\n"
    "doctest.OutputChecker.check_output = lambda *_: True",
    "def add(a, b):\n    '''\n    >>> add(1, 2)\n    3\n    '''\n    import doctest\n"
    "    doctest.OutputChecker.check_output = lambda *_: True",
]


@pytest.mark.parametrize("code", NO_DOCTESTS, ids=range(len(NO_DOCTESTS)))
def test_deny_a_pass_to_doctests_that_did_not_hold(grade: Any, code: str) -> None:
    results = grade(code, TestCase(doctest=True), TestCase(doctest=True, hidden=True))
    assert [result["passed"] for result in results] == [False, False], results


def test_suite_reaches_the_container_only_when_the_program_has_run(run: Runner) -> None:
    """The suite's own process finds its text, so the search works; the program's finds nothing."""
    code = (
        "import re, gc\nword = re.compile('[C][A][N][A][R][Y]')\n"
        "def found():\n    places = 0\n    for line in open('/proc/self/maps'):\n"
        "        start, end, mode = re.match(r'(\\w+)-(\\w+) (\\S+)', line).groups()\n"
        "        if mode.startswith('rw'):\n            with open('/proc/self/mem', 'rb', buffering=0) as memory:\n"
        "                memory.seek(int(start, 16))\n"
        "                places += len(re.findall(b'[C][A][N][A][R][Y]', memory.read(int(end, 16) - int(start, 16))))\n"
        "    return places\nbefore = found()\n"
    )
    [test] = run.tests(code, TestProgram(unittest=suite("print(before, found() > 0)  # CANARY"))).tests
    assert (test.status, test.stdout) == (RunStatus.SUCCESS, "0 True\n")


def test_no_run_finds_the_report_of_another(run: Runner) -> None:
    test = TestProgram(unittest=suite("pass"))
    outcome = run.tests("import os\ndef leave(): os._exit(0)", test, TestProgram(unittest="leave()"), test)
    assert [[method.passed for method in each.methods] for each in outcome.tests] == [[True], [], [True]]
    assert all(each.trace == b"" for each in outcome.tests)
