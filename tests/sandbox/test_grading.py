"""Submissions that attack their own verdict, run in real containers and judged by the service's judge."""

import json
from typing import Any

import pytest

from executions.api.answers import AnswerSerializer
from executions.request import ExecutionRequest, TestCase
from executions.running.service import answer_of
from executions.sandbox.sandbox import Sandbox
from guest import protocol
from tests.sandbox.test_tests import SEARCH

pytestmark = pytest.mark.docker
wall = pytest.mark.wall

Answer = dict[str, Any]

EXERCISE = (
    TestCase(code="print(add(5, 3))", expected_output="8"),
    TestCase(input="add(2, 2)", expected_output="4"),
    TestCase(code="assert add(1, 1) == 2"),
    TestCase(input="add(20, 22)", expected_output="42", hidden=True),
)
RIGHT = "def add(a, b):\n    return a + b\n"
WRONG = "def add(a, b):\n    return None\n"


class Grader:
    """Runs a submission with test cases and returns the response of `POST /execute`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __call__(self, code: str, *cases: TestCase, timeout: int = 8) -> Answer:
        request = ExecutionRequest(code, test_cases=cases or EXERCISE, timeout=timeout)
        outcome = self._sandbox.execute(request.submission())
        return AnswerSerializer(answer_of(request, outcome)).data


@pytest.fixture
def grade(sandbox: Sandbox) -> Grader:
    return Grader(sandbox)


def verdicts(answer: Answer) -> list[bool]:
    """Return the verdicts of a response, which must be well formed."""
    json.dumps(answer, allow_nan=False).encode()
    results = answer["test_results"]
    assert all(isinstance(result["passed"], bool) for result in results)
    assert all(result["message"].startswith("✅" if result["passed"] else "❌") for result in results)
    return [result["passed"] for result in results]


FRAMES = "import os, struct\nresult = struct.pack('!BhBddQ?I', 0, 0, 0, 0.1, 0.1, 1000, False, 1)\n"
FRAMES += f"for kind in {(*protocol.KINDS, 255)}:\n    for body in (b'', b'8\\n', result):\n        for fd in (1, 2):\n"
FRAMES += "            os.write(fd, struct.pack('!BI', kind, len(body)) + body)\n"


@pytest.mark.parametrize(
    "attack",
    [
        FRAMES,
        FRAMES + "os._exit(0)",
        "import os\nfor fd in (0, 1, 2): os.close(fd)",
        pytest.param("import os\nos.write(1, b'8\\n4\\n42\\n' * 100_000)", marks=wall("output_from_the_test_on")),
        "import os\nos.write(1, b'8\\n4\\n42\\n'); os._exit(0)",
        "import os\nos._exit(137)",
        pytest.param(
            "import atexit, os\natexit.register(os._exit, 0)\natexit.register(print, 8)", marks=wall("completed_test")
        ),
        "import os\nos.fork = os._exit = lambda *a: 0\nprint(8)",
        pytest.param(
            "import os\nends, begins = os.pipe()\nif os.fork(): os.read(ends, 1); os._exit(0)\n"
            "print(8, flush=True)\nos.write(begins, b'.')",
            marks=wall("begun_test"),
        ),
        "import os\nif os.fork() == 0: print(8); os._exit(0)\nos.wait(); os.kill(os.getpid(), 9)",
        "import os\nfor n in (9, 15, 17, 18, 19):\n    try: os.kill(1, n)\n    except OSError: pass\nprint(8)",
        "import os\nos.kill(-1, 9)",
        "import ctypes\nlibc = ctypes.CDLL(None)\nfor call in (0, 16, 0x4206): libc.ptrace(call, 1, 0, 0)\nprint(8)",
        "import sys\nsys.excepthook = lambda *a: print(8)\n1 / 0",
        "import signal, os\nsignal.signal(signal.SIGTERM, lambda *a: print(8))\nos.kill(os.getpid(), 15)",
        pytest.param("import os\nos.execv('/usr/bin/echo', ['echo', '8'])", marks=wall("begun_test")),
        "import sys\nprint(8)\nsys.exit('✅ Test passed')",
        "raise SystemExit(8)",
        "print(8); import time; time.sleep(60)",
        "print(8); x = bytearray(300 << 20)",
        "while True: print(8)",
    ],
    ids=range(21),
)
def test_deny_a_pass_without_an_answer(grade: Grader, attack: str) -> None:
    assert verdicts(grade(WRONG + attack, timeout=4)) == [False] * 4


@wall("begun_test")
@pytest.mark.parametrize("ending", ["import os\nos._exit(0)", "import os\nos.execv('/usr/bin/true', ['true'])"])
def test_deny_a_pass_to_a_test_that_never_began(grade: Grader, ending: str) -> None:
    """The submission itself printed the expected output and ended without error."""
    cases = (TestCase(code="print(add(5, 3))", expected_output="8"), TestCase(code="assert add(5, 3) == 8"))
    assert verdicts(grade(f"print(8, flush=True)\n{ending}", *cases)) == [False] * 2


DIVISIONS = (
    TestCase(input="divide(1, 0)", expected_output="ZeroDivisionError"),
    TestCase(code="divide(1, 0)", expected_output="ZeroDivisionError: division by zero"),
)


@wall("begun_test")
@pytest.mark.parametrize("ending", ["1 / 0", "raise ZeroDivisionError('division by zero')"])
def test_deny_a_pass_to_an_expected_exception_that_came_before_the_test(grade: Grader, ending: str) -> None:
    assert verdicts(grade(ending, *DIVISIONS)) == [False] * 2


WRITTEN = "import os, sys\nsys.stderr.write('Traceback:\\nZeroDivisionError: division by zero\\n')\n"


@pytest.mark.parametrize(
    "ending",
    [
        f"{WRITTEN}os._exit(1)",
        f"{WRITTEN}def divide(a, b): os._exit(1)",
        "import sys\nsys.exit('ZeroDivisionError: division by zero')",
        "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start(); t.join()\nraise SystemExit(1)",
    ],
    ids=["written", "written before", "said at the end", "in a thread"],
)
def test_deny_a_pass_to_an_exception_that_only_appears_before_the_test(grade: Grader, ending: str) -> None:
    """Two walls: it came before the test, and no exception of this type ended the run."""
    assert verdicts(grade(ending, *DIVISIONS)) == [False] * 2


@wall("exceptions_as_raised")
@pytest.mark.parametrize(
    "body",
    [
        "import sys, os; sys.stderr.write('ZeroDivisionError: division by zero\\n'); os._exit(1)",
        "import sys; sys.exit('ZeroDivisionError: division by zero')",
        "import sys; sys.excepthook = lambda *_: sys.stderr.write('ZeroDivisionError: division by zero'); int('a')",
        "import atexit, sys; atexit.register(print, 'ZeroDivisionError: division by zero', file=sys.stderr); int('a')",
    ],
    ids=["written", "said at the end", "by a hook", "at exit"],
)
def test_deny_a_pass_to_an_exception_that_is_only_written(grade: Grader, body: str) -> None:
    assert verdicts(grade(f"def divide(a, b):\n    {body}", *DIVISIONS)) == [False] * 2


@wall("exceptions_as_raised")
def test_deny_a_pass_to_a_program_that_says_the_answer_as_it_exits(grade: Grader) -> None:
    code = "import sys\nprint('no')\nsys.exit('yes: it is')"
    assert verdicts(grade(code, TestCase(stdin="", expected_output="yes"), TestCase(expected_output="yes"))) == [
        False,
        False,
    ]


@wall("whole_exception_names")
def test_deny_a_pass_to_any_crash_where_an_error_is_expected(grade: Grader) -> None:
    cases = (TestCase(input="divide(1, 0)", expected_output="Error"), TestCase(expected_output="Error"))
    assert verdicts(grade("class MyError(Exception): pass\nraise MyError", *cases)) == [False] * 2
    assert verdicts(grade("def divide(a, b): nonsense", cases[0])) == [False]


def test_allow_an_expected_exception_with_notes_lines_and_groups(grade: Grader) -> None:
    code = """
