"""Tests by the value that a call returns, in real containers: judged on the host, whatever the program does."""

from typing import Any

import pytest

from executions.api.answers import AnswerSerializer
from executions.request import ExecutionRequest, Match, TestCase
from executions.running.service import answer_of
from executions.sandbox.results import Flag, RunStatus, TestProgram
from executions.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import Runner

pytestmark = pytest.mark.docker


def returns(expected: str, call: str = "f()", **options: Any) -> TestCase:
    """Return a test case that compares the value of `call`."""
    return TestCase(input=call, expected_output=expected, match=Match.RETURNS, **options)


@pytest.fixture
def grade(sandbox: Sandbox) -> Any:
    """Return a function that runs a program with test cases and returns its results."""

    def run(code: str, *cases: TestCase, timeout: int = 8) -> list[dict[str, Any]]:
        request = ExecutionRequest(code, test_cases=cases, timeout=timeout)
        results: list[dict[str, Any]] = AnswerSerializer(
            answer_of(request, sandbox.execute(request.submission()))
        ).data["test_results"]
        return results

    return run


VALUES = [
    ("240", "return 240.0"),
    ("{'a': 2, 'b': 1}", "from collections import Counter\n    return Counter('aab')"),
    ("{1, 2, 3}", "return {3, 2, 1}"),
    ("['a', 'b']", "return (letter for letter in 'ab')"),
    ("['a', 'b']", "return {'a': 1, 'b': 2}.keys()"),
    ("{'b', 'a'}", "return {'a': 1, 'b': 2}.keys()"),
    ("{('b', 2), ('a', 1)}", "return {'a': 1, 'b': 2}.items()"),
    ("['a', 'b']", "from collections import OrderedDict\n    return OrderedDict(a=1, b=2).keys()"),
    ("[('a', 1)]", "from collections import OrderedDict\n    return OrderedDict(a=1).items()"),
    ("[0, 1, 4]", "for n in range(3):\n        yield n * n"),
    ("[1, 2]", "return 1, 2"),
    ("[0.3, [0.7]]", "return [0.1 + 0.2, (0.7,)]"),
    ("None", "pass"),
    ("'8'", "print('debugging')\n    return '8'"),
    ("0.3", "from decimal import Decimal\n    return Decimal('0.3')"),
    ("[[1], {'k': {2}}]", "return [[1], {'k': {2}}]"),
    ("ValueError: bad", "raise ValueError('bad luck')"),
    ("ZeroDivisionError", "yield 1 / 0"),
]


def test_values_compare_as_a_teacher_means(grade: Any) -> None:
    code = "\n".join(f"def f{number}():\n    {body}" for number, (_, body) in enumerate(VALUES))
    cases = [returns(expected, f"f{number}()") for number, (expected, _) in enumerate(VALUES)]
    results = grade(code, *cases, timeout=10)
    assert [result["passed"] for result in results] == [True] * len(VALUES), results


def test_any_expression_has_a_value(grade: Any) -> None:
    code = "total = 8\nclass Account:\n    def __init__(self): self.balance = 5"
    cases = [returns("8", "total"), returns("5", "Account().balance"), returns("[8, 16]", "[total, 2 * total]")]
    assert [result["passed"] for result in grade(code, *cases, returns("1", "total ="), returns("1", "nothing"))] == [
        *(True, True, True),
        *(False, False),
    ], code
    assert all(result["passed"] for result in grade(code, *cases))


def test_learner_is_told_about_printing_and_returning(grade: Any) -> None:
    code = "def prints(): print(8)\ndef gives(): return 'Hi'\ndef wrong(): return 9"
    cases = [
        returns("8", "prints()"),
        returns("None", "gives()"),
        returns("8", "wrong()"),
        TestCase(input="wrong()", expected_output="8"),
        TestCase(code="print(prints())", expected_output="8"),
        TestCase(input="print(9)", expected_output="8"),
    ]
    assert [result["diff"] for result in grade(code, *cases)] == [
        "Your function printed 8 but returned None: use return\n  expected: 8\n  returned: None",
        "Your function returned 'Hi' but should return None: to show a value, use print",
        "The value differs:\n  expected: 8\n  returned: 9\n            ^",
        "Line 1 differs:\n  expected: 8\n  returned: 9\n            ^",
        "Your function printed 8 but returned None: use return",
        "Line 1 differs:\n  expected: 8\n  printed:  9\n            ^",
    ]


