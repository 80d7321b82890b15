"""Rules on a program's text, in real containers: read there, in a process that runs nothing, and judged on the host."""

import time
from dataclasses import replace
from statistics import median
from typing import Any

import pytest

from executions.api.answers import AnswerSerializer
from executions.request import Definition, ExecutionRequest, TestCase
from executions.running.rules import BUILTINS, CONSTRUCTS
from executions.running.service import answer_of
from executions.sandbox.console import Began, Ended, Printed
from executions.sandbox.results import File, Run, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox
from tests.guest.mistakes import SYNTAX
from tests.sandbox.watching import Watched

pytestmark = pytest.mark.docker


@pytest.fixture
def grade(sandbox: Sandbox) -> Any:
    """Return a function that runs a program with test cases and returns its answer."""

    def run(code: str, *cases: TestCase, timeout: int = 8) -> dict[str, Any]:
        request = ExecutionRequest(code, test_cases=cases, timeout=timeout)
        answer: dict[str, Any] = AnswerSerializer(answer_of(request, sandbox.execute(request.submission()))).data
        return answer

    return run


def uses(*words: str) -> TestCase:
    return TestCase(uses=words)


def avoids(*words: str) -> TestCase:
    return TestCase(avoids=words)


def defines(name: str, parameters: int | None = None) -> TestCase:
    return TestCase(defines=(Definition(name, parameters),))


FACTORIAL = "def f(n):\n    return 1 if n < 2 else n * f(n - 1)"
EVEN_AND_ODD = "def even(n):\n    return n == 0 or odd(n - 1)\ndef odd(n):\n    return n != 0 and even(n - 1)"
TREE = "class Tree:\n    def height(self):\n        return 1 + self.left.height()"
SEARCH_TREE = """class Node:
    def __init__(self, value):
        self.value, self.left = value, None
    def insert(self, value):
        if self.left is None:
            self.left = Node(value)
        else:
            self.left.insert(value)
"""
CAR = """class Engine:
    def start(self):
        print('brumm')
class Car:
    def __init__(self):
        self.engine = Engine()
    def start(self):
        self.engine.start()
"""
OWN_SUM = "def sum(numbers):\n    total = 0\n    for n in numbers:\n        total += n\n    return total\nsum([1])"