import atexit, json, sys
class TooOld(ValueError): pass
def two_lines(): raise ValueError('first\\nsecond')
def note():
    error = ValueError('bad'); error.add_note('see page 3'); raise error
def group(): raise ExceptionGroup('many', [ValueError('a')])
def late():
    atexit.register(print, 'bye', file=sys.stderr); raise ValueError('bad')
def chained():
    try: 1 / 0
    except ZeroDivisionError as error: raise ValueError('bad') from error
def old(): raise TooOld('x')
def read(): json.loads('x')
"""
    expected = {
        "two_lines()": "ValueError: first\r\nsecond",
        "note()": "ValueError: bad",
        "group()": "ExceptionGroup: many",
        "late()": "ValueError: bad",
        "chained()": "ValueError: bad",
        "old()": "TooOld: x",
        "read()": "json.decoder.JSONDecodeError: Expecting value",
    }
    cases = [TestCase(input=call, expected_output=error) for call, error in expected.items()]
    cases += [TestCase(input="old()", expected_output=name) for name in ("ValueError", "TypeError")]
    assert verdicts(grade(code, *cases, timeout=10)) == [*[True] * len(expected), True, False]


@pytest.mark.parametrize(
    "trick",
    [
        "import sys\nsys.modules.clear()",
        "import builtins\nbuiltins.__import__ = None",
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
        "import traceback\ntraceback.TracebackException = None",
    ],
)
def test_allow_an_expected_exception_despite_tricks_of_the_submission(grade: Grader, trick: str) -> None:
    """The name and the message are written first: what else a detail needs may be broken."""
    assert verdicts(grade(f"{trick}\ndef divide(a, b): return a / b", *DIVISIONS)) == [True] * 2


def test_allow_an_expected_exception(grade: Grader) -> None:
    code = "def divide(a, b): return a / b\nif input() == 'go': divide(1, 0)"
    cases = (
        TestCase(input="divide(1, 0)", stdin="-", expected_output="ZeroDivisionError"),
        TestCase(code="divide(1, 0)", stdin="-", expected_output="ZeroDivisionError: division by zero"),
        TestCase(stdin="go", expected_output="ZeroDivisionError"),
        TestCase(stdin="-", expected_output="ZeroDivisionError"),
        TestCase(expected_output="EOFError"),  # of the program's own run, which has no input
    )
    assert verdicts(grade(code, *cases)) == [True, True, True, False, True]


@wall("completed_test")
@pytest.mark.parametrize(
    "body",
    [
        "import os; os._exit(0)",
        "raise SystemExit",
        "exit()",
        "import os; os.execv('/usr/bin/true', ['true'])",
        "import atexit, os; atexit.register(os._exit, 0)",
        "import sys, os; sys.excepthook = lambda *_: os._exit(0)",
    ],
)
def test_deny_a_pass_to_a_test_that_did_not_complete(grade: Grader, body: str) -> None:
    """A test that only asserts has no output to compare: it passes if it completes."""
    cases = (TestCase(code="assert add(5, 3) == 8"), TestCase(input="add(5, 3).check()"))
    assert verdicts(grade(f"def add(a, b):\n    {body}", *cases)) == [False] * 2


def test_allow_a_test_to_exit(grade: Grader) -> None:
    suite = "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(add(5, 3), 8)\n"
    cases = (TestCase(code=suite + "unittest.main()"), TestCase(code="assert add(1, 1) == 2\nexit()"))
    assert verdicts(grade(RIGHT, *cases)) == [True] * 2
    assert verdicts(grade(WRONG, *cases)) == [False] * 2


@pytest.mark.parametrize(
    "attack",
    [
        "import builtins\nbuiltins.print = builtins.exec = builtins.eval = builtins.compile = None",
        "import sys, io\nsys.stdout = sys.stderr = io.StringIO()",
        "import sys\nsys.stdout = sys.__stdout__ = None",
        "import sys, os\nos.write = os.read = os._exit = os.kill = None",
        "import sys\nsys.modules.clear()",
        "import gc\ngc.disable(); gc.freeze()",
        "import sys\nsys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)",
        "import signal\nfor n in signal.valid_signals() - {9, 19}: signal.signal(n, signal.SIG_IGN)",
        "import os\nos.environ.clear(); os.chdir('/')",
        "import os\nfor name in os.listdir('/tmp'): os.unlink('/tmp/' + name)",
        "import os\nos.close(0)",
        "import os\nos.dup2(1, 2)",
        "import os\nfor _ in range(200): os.open('/dev/null', 0)",
        pytest.param("print('8' * 60_000)", marks=wall("output_from_the_test_on")),
        pytest.param(FRAMES, marks=wall("output_from_the_test_on")),
    ],
    ids=range(15),
)
def test_allow_a_pass_despite_tricks_of_the_submission(grade: Grader, attack: str) -> None:
    """A submission may break its own process; everything that still works must pass."""
    passed = verdicts(grade(RIGHT + attack))
    if attack.startswith("import builtins"):
        assert passed == [False, True, True, True]  # it removed the `print` of that test
    else:
        assert passed == [True] * 4


LOOK_EVERYWHERE = (
    SEARCH
    + r"""