HOSTILE = [
    "class Liar:\n    def __eq__(self, other): return True\n    def __hash__(self): return 8\n"
    "    def __repr__(self): return '8'\n    __class__ = int\ndef f(): return Liar()",
    "class N(int):\n    def __eq__(self, other): return True\n    def __repr__(self): return '8'\n"
    "    __str__ = __format__ = __repr__\n    __hash__ = int.__hash__\ndef f(): return N(9)",
    "class S(str):\n    def __repr__(self): return '8'\n    def __len__(self): return -1\ndef f(): return S('x')",
    "class M(type):\n    def __subclasscheck__(cls, other): return True\n    __mro__ = __name__ = 8\n"
    "class C(metaclass=M): pass\ndef f(): return C()",
    "def f():\n    x = []\n    x.append(x)\n    return x",
    "def f():\n    x = []\n    x.extend([x] * 100)\n    return x",
    "def f():\n    d = {}\n    d[8] = d\n    return d",
    "def f():\n    x = 8\n    for _ in range(100_000): x = [x]\n    return x",
    "def f(): return [8] * 2_000_000",
    "def f(): return '8' * 20_000_000",
    "def f(): return 8 ** 10_000_000",
    "import itertools\ndef f(): return itertools.count(8)",
    "class Endless:\n    def __iter__(self): return self\n    def __next__(self): return 8\ndef f(): return Endless()",
    "class Odd:\n    def __iter__(self): return 8\n    def __next__(self): raise SystemExit\ndef f(): return Odd()",
    "class L(list):\n    def __iter__(self): yield 8\n    def __len__(self): return 10**9\ndef f(): return [L()]",
    "def f():\n    x = [1]\n    def grow():\n        while True:\n            x.append(1)\n            yield 1\n"
    "    x.append(grow())\n    return x",
    "def f(): return '\\ud800'",
    "import builtins\nbuiltins.issubclass = builtins.hasattr = builtins.type = None\ndef f(): return 9",
    "import sys\nsys.modules['numpy'] = type(sys)('x')\ndef f(): return object()",
    "import sys\nsys.setrecursionlimit(60)\ndef f(): return [[[[[[[[[[[[[[[[[[[[[8]]]]]]]]]]]]]]]]]]]]]",
    "import os\ndef f():\n    print(8, flush=True)\n    os._exit(0)",
    "def f():\n    print(8)\n    raise SystemExit(0)",
    "import os, signal\ndef f():\n    os.kill(os.getpid(), signal.SIGSTOP)\n    print(8, flush=True)\n    os._exit(0)",
    "def f():\n    while True: pass",
]


@pytest.mark.parametrize("code", HOSTILE, ids=range(len(HOSTILE)))
def test_deny_a_pass_to_a_value_that_only_claims_to_be_right(grade: Any, code: str) -> None:
    """There is a verdict, and never an error of ours."""
    [result, hidden] = grade(code, returns("8"), returns("8", hidden=True), timeout=4)
    assert (result["passed"], hidden["passed"]) == (False, False)
    assert len(result["actual_output"]) <= 64 * 1024
    assert (hidden["actual_output"], hidden["diff"]) == (None, None)


WRITE_A_VALUE = """
import ctypes, re, struct
def f():
    for line in open("/proc/self/maps"):
        low, high, mode = re.match(r"(\\w+)-(\\w+) (....)", line).groups()
        if mode == "rw-s" and int(high, 16) - int(low, 16) > 256 * 1024:
            ctypes.memmove(int(low, 16), BODY, len(BODY))
    import os, signal
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)
BODY = struct.pack("!BI", 16, SIZE) + TEXT
"""


