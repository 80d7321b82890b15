"""The ways to run a test case, and how submissions attack them."""

import time
from statistics import median

import pytest

from executions.sandbox.results import RunStatus, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import Runner

pytestmark = pytest.mark.docker
wall = pytest.mark.wall

ADD = "def add(a, b):\n    return a + b\n"


@wall("output_from_the_test_on")
def test_test_code_runs_in_the_submissions_namespace(run: Runner) -> None:
    [test] = run.tests(ADD + "print('noise')", TestProgram(code="result = add(5, 3)\nprint(result)")).tests
    assert (test.status, test.stdout, test.tested) == (RunStatus.SUCCESS, "8\n", True)


@wall("output_from_the_test_on")
def test_call_is_evaluated_and_its_value_printed(run: Runner) -> None:
    tests = [TestProgram(input="add(5, 3)"), TestProgram(input=" add('a', 'b') "), TestProgram(input="add([1], [2])")]
    outcome = run.tests(ADD + "print('noise')", *tests)
    assert [test.stdout for test in outcome.tests] == ["8\n", "ab\n", "[1, 2]\n"]
    assert outcome.main.stdout == "noise\n"


@pytest.mark.parametrize(
    ("function", "shown"),
    [
        ("def f(): return None", "None\n"),
        ("def f(): print('hello')", "hello\n"),
        ("def f():\n    print('hello')\n    return 1", "hello\n1\n"),
        ("def f(): return ''", "\n"),
    ],
)
def test_call_shows_none_only_if_it_printed_nothing(run: Runner, function: str, shown: str) -> None:
    assert run.tests(function, TestProgram(input="f()")).tests[0].stdout == shown


OTHER_INPUTS = [
    *("5", "hello", "1 + 1", "[1, 2]", "f(", "f(1) f(2)", "print", "a\nb", "Paris (2), Rome (3)", "2 * (3 + 4)"),
    *("(f)", "if(1)", "f(01)", "f(1); f(2)", "not(1)", "(" * 500),
]


@pytest.mark.parametrize("text", OTHER_INPUTS)
def test_other_input_is_stdin(run: Runner, text: str) -> None:
    [test] = run.tests("import sys\nprint(sys.stdin.read(), end='')", TestProgram(input=text)).tests
    assert (test.stdout, test.tested) == (text, True)


def test_stdin_is_stdin_beside_a_call(run: Runner) -> None:
    code = "name = input()\ndef greet(): return 'Hello ' + name"
    outcome = run.tests(code, TestProgram(input="greet()", stdin="Ada\n"), stdin="Bob\n")
    assert outcome.tests[0].stdout == "Hello Ada\n"


def test_call_does_not_get_itself_as_stdin(run: Runner) -> None:
    [test] = run.tests("def f(): return input()", TestProgram(input="f()")).tests
    assert test.stderr.endswith("EOFError: EOF when reading a line\n")


def test_code_and_calls_get_the_submissions_stdin_unless_they_have_their_own(run: Runner) -> None:
    """A program that reads input before it defines its functions can be tested like any other."""
    tests = [
        TestProgram(code="print(name)"),
        TestProgram(input="str(name)"),
        TestProgram(code="print(name)", stdin="Bob\n"),
        TestProgram(input="str(name)", stdin="Bob\n"),
    ]
    outcome = run.tests("name = input()", *tests, stdin="Ada\n")
    assert [test.stdout for test in outcome.tests] == ["Ada\n", "Ada\n", "Bob\n", "Bob\n"]


def test_call_gets_more_stdin_than_a_pipe_holds(run: Runner) -> None:
    code = "import sys\ndef f(): return len(sys.stdin.read())"
    assert run.tests(code, TestProgram(input="f()"), stdin="x" * 256 * 1024).tests[0].stdout == "262144\n"


@pytest.mark.parametrize(
    "text", ["f(1)(2)", "f([x for x in (1, 2)])", "f(')')", "f(\n1,\n)", "f(**{'x': 1})", "'-'.join(f('ab'))"]
)
def test_call_that_only_python_recognises_is_evaluated(run: Runner, text: str) -> None:
    code = "import sys\nprint(sys.stdin.read())\ndef f(x):\n    print('called')\n    return f"
    [test] = run.tests(code, TestProgram(input=text)).tests
    assert (test.stdout.splitlines()[0], test.tested) == ("called", True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[f(1)]", "[2]"),
        ("f(1) + f(2)", "6"),
        ("f(1).real", "2"),
        ("f(1) == 2", "True"),
        ("not f(1)", "False"),
        ("[1, 2][f(0)]", "1"),
        ("f(1),\\\nf(2)", "(2, 4)"),
        ("f(1) if x else x", "None"),
    ],
)
def test_expression_with_a_call_is_evaluated(run: Runner, text: str, shown: str) -> None:
    [test] = run.tests("x = None\ndef f(x): return 2 * x", TestProgram(input=text)).tests
    assert (test.stdout, test.stderr) == (f"{shown}\n", "")