RULES = [
    # constructs
    ("for n in [1]:\n    pass", uses("for"), True, "Use a for loop."),
    ("n = [m for m in [1]]", uses("for"), False, "Use a for loop."),
    ("n = [m for m in [1]]", uses("list comprehension", "comprehension"), True, None),
    ("n = 1\nwhile n < 2:\n    n += 1", avoids("while"), False, "Do not use a while loop: line 2 does."),
    ("n = 1", avoids("while"), True, "Do not use a while loop."),
    ("if 1:\n    pass\nelif 2:\n    pass", uses("if", "elif"), True, None),
    ("if 1:\n    pass\nelse:\n    if 2:\n        pass", uses("elif"), False, "Use elif."),
    ("if 1:\n    pass\nelif 2:\n    pass", uses("else"), False, "Use else."),
    ("def f():\n    pass", uses("return"), False, "Use return."),
    ("f = lambda: 1", avoids("lambda"), False, "Do not use lambda: line 1 does."),
    ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    pass", uses("try", "except"), True, None),
    ("with open('main.py') as f:\n    pass", uses("with", "open"), True, None),
    ("name = 'Ada'\nprint(f'Hello {name}')", uses("f-string"), True, "Use an f-string."),
    ("for a in [1]:\n    for b in [2]:\n        pass", uses("nested loop"), True, None),
    ("for a in [1]:\n    pass\nfor b in [2]:\n    pass", uses("nested loop"), False, "Use a loop in a loop."),
    ("class A:\n    pass", uses("class"), True, None),
    ("print(7 % 2)", avoids("%"), False, "Do not use the operator %: line 1 does."),
    ("n = 7\nn *= 2", avoids("*"), False, "Do not use the operator *: line 2 does."),
    ("print([1, 2][::-1])", avoids("slice"), False, "Do not use a slice: line 1 does."),
    ("n = 1 if True else 2", uses("conditional expression"), True, None),
    ("n = 1 if True else 2", uses("if"), False, "Use if."),
    # recursion
    (FACTORIAL, uses("recursion"), True, "Use recursion."),
    (EVEN_AND_ODD, uses("recursion"), True, None),
    ("f = lambda n: n and f(n - 1)", avoids("recursion"), False, "Do not use recursion: line 1 does."),
    (TREE, uses("recursion"), True, None),
    (SEARCH_TREE, uses("recursion"), True, None),
    (CAR, uses("recursion"), False, "Use recursion."),
    ("class A:\n    def append(self, x):\n        self.x.append(x)", uses("recursion"), False, "Use recursion."),
    ("class A:\n    def __init__(self):\n        super().__init__()", avoids("recursion"), True, None),
    ("def f(f):\n    return f(1)", avoids("recursion"), True, None),
    ("def f():\n    g = f\n    return g()", avoids("recursion"), False, "Do not use recursion: line 1 does."),
    # builtins, and what else they are called
    ("x = 1\n\nprint(sum([1]))", avoids("sum"), False, "Do not use sum(): line 3 does."),
    ("s = sum\ns([1])", avoids("sum"), False, "Do not use sum(): line 1 does."),
    ("import builtins as b\nb.sum([1])", avoids("sum"), False, "Do not use sum(): line 2 does."),
    ("from builtins import sum as s", avoids("sum"), False, "Do not use sum(): line 1 does."),
    ("__builtins__.sum([1])", avoids("sum"), False, "Do not use sum(): line 1 does."),
    ("getattr(__builtins__, 'sum')([1])", avoids("sum"), False, "Do not use sum(): line 1 does."),
    ("vars(__import__('builtins'))['sum']([1])", avoids("sum"), False, "Do not use sum(): line 1 does."),
    ("globals()['__builtins__'].__dict__['sum']", avoids("sum"), False, "Do not use sum(): line 1 does."),
    ("\uff53\uff55\uff4d([1])", avoids("sum"), False, "Do not use sum(): line 1 does."),
    ("g, n = getattr, 1\ng(__builtins__, 'sum')([1])", avoids("sum"), False, "Do not use sum(): line 2 does."),
    ("t = r = sum\nu = r", uses("sum"), True, None),
    (OWN_SUM, avoids("sum"), True, "Do not use sum()."),
    (OWN_SUM, uses("sum"), False, "Use sum()."),
    ("def f(sum):\n    return sum", avoids("sum"), True, None),
    ("def main():\n    return max(1)\ndef max(x):\n    return x\nmain()", avoids("max"), True, None),
    ("print(sum([1]))\ndef sum(x):\n    pass", avoids("sum"), False, "Do not use sum(): line 1 does."),
    ("def f():\n    return sum([1])\nf()\nsum = 1", avoids("sum"), False, "Do not use sum(): line 2 does."),
    ("sum = 1\ndel sum\nsum([1])", avoids("sum"), False, "Do not use sum(): line 3 does."),
    ("if 1 > 2:\n    sum = 1\nsum([1])", avoids("sum"), False, "Do not use sum(): line 3 does."),
    ("print('sum')  # sum", avoids("sum"), True, None),
    # modules and methods
    ("import os", avoids("import os"), False, "Do not import os: line 1 does."),
    ("from os import path", avoids("import os"), False, "Do not import os: line 1 does."),
    ("import os.path as p", avoids("import os"), False, "Do not import os: line 1 does."),
    ("try: __import__('def f')\nexcept: pass", uses("def f"), False, "Use def f."),
    ("try: __import__('recursion')\nexcept: pass", uses("recursion"), False, "Use recursion."),
    ("try: import recursion\nexcept: recursion", uses("recursion"), False, "Use recursion."),
    ("@print\nasync def f(): pass", avoids("decorator"), False, "Do not use a decorator: line 2 does."),
    ("async def f():\n    async for n in f(): pass\n    else: pass", uses("else"), True, None),
    ("__import__('os')", avoids("import os"), False, "Do not import os: line 1 does."),
    ("from importlib import import_module as i\ni('os')", avoids("import os"), False, "Do not import os: line 2 does."),
    ("import math", uses("import math"), True, "Import math."),
    ("import math", avoids("import"), False, "Do not use import: line 1 does."),
    ("import os as o\no.getcwd()", avoids("os.getcwd"), False, "Do not use os.getcwd: line 2 does."),
    ("from os import getcwd as x", avoids("os.getcwd"), False, "Do not use os.getcwd: line 1 does."),
    ("from math import *\nsqrt(4)", uses("math.sqrt"), True, "Use math.sqrt."),
    ("import math\nm = math\nn = m\nn.sqrt(4)", uses("math.sqrt"), True, None),
    ("[2, 1].sort()", avoids(".sort"), False, "Do not use the method .sort(): line 1 does."),
    ("getattr([2, 1], 'sort')()", avoids(".sort"), False, "Do not use the method .sort(): line 1 does."),
    ("sorted([2, 1])", avoids(".sort"), True, None),
    # definitions
    ("def add(a, b):\n    pass", defines("add", 2), True, "Define a function add with 2 parameters."),
    ("def add(a, b, c):\n    pass", defines("add", 2), False, "Define a function add with 2 parameters: yours has 3."),
    ("def Add(a, b):\n    pass", defines("add", 2), False, "Define a function add with 2 parameters."),
    ("def add(*numbers, **others):\n    pass", defines("add", 2), True, None),
    ("add = lambda a: a", defines("add", 1), True, "Define a function add with 1 parameter."),
    ("def main():\n    pass", defines("main", 0), True, "Define a function main with no parameters."),
    ("class A:\n    def add(self):\n        pass", defines("add"), False, "Define a function add."),
    ("def add():\n    pass\ndef add(a):\n    pass", defines("add", 1), True, None),
]