import gc, os, sys
found = []
word = re.compile("".join(f"[{letter}]" for letter in "C A N A R Y".split()))  # matches the word without containing it
def look(where, text):
    if word.search(text): found.append(where)
def look_into(where, container):
    for value in list(container.values()) if isinstance(container, dict) else container:
        if isinstance(value, str): look(where, value)
for one in gc.get_objects():
    if type(one) in (dict, list, tuple, set): look_into("objects", one)
frame = sys._getframe()
while frame:
    look_into("frames", dict(frame.f_locals)); look_into("frames", frame.f_globals); frame = frame.f_back
look("environment", repr(os.environ) + repr(sys.argv))
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("cmdline", "environ", "maps"):
        try: look(f"process {pid}", open(f"/proc/{pid}/{name}", errors="replace").read())
        except OSError: pass
for top in ("/tmp", "/dev/shm", "/dev/mqueue", "/opt/sandbox", "/etc", "/var", "/run"):
    for directory, _, files in os.walk(top):
        for name in files:
            try: look(directory, open(os.path.join(directory, name), errors="replace").read())
            except OSError: pass
for fd in range(3, 256):
    try: os.fstat(fd); found.append(f"descriptor {fd}")
    except OSError: pass
print(sorted(set(found)), find("C A N A R Y"))
"""
)


@wall("expected_stays_here", "three_descriptors", "output_from_the_test_on")
def test_deny_finding_the_expected_output(grade: Grader) -> None:
    """Searches memory, objects, frames, environment, processes, files and descriptors, in every run of a submission."""
    cases = [
        TestCase(code="look_again()", expected_output="CANARY"),
        TestCase(input="look_again()", expected_output="CANARY"),
        TestCase(stdin="", expected_output="CANARY"),
        TestCase(code="look_again()", expected_output="CANARY", hidden=True),
        TestCase(expected_output="CANARY"),
    ]
    body = "\n".join(f"    {line}" for line in LOOK_EVERYWHERE.splitlines())
    result = grade(f"def look_again():\n{body}\nlook_again()", *cases, timeout=10)
    assert verdicts(result) == [False] * 5
    shown = [each["actual_output"] for each in result["test_results"] if not each["hidden"]]
    assert {result["output"], *shown} == {"[] 0\n"}, result


@wall("grading_stays_here")
def test_deny_finding_what_a_test_is_worth_and_says(grade: Grader) -> None:
    """Neither a teacher's sentences nor a group's name are in the container, in any run of a submission."""
    words: dict[str, Any] = {
        "group": "CANARY",
        "on_pass": "CANARY",
        "on_fail": "CANARY",
        "expected_output": "x",
        "points": 1,
    }
    cases = [
        TestCase(code="look_again()", **words),
        TestCase(input="look_again()", **words),
        TestCase(stdin="", **words),
        TestCase(code="look_again()", hidden=True, **words),
        TestCase(**words),
    ]
    body = "\n".join(f"    {line}" for line in LOOK_EVERYWHERE.splitlines())
    result = grade(f"def look_again():\n{body}\nlook_again()", *cases, timeout=10)
    shown = [each["actual_output"] for each in result["test_results"] if not each["hidden"]]
    assert {result["output"], *shown} == {"[] 0\n"}, result
    assert [each["feedback"] for each in result["test_results"]] == ["CANARY"] * 5


def test_search_finds_its_own_text(grade: Grader) -> None:
    """The test above could not fail if its search found nothing."""
    body = "\n".join(f"    {line}" for line in LOOK_EVERYWHERE.splitlines())
    left = "kept, word = ['CANARY'], 'CANARY'\nopen('/tmp/file', 'w').write('CANARY')"
    code = f"def look_again():\n{body}\n{left}\nlook_again()"
    output = grade(code)["output"]
    assert all(repr(place) in output for place in ("/tmp", "frames", "objects")), output


@wall("hidden_tests_last", "hidden_tests")
def test_deny_learning_a_hidden_test_through_a_shown_one(grade: Grader) -> None:
    """Hidden tests run last, whatever their index: no output shows what they leave behind."""
    submission = """