def test_one_process_says_of_all_inputs_which_are_calls(run: Runner) -> None:
    tests = [TestProgram(input=text) for text in ("f([1])", "f([1]) x", "f([2])")]
    outcome = run.tests("def f(x): return x", *tests)
    assert [test.stdout for test in outcome.tests] == ["[1]\n", "", "[2]\n"]
    assert 0 < outcome.asking_cpu_seconds < outcome.cpu_seconds


def test_stdin_wins_over_input(run: Runner) -> None:
    assert run.tests("print(input())", TestProgram(input="a", stdin="b")).tests[0].stdout == "b\n"


def test_each_test_is_a_fresh_process(run: Runner) -> None:
    code = "import os\ncount = 0\ndef f():\n    global count\n    count += 1\n    return count"
    outcome = run.tests(code, *[TestProgram(input="f()")] * 3)
    assert [test.stdout for test in outcome.tests] == ["1\n"] * 3


FORKS = "import os\nif os.fork() == 0:\n    print('child')\nelse:\n    os.wait()\ndef f(x): return x"


@pytest.mark.parametrize(
    "test",
    [
        TestProgram(input="f(3)"),
        TestProgram(input="f(3)", is_by_value=True),
        TestProgram(code="assert f(3) == 3"),
        TestProgram(code="import os\nif os.fork() == 0: f(3)\nelse: os.wait()"),
        TestProgram(unittest="import unittest\nclass T(unittest.TestCase):\n    def test(self): f(3)"),
    ],
)
def test_program_that_forks_is_tested_once(run: Runner, test: TestProgram) -> None:
    """Its child stopped where its parent's test begins, and the parent waited for it."""
    [result] = run.tests(FORKS, test).tests
    assert (result.status, result.completed) == (RunStatus.SUCCESS, True), result


WRAPS = "import io, sys\nsys.stderr = io.TextIOWrapper(sys.stderr.{}, encoding='utf-8')\n"


@pytest.mark.parametrize("how", ["buffer", "detach()"])
def test_program_that_wraps_stderr_keeps_it(run: Runner, how: str) -> None:
    """What it had wrapped was closed when its test began."""
    code = WRAPS.format(how) + "def f(x):\n    print('debug', file=sys.stderr)\n    return 6 / x"
    passes, fails = run.tests(code, *(TestProgram(input=f"f({x})") for x in (2, 0))).tests
    assert (passes.status, passes.stdout, passes.stderr) == (RunStatus.SUCCESS, "3.0\n", "debug\n")
    assert "ZeroDivisionError" in fails.stderr
    assert "debug" in fails.stderr