@pytest.mark.parametrize(("code", "case", "passes", "sentence"), RULES, ids=lambda value: str(value)[:40])
def test_each_rule(grade: Any, code: str, case: TestCase, passes: bool, sentence: str | None) -> None:
    [result] = grade(code, case)["test_results"]
    assert (result["passed"], result["status"]) == (passes, "success"), result
    if sentence is not None:
        assert result["message"] == f"{'✅ Test passed' if passes else '❌ Test failed'}: {sentence}"


def test_table_of_rules_is_as_long_as_promised() -> None:
    assert len(RULES) >= 40


EVERYTHING = '''"""A docstring."""
import asyncio
@print
def f(a: int = 1):
    global g
    def h():
        nonlocal a
        a = 1
    yield 1
    return
async def k():
    await k()
    async for x in y: pass
for a in b:
    while c:
        break
    else: continue
if 1: pass
elif 2: assert 3
else: del b
try: raise X
except X: pass
finally: pass
with a: pass
match a:
    case 1: pass
class A: pass
lambda: (a if b else c, [1], {1: 2}, {1}, a[1:2], f"{a}", (a := 1))
[a for a in b], {a for a in b}, {a: a for a in b}, (a for a in b)
a and b or not c, a in b, a not in b, a is b, a is not b
a + b - c * d / e // f % g ** h @ i & j | k ^ ~l << m >> n
a == b, a != c, a < b, a <= b, a > b, a >= b
a += 1; a -= 1; a *= 1; a /= 1; a //= 1; a %= 1; a **= 1; a @= 1; a &= 1; a |= 1; a ^= 1; a <<= 1; a >>= 1
for a in b:
    for c in d: pass
def r(): r()
'''


def test_every_construct_is_found(grade: Any) -> None:
    """A word that the container did not know would never be used."""
    words = sorted(CONSTRUCTS)
    cases = [uses(*words[start : start + 20]) for start in range(0, len(words), 20)]
    results = grade(EVERYTHING, *cases)["test_results"]
    assert [result["message"] for result in results if not result["passed"]] == []
    results = grade("", *(avoids(*case.uses) for case in cases))["test_results"]
    assert [result["message"] for result in results if not result["passed"]] == []


def test_every_builtin_is_found(grade: Any) -> None:
    words = sorted(BUILTINS)
    cases = [uses(*words[start : start + 20]) for start in range(0, len(words), 20)]
    results = grade("\n".join(f"if 0: {word}" for word in words), *cases)["test_results"]
    assert [result["message"] for result in results if not result["passed"]] == []