import os, socket
def add(a, b):
    for _ in range(a % 100):  # the kernel counts the connections of a container
        server = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(server.getsockname())
        accepted = server.accept()[0]
        accepted.close(); client.close(); server.close()
    return a + b
def remembered():
    names, values = [line.split() for line in open("/proc/net/snmp") if line.startswith("Tcp:")]
    return [int(values[names.index("ActiveOpens")])]
"""
    cases = (
        TestCase(input="add(107, 234)", expected_output="341", hidden=True),
        TestCase(input="remembered()", name="shown"),
        TestCase(input="add(108, 253)", expected_output="361", hidden=True),
        TestCase(code="print(remembered())"),
    )
    result = grade(submission, *cases)
    assert verdicts(result) == [True] * 4
    assert [each["actual_output"] for each in result["test_results"]] == [None, "[0]\n", None, "[0]\n"]
    assert result["test_results"][1]["name"] == "shown"


LOOK_FOR_THE_TEST = """
import inspect, linecache, traceback, types
def strings(value, depth=3):
    if isinstance(value, (str, bytes)): yield str(value)
    elif depth and isinstance(value, types.CellType):
        try: yield from strings(value.cell_contents, depth - 1)
        except ValueError: pass  # it is empty
    elif depth and isinstance(value, (dict, list, tuple, set)):
        for each in list(value.values() if isinstance(value, dict) else value): yield from strings(each, depth - 1)
    elif depth and type(value).__module__.startswith("guest."):
        for name in dir(value):
            if not callable(each := getattr(value, name)): yield from strings(each, depth - 1)