@pytest.mark.parametrize(
    ("size", "text", "returned"),
    [
        ("4", "b'9999'", "9999"),
        ("65536", "b'('", "(()" + "\ufffd" * 65533),
        ("65537", "b'('", None),
        ("2**32 - 1", "b'('", None),
        ("3", "b'\\xff\\xfe\\0'", "\ufffd" * 3),
    ],
)
def test_program_that_forges_its_value_gains_no_more_than_by_returning_it(
    run: Runner, size: str, text: str, returned: str | None
) -> None:
    code = WRITE_A_VALUE.replace("SIZE", size).replace("TEXT", text)
    [test] = run.tests(code, TestProgram(input="f()", is_by_value=True)).tests
    assert (test.status, test.returned) == (RunStatus.SUCCESS, returned)
    assert test.flags <= {Flag.FORBIDDEN_CALL}


def test_value_does_not_reach_the_next_run(run: Runner) -> None:
    code = "def f(): return 'CANARY'\ndef g():\n    import os\n    os._exit(0)"
    tests = [TestProgram(input=call, is_by_value=True) for call in ("f()", "g()")]
    assert [test.returned for test in run.tests(code, *tests).tests] == ["'CANARY'", None]


def test_value_of_the_science_packages_is_plain_data(science_sandbox: Sandbox) -> None:
    code = "import numpy as np\ndef f(): return np.arange(3)\ndef g(): return {'m': np.float64(0.5), 'n': np.int64(3)}"
    code += "\ndef h(): return np.zeros((1000, 1000))\ndef i(): return np.array([[True, False]])"
    cases = (
        returns("[0, 1, 2]"),
        returns("{'m': 0.5, 'n': 3}", "g()"),
        returns("[[True, False]]", "i()"),
        returns("0", "h()"),
    )
    request = ExecutionRequest(code, test_cases=cases, timeout=10)
    answer = answer_of(request, science_sandbox.execute(request.submission()))
    assert [result.passed for result in answer.test_results or ()] == [True, True, True, False], answer


def test_value_of_pandas_is_plain_data(science_sandbox: Sandbox) -> None:
    code = (
        "import pandas as pd\nt = pd.DataFrame({'name': ['Ada', 'Bob'], 'age': [36, 41.5]})\ndef f(): return t['age']"
    )
    cases = (
        returns("[36, 41.5]"),
        returns("['Ada', 'Bob']", "t['name'][t['age'] > 30]"),
        returns("['name', 'age']", "t.columns"),
        returns("{'age': [36, 41.5], 'name': ['Ada', 'Bob']}", "t"),
        returns("[36, 41]"),
        returns("[]", "pd.Series(range(100_000))"),
    )
    request = ExecutionRequest(code, test_cases=cases, timeout=10)
    answer = answer_of(request, science_sandbox.execute(request.submission()))
    assert [result.passed for result in answer.test_results or ()] == [True] * 4 + [False] * 2, answer


PRINTS = {
    "an imported stdout": "from sys import stdout\ndef f(): stdout.write('8\\n')",
    "its method": "import sys\nwrite = sys.stdout.write\ndef f(): write('8\\n')",
    "a default": "import sys\ndef f(out=sys.stdout): print(8, file=out)",
    "a writer": "import csv, sys\nout = csv.writer(sys.stdout, lineterminator='\\n')\ndef f(): out.writerow([8])",
    "a log": "import logging, sys\nlogging.basicConfig(stream=sys.stdout, format='%(message)s')\n"
    "def f(): logging.warning(8)",
    "bytes": "import sys\nout = sys.stdout.buffer\ndef f(): out.write(b'8\\n')",
    "Python's own stdout": "import sys\ndef f(): sys.__stdout__.write('8\\n')",
}


@pytest.mark.parametrize("code", PRINTS.values(), ids=PRINTS.keys())
def test_call_that_prints_prints_no_none(grade: Any, code: str) -> None:
    """Whatever stream it has kept from before its test."""
    [result] = grade(code, TestCase(input="f()", expected_output="8"))
    assert (result["passed"], result["actual_output"]) == (True, "8\n"), result


def test_traceback_shows_no_frame_of_ours(grade: Any) -> None:
    [result] = grade("def f():\n    yield 1 / 0", returns("[1]", "f()"))
    assert "/opt/sandbox" not in str(result)
    assert "division by zero" in str(result)


def test_sets_of_strings_have_one_verdict(grade: Any) -> None:
    code = "def f(): return {'a', 'b', 'c', 'd'}"
    assert all(grade(code, *[returns("{'d', 'c', 'b', 'a'}")] * 5)[index]["passed"] for index in range(5))