def test_a_rule_is_judged_though_the_program_never_ends(grade: Any) -> None:
    answer = grade("while True:\n    pass", uses("for"), avoids("while"), timeout=1)
    assert answer["status"] == "timeout"
    messages = [result["message"] for result in answer["test_results"]]
    assert messages == [
        "❌ Test failed: Use a for loop.",
        "❌ Test failed: Do not use a while loop: line 1 does.",
    ]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("for n in [1]\n    pass", "The program cannot be read: SyntaxError in line 1: expected ':'."),
        ("x = 1\nreturn x", "The program cannot be read: SyntaxError in line 2: 'return' outside function."),
        ("if 1:\npass", "IndentationError in line 2: expected an indented block after 'if' statement on line 1."),
    ],
)
def test_a_syntax_error_fails_every_rule_with_its_sentence(grade: Any, code: str, sentence: str) -> None:
    answer = grade(code, uses("for"), avoids("while"), defines("f"))
    for result in answer["test_results"]:
        assert (result["passed"], result["status"]) == (False, "error")
        assert result["message"].startswith("❌ Test failed: ")
        assert result["message"].endswith(sentence)
        assert result["error_detail"] == answer["error_detail"]


HOSTILE = """
import ast, builtins, gc, os, sys
open('/tmp/ast.py', 'w').write('raise SystemExit(0)')
ast.parse = lambda *_: ast.Module([], [])
for name, module in list(sys.modules.items()):
    if name.startswith('guest'):
        for each in list(vars(module)):
            try: setattr(module, each, None)
            except Exception: pass
print('1 0\\n' * 50)
os.write(1, b'0 0\\n' * 50)
while True: pass
"""


def test_deny_a_program_its_own_verdict(grade: Any) -> None:
    """Whatever the program does, before and between the tests, it has been read before it began."""
    cases = [avoids("while"), uses("lambda"), uses("recursion"), TestCase(input="1 +", expected_output="2")]
    results = grade(HOSTILE, *cases, timeout=1)["test_results"]
    assert [result["passed"] for result in results] == [False, True, False, False]
    assert results[0]["message"] == "❌ Test failed: Do not use a while loop: line 12 does."
    [result] = grade("print(sum([1]))", avoids("sum"))["test_results"]  # nor that of the next program
    assert result["passed"] is False


HUGE = {
    "parentheses": "(" * 30000 + ")" * 30000,
    "minuses": "-" * 60000 + "1",
    "sum": "1" + "+1" * 30000,
    "attributes": "a" + ".b" * 30000,
    "calls": "f" + "()" * 30000,
    "lists": "[]," * 21000,
    "names": "x;" * 32000,
    "functions": "def f():0\n" * 6500,
    "endless alias": "a=a.b\n" * 10000,
    "alias of alias": "a=b\nb=a.c\n" * 6000,
    "backward chain": "\n".join(f"a{n}=a{n + 1}" for n in range(4000)) + "\na4000=sum",
    "chain of calls": "\n".join(f"def f{n}():f{n + 1}" for n in range(3000)) + "\ndef f3000():f0",
    "loops": "\n".join(" " * n + "for x in y:" for n in range(90)) + "\n" + " " * 90 + "pass",
    "lambdas": "lambda:" * 5000 + "1",
    "a long number": "9" * 60000,
    "comprehensions": "[x for x in " * 150 + "y" + "]" * 150,
}


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_or_deep_program_is_judged_or_fails_with_a_reason(grade: Any, sandbox: Sandbox, name: str) -> None:
    answer = grade("0\nif 0:\n  0\nraise ValueError\n" + HUGE[name], uses("raise"), avoids("while"), timeout=10)
    for result in answer["test_results"]:
        assert result["status"] in ("success", "error", "timeout", "memory_limit"), result
        assert result["passed"] is (result["status"] == "success"), result
        assert result["passed"] or result["error_detail"], result
    assert answer["status"] in ("error", "timeout", "memory_limit")  # of the program itself
    assert sandbox.health().ready


def test_a_hidden_rule_says_nothing_but_what_the_teacher_says(grade: Any) -> None:
    case = TestCase(avoids=("sum",), hidden=True, on_fail="Add them up yourself.", points=2, name="secret")
    [result] = grade("sum([1])", case)["test_results"]
    assert result["message"] == "❌ Test failed"
    assert result["feedback"] == "Add them up yourself."
    assert [result[name] for name in ("name", "input", "actual_output", "error_detail", "points")] == [None] * 5
    assert result["execution_time"] == 0