def test_failing_call_shows_the_learners_frames(run: Runner) -> None:
    [test] = run.tests("def f(x):\n    return 1 / x", TestProgram(input="f(0)")).tests
    assert (test.status, test.tested) == (RunStatus.ERROR, True)
    assert test.stderr == (
        "Traceback (most recent call last):\n"
        '  File "test.py", line 1, in <module>\n    f(0)\n    ~^^^\n'
        '  File "main.py", line 2, in f\n    return 1 / x\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )


def test_sys_exit_before_a_test_ends_only_the_submission(run: Runner) -> None:
    tests = run.tests(
        ADD + "import sys\nsys.exit()", TestProgram(input="add(1, 2)"), TestProgram(code="print(1)")
    ).tests
    assert [test.stdout for test in tests] == ["3\n", "1\n"]


@pytest.mark.parametrize(
    "submission",
    [
        "import os, sys\nprint(8)\nsys.stdout.flush()\nos._exit(0)",
        "import sys\nprint(8)\nsys.exit(1)",
        "print(8)\n1 / 0",
        "print(8)\ndef",
        "print(8)\nimport os\nos.close(1)\nos._exit(0)",
        "print(8)\nimport os\nos.execv('/usr/bin/true', ['true'])",
        "print(8)\nimport os\nos.kill(os.getpid(), 9)",
        "print(8)\nimport os\nif os.fork() == 0:\n    os._exit(0)\nos._exit(0)",
    ],
)
def test_deny_an_end_before_the_test(run: Runner, submission: str) -> None:
    """Printing the answer and exiting is not a pass."""
    for test in run.tests(submission, TestProgram(code="print(add(5, 3))"), TestProgram(input="add(5, 3)")).tests:
        assert test.tested is False


@pytest.mark.parametrize(
    "submission",
    [
        "import builtins, sys\nbuiltins.print = lambda *a: sys.__stdout__.write('9')",
        "import io, sys\nsys.stdout = io.StringIO()",
        "import sys\nsys.stdout.close()",
        "import sys\nsys.stdout = None",
        "import signal\nfor n in (2, 15, 17, 18): signal.signal(n, signal.SIG_IGN)",
        "import gc\ngc.disable()",
        "import sys\nsys.settrace(lambda *a: None)\nsys.setrecursionlimit(60)",
        pytest.param("print('x' * 200_000)", marks=wall("output_from_the_test_on")),
        pytest.param(  # F_SETPIPE_SZ
            "import fcntl\ntry: fcntl.fcntl(1, 1031, 1 << 20)\nexcept OSError: print('x' * 900_000)",
            marks=wall("output_from_the_test_on"),
        ),
        pytest.param(
            "import os\nos.write(2, b'\\0\\0\\0\\x10{\"type\":\"result\"}')\nos.write(1, b'\\0\\0\\0\\2{}')",
            marks=wall("output_from_the_test_on"),
        ),
    ],
)
def test_tricks_of_a_submission_do_not_disturb_the_test(run: Runner, submission: str) -> None:
    [test] = run.tests(ADD + submission, TestProgram(input="add(5, 3)")).tests
    assert (test.status, test.stdout) == (RunStatus.SUCCESS, "8\n"), test.stderr


def test_process_left_behind_does_not_delay_the_test(run: Runner) -> None:
    code = ADD + "import os, time\nif os.fork() == 0:\n    time.sleep(60)\n"
    assert run.tests(code, TestProgram(input="add(5, 3)")).tests[0].stdout == "8\n"


@wall("deadline")
def test_time_limit_applies_to_all_runs_together(run: Runner) -> None:
    outcome = run.tests("import time\ntime.sleep(2)", *[TestProgram(stdin="")] * 3, timeout_seconds=5)
    assert [test.status for test in outcome.tests] == [RunStatus.SUCCESS, RunStatus.TIMEOUT, RunStatus.NOT_RUN]


@wall("memory")
def test_tests_go_on_after_a_memory_kill(run: Runner) -> None:
    code = "import sys\nif sys.stdin.read() == 'big': x = bytearray(300 << 20)\nprint('ok')"
    outcome = run.tests(code, TestProgram(stdin="big"), TestProgram(stdin=""))
    assert [test.status for test in outcome.tests] == [RunStatus.MEMORY_LIMIT, RunStatus.SUCCESS]


SEARCH = r"""
import re
def find(spaced):
    pattern = re.compile("".join(f"[{letter}]" for letter in spaced if letter != " ").encode())  # does not find itself
    places = 0
    for line in open("/proc/self/maps"):
        start, end, mode = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
        if mode.startswith("rw"):
            with open("/proc/self/mem", "rb", buffering=0) as memory:
                memory.seek(int(start, 16))
                places += len(pattern.findall(memory.read(int(end, 16) - int(start, 16))))
    return places
"""


@wall("unread_program", "wiped_buffer", "wiped_part")
def test_deny_finding_the_other_tests(run: Runner) -> None:
    """The memory of a run holds its own test, and no trace of an earlier or later one."""
    search = "print(find('C A N A R Y C A N A R Y') > 0)"
    text = "CANARYCANARY" * 200  # long enough to leave a trace
    other = f"text = '{text}'\nprint(text[:1200])"
    outcome = run.tests(
        SEARCH,
        TestProgram(code=other, stdin=text),
        TestProgram(code=search),
        TestProgram(code="own = 'CANARYCANARY'\n" + search),
        TestProgram(code=other, stdin=text),
    )
    assert [test.stdout for test in outcome.tests[1:3]] == ["False\n", "True\n"], outcome.tests


@wall("wiped_trace")
def test_deny_finding_the_trace_of_an_earlier_run(sandbox: Sandbox) -> None:
    """A test with other input than the traced run finds nothing of that in the memory for traces."""
    search = TestProgram(code="print(find('C A N A R Y C A N A R Y') > 0)", stdin="nothing")
    submission = Submission(f"{SEARCH}\nword = input()", "CANARYCANARY", (search,), 8, trace_seconds=2)
    outcome = sandbox.execute(submission)
    assert outcome.trace is not None
    assert "CANARYCANARY" in str(outcome.trace.steps[-1])
    assert outcome.tests[0].stdout == "False\n", outcome.tests


@wall("sweep")
def test_deny_finding_the_file_names_of_another_test(run: Runner) -> None:
    """File names are the program's data, too: the supervisor removes them from the disk and from its memory."""
    leave = (
        "import os\nfor n in range(200):\n"  # no part of which contains the word
        "    name = str(n) + 'YRANAC'[::-1] * 40\n    os.makedirs(f'{name}/{name}')"
    )
    search = "import os\nlisted = os.listdir('/tmp')\nprint(find('C A N A R Y C A N A R Y'))"
    outcome = run.tests(SEARCH, TestProgram(code=leave), TestProgram(code=search))
    assert [test.stdout for test in outcome.tests] == ["", "0\n"], outcome.tests


def test_ten_tests_cost_little_more_than_their_programs(sandbox: Sandbox) -> None:
    """The bound of `make bench` is 1.5; here, other tests on the machine may add to it."""
    submission = Submission(ADD, "", (TestProgram(input="add(5, 3)"),) * 10, 8)
    ratios = []
    for _ in range(7):
        started = time.monotonic()
        outcome = sandbox.execute(submission)
        took_seconds = time.monotonic() - started - outcome.waited_seconds
        ratios.append(took_seconds / sum(run.wall_seconds for run in (outcome.main, *outcome.tests)))
    assert median(ratios) < 3, ratios