def look_for_test():
    places = {
        "frames": [[dict(each.frame.f_locals), each.frame.f_globals] for each in inspect.stack()[2:]],
        "traceback": traceback.format_stack(),
        "objects": [each for each in gc.get_objects() if type(each) in (dict, list, tuple, types.CellType)],
        "sources": linecache.cache,
        "modules": [vars(module) for name, module in sys.modules.items() if name.startswith(("guest", "__main__"))],
    }
    return sorted(name for name, values in places.items() if any(word.search(each) for each in strings(values, 6)))
"""


@wall("late_test")
@pytest.mark.parametrize(
    "case",
    [
        TestCase(code="print(report('CANARY'))  # CANARY", stdin="some"),
        TestCase(input="report('CANARY')"),
        TestCase(input="report(['CANARY'])"),
    ],
    ids=["code", "plain call", "call"],
)
def test_deny_a_submission_a_look_at_its_test_before_it_begins(grade: Grader, case: TestCase) -> None:
    """Nothing of a test's code or call is in the container while the submission itself runs."""
    body = "\n".join(f"    {line}" for line in LOOK_EVERYWHERE.replace("print(", "return (").splitlines())
    result = grade(f"def look():\n{body}\nfound = look()\ndef report(*_): return found", case, timeout=10)
    assert result["test_results"][0]["actual_output"] == "([], 0)\n", result


@wall("no_test_in_frames")
def test_deny_a_submission_the_text_of_its_test_in_our_own_objects(grade: Grader) -> None:
    """A called function sees the code object of its caller, which cannot be helped; but no more."""
    code = SEARCH + LOOK_EVERYWHERE.split("def look(")[0] + LOOK_FOR_THE_TEST
    cases = (
        TestCase(code="print(look_for_test())  # CANARY"),
        TestCase(input="look_for_test()  # CANARY"),
        TestCase(code="kept = 'CANARY'\nprint(look_for_test())"),  # the search finds what is there
    )
    result = grade(code, *cases, timeout=10)
    shown = [each["actual_output"] for each in result["test_results"]]
    assert shown[:2] == ["[]\n"] * 2, result
    assert "modules" in shown[2], result