def test_rules_and_other_tests_have_their_own_results(grade: Any) -> None:
    cases = [
        TestCase(input="add(1, 2)", expected_output="3"),
        uses("return"),
        TestCase(avoids=("sum",), hidden=True),
        TestCase(expected_output="hello"),
        defines("add", 3),
        TestCase(code="print(add(2, 2))", expected_output="4"),
    ]
    answer = grade("def add(a, b):\n    return a + b\nprint('hello')", *cases)
    assert [result["passed"] for result in answer["test_results"]] == [True, True, True, True, False, True]
    assert answer["output"] == "hello\n"


UNREADABLE = [
    *[mistake.of for mistake in SYNTAX[::12] if isinstance(mistake.of, str)],
    "if 1:\nprint(1)",
    "\tif 1:\n        x\n\ty",
    'x = "\\d"\nprint(',
    "1 is 1\nbreak",
    "\x0cx = (",
    "é = 1 +\n",
]
OTHERS = (
    TestProgram(code="print(f(1))"),
    TestProgram(input="f(2)"),
    TestProgram(input="f(1)[0] + (2)"),
    TestProgram(input="7"),
    TestProgram(stdin="x", hidden=True),
    TestProgram(input="f(1)", is_by_value=True),
    TestProgram(unittest="import unittest"),
    TestProgram(doctest=True),
)


def apart_from_figures(run: Run) -> Run:
    return replace(run, wall_seconds=0, delayed_seconds=0, cpu_seconds=0, memory_peak_kb=0)


@pytest.mark.parametrize("code", UNREADABLE)
def test_a_program_that_cannot_be_read_ends_as_without_rules(sandbox: Sandbox, code: str) -> None:
    rule = TestProgram(words=("for",))
    main, _, *others = sandbox.execute(Submission(code, "", (rule, *OTHERS), 8)).runs
    without = sandbox.execute(Submission(code, "", OTHERS, 8)).runs
    assert [apart_from_figures(run) for run in (main, *others)] == [apart_from_figures(run) for run in without]


def test_a_program_that_cannot_be_read_is_read_once(sandbox: Sandbox) -> None:
    """Its runs share what that took."""
    outcome = sandbox.execute(Submission("print('a", "", (TestProgram(words=("for",)), *OTHERS), 8))
    for name in ("wall_seconds", "cpu_seconds", "memory_peak_kb"):
        assert len({getattr(run, name) for run in outcome.runs}) == 1
    read_once = outcome.cpu_seconds - outcome.asking_cpu_seconds
    assert 0 < outcome.main.cpu_seconds == pytest.approx(read_once / len(outcome.runs))


def test_whoever_watches_a_program_that_cannot_be_read_sees_the_error(sandbox: Sandbox) -> None:
    watched = Watched(sandbox, "print('a", tests=(TestProgram(words=("for",)), TestProgram(stdin="")))
    outcome = watched.finish()
    assert watched.events == [Began(), Printed("stderr", outcome.main.stderr), *map(Ended, outcome.runs)]
    assert outcome.main.stderr.endswith("SyntaxError: unterminated string literal (detected at line 1)\n")


def test_files_of_a_program_that_cannot_be_read_come_back(sandbox: Sandbox) -> None:
    tests = (TestProgram(words=("for",)), TestProgram(stdin=""))
    scores = File("scores.csv", b"3\n5\n")
    outcome = sandbox.execute(Submission("print('a", "", tests, 8, files=(scores,), collect=("scores.csv",)))
    assert outcome.main.collected == (scores,)
    assert [run.raised for run in outcome.runs] == ["SyntaxError"] * 3


def test_a_program_that_raises_a_syntax_error_runs(grade: Any) -> None:
    code = "def f():\n    return 1\nif not input():\n    raise SyntaxError"
    answer = grade(code, avoids("while"), TestCase(stdin="x\n", expected_output=""))
    assert answer["error_detail"]["type"] == "EOFError"
    assert [result["passed"] for result in answer["test_results"]] == [True, True]


def test_a_rule_costs_little(sandbox: Sandbox) -> None:
    """About what the program itself costs, as docs/decisions/0041-rules.md says; the bound is generous."""
    request = ExecutionRequest(OWN_SUM, test_cases=(uses("for"), avoids("sum")), timeout=8)
    ratios = []
    for _ in range(9):
        time.sleep(0.2)  # as long as a learner's container has waited: it has loaded `ast` then
        outcome = sandbox.execute(request.submission())
        ratios.append(sum(run.cpu_seconds for run in outcome.tests) / outcome.main.cpu_seconds)
    assert median(ratios) < 5, ratios
