"""A program step by step: what its steps are, and that nothing a program does makes them wrong for others."""

import contextlib
import json
from collections.abc import Iterator

import pytest

from executions.bounds import TRACE_SECONDS
from executions.sandbox.container.container import Container
from executions.sandbox.container.received_trace import read_trace
from executions.sandbox.results import File, Outcome, Run, RunStatus, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.steps import Frame, Trace
from guest import protocol
from tests.sandbox.traces import Reference, as_text, read_references

pytestmark = pytest.mark.docker

REFERENCES = read_references()
HOSTILE = """
def called(self, *_):
    print('called')
    BODY
class Meta(type):
    def __getattribute__(cls, name):
        print('called')
        return type.__getattribute__(cls, name)
class Bad(metaclass=Meta):
    __repr__ = __str__ = __hash__ = __eq__ = __format__ = __len__ = __iter__ = __getattribute__ = __getattr__ = called
    __class__ = __dict__ = _as_parameter_ = __name__ = property(called)
class Items(list):
    __iter__ = __len__ = __getitem__ = __repr__ = called
class Word(str):
    __str__ = __getitem__ = __len__ = __repr__ = __format__ = called
class Slots:
    __slots__ = ('x',)
bad = Bad()
items = [Items([bad]), {1: bad, Word('w'): 1}, (Slots(), Word('w'))]
def bads():
    yield bad
made = bads()
end = 1
"""


def trace(sandbox: Sandbox, code: str, stdin: str = "", *files: File, timeout_seconds: float = 5) -> Trace:
    return outcome(sandbox, code, stdin, *files, timeout_seconds=timeout_seconds).trace or Trace((), "none", "")


def outcome(sandbox: Sandbox, code: str, stdin: str = "", *files: File, timeout_seconds: float = 5) -> Outcome:
    return sandbox.execute(Submission(code, stdin, (), timeout_seconds, files=files, trace_seconds=TRACE_SECONDS))


def last_variables(found: Trace) -> dict[str, str]:
    return found.steps[-1].stack[0].variables


def test_there_are_thirty_references() -> None:
    assert len({each.code for each in REFERENCES}) >= 30


@pytest.fixture(scope="module")
def container(sandbox: Sandbox) -> Iterator[Container]:
    """Return a container for many traces: each of them would cost the pool one."""
    with contextlib.closing(sandbox.launcher.launch()) as container:
        yield container


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.name.replace(" ", "-"))
def test_a_trace_matches_its_reference(container: Container, reference: Reference) -> None:
    container.run(reference.code, reference.stdin, None, 5)
    traced = container.trace(reference.code, reference.stdin, TRACE_SECONDS, None, ())
    found = read_trace(traced, reference.code, ())
    assert as_text(found) == reference.steps
    assert found.cut is None


def test_a_program_without_a_request_for_it_is_not_traced(sandbox: Sandbox) -> None:
    found = sandbox.execute(Submission("x = 1", "", (), 5))
    assert (found.traced, found.trace) == (None, None)


def test_the_stack_has_the_variables_of_all_frames(sandbox: Sandbox) -> None:
    found = trace(sandbox, "def f(a):\n    b = a\n    return b\nx = 1\nx = f(x + 1)\n")
    returned = next(step for step in found.steps if step.event == "return")
    assert returned.stack == (
        Frame("<module>", "main.py", 5, {"x": "1"}),
        Frame("f", "main.py", 3, {"a": "2", "b": "2"}),
    )


@pytest.mark.parametrize(
    ("body", "exceptions"),
    [
        ("def f():\n    try:\n        1 / 0\n    finally:\n        x = 1", ["f", "<module>"]),
        ("def f():\n    with open('/dev/null'):\n        1 / 0", ["f", "<module>"]),
        (
            "def f():\n    try:\n        int('x')\n    except ValueError:\n        x = 1\n        raise",
            ["f", "<module>"],
        ),
        ("class I:\n    def __next__(self):\n        raise StopIteration\nf = I().__next__", ["__next__", "<module>"]),
        ("def f():\n    return next(iter([]))", ["f", "<module>"]),
        ("def f():\n    yield 1\ng = f()\nnext(g)\nf = lambda: g.throw(ValueError)", ["f", "<lambda>", "<module>"]),
    ],
)
def test_what_an_exception_leaves_returns_nothing(sandbox: Sandbox, body: str, exceptions: list[str]) -> None:
    found = trace(sandbox, f"{body}\nraising = 1\nf()\n")
    start = next(index for index, step in enumerate(found.steps) if "raising" in step.stack[0].variables)
    last = [(step.event, step.stack[-1].function) for step in found.steps[start:]]
    assert [function for event, function in last if event == "exception"] == exceptions
    assert [function for event, function in last if event == "return"] == []
    assert found.cut is None


def test_a_loop_that_ends_raises_nothing(sandbox: Sandbox) -> None:
    code = "def g():\n    x = yield from h()\n    yield x\ndef h():\n    yield 1\n    return 2\n"
    found = trace(sandbox, f"{code}for n in g(): pass\nfor n in iter([]): pass\nn = list(g())\n")
    given = [(step.stack[-1].function, step.value) for step in found.steps if step.event == "return"]
    once = [("h", "1"), ("g", "1"), ("h", "2"), ("g", "2"), ("g", "None")]
    assert given == [*once, *once, ("<module>", "None")]
    assert "exception" not in {step.event for step in found.steps}


def test_a_comprehension_shows_the_variables_around_it(sandbox: Sandbox) -> None:
    found = trace(sandbox, "nums = [1, 2]\nfactor = 10\nsquares = [n * factor for n in nums]\n")
    assert found.steps[-2].stack[0].variables == {"nums": "[1, 2]", "factor": "10", "n": "2"}
    assert last_variables(found) == {"nums": "[1, 2]", "factor": "10", "squares": "[10, 20]"}


def test_files_of_the_program_are_traced_and_libraries_are_not(sandbox: Sandbox) -> None:
    helper = File("helper.py", b"def twice(f):\n    return f() * 2\n")
    found = trace(
        sandbox, "import json, helper\ndef two(): return json.loads('2')\nx = helper.twice(two)\n", "", helper
    )
    assert {frame.file for step in found.steps for frame in step.stack} == {"main.py", "helper.py"}
    deepest = max(found.steps, key=lambda step: step.depth)
    assert [frame.function for frame in deepest.stack] == ["<module>", "twice", "two"]


def test_five_hundred_steps_are_a_whole_trace_and_one_more_is_cut(sandbox: Sandbox) -> None:
    program = "i = 0\nwhile i < 248:\n    i += 1\n"  # 1 + 2 * 248 + 1 lines, and the return
    lines = [trace(sandbox, program + rest) for rest in ("x = 1\n", "x = 1\nx = 2\n")]
    assert [(len(each.steps), each.cut) for each in lines] == [(500, None), (500, "steps")]


def test_an_endless_loop_is_traced_after_its_timeout(sandbox: Sandbox) -> None:
    found = outcome(sandbox, "i = 0\nwhile True:\n    i += 1\n", timeout_seconds=1)
    assert found.main.status is RunStatus.TIMEOUT
    assert found.trace is not None
    assert (len(found.trace.steps), found.trace.cut) == (500, "steps")
    assert found.trace.steps[-1].stack[0].variables == {"i": "249"}


def test_a_trace_costs_only_a_few_times_what_its_program_does(sandbox: Sandbox) -> None:
    """500 steps take about 0.03 s of CPU, so less than a second at a quarter of a processor; the bound is generous."""
    program = "def f(a, b):\n    return [a, b]\nfound = {}\nfor i in range(1000):\n"
    program += "    found[i] = f(i, str(i))\n    print(i)\n"
    found = outcome(sandbox, program)
    assert found.traced is not None
    assert found.traced.cpu_seconds < 20 * found.main.cpu_seconds


def test_the_steps_before_a_timeout_and_a_kill_remain(sandbox: Sandbox) -> None:
    sleeping = trace(sandbox, "x = 1\nimport time\ntime.sleep(9)\n", timeout_seconds=1)
    assert (sleeping.cut, sleeping.steps[-1].line, last_variables(sleeping)) == ("timeout", 3, {"x": "1"})
    for way in ("os._exit(0)", "os.kill(os.getpid(), 9)"):
        left = trace(sandbox, f"import os\nx = 1\n{way}\ny = 2\n")
        assert (left.cut, left.steps[-1].line) == ("lost", 3)


def test_what_is_too_large_is_cut(sandbox: Sandbox) -> None:
    found = outcome(sandbox, "def f(n):\n    values = [str(n) * 50] * 20\n    f(n + 1)\nf(0)\n")
    assert found.trace is not None
    assert found.trace.cut == "size"
    assert found.traced is not None
    assert 500_000 < len(found.traced.trace) <= protocol.TRACE_BYTES
    deep = found.trace.steps[-1]
    assert len(deep.stack) == protocol.TRACE_FRAMES < deep.depth
    assert deep.stack[0].function == "<module>"


@pytest.mark.parametrize("body", ["raise ValueError", "raise SystemExit(7)", "while True: pass", "return 1"])
def test_no_method_of_the_program_is_called(sandbox: Sandbox, body: str) -> None:
    found = trace(sandbox, HOSTILE.replace("BODY", body))
    assert (found.output, found.cut) == ("", None)
    variables = last_variables(found)
    assert variables.pop("bad").startswith("<Bad")
    assert variables == {
        "items": "[Items([<Bad>]), {1: <Bad>, Word('w'): 1}, (<Slots>, Word('w'))]",
        "made": "<generator>",
        "end": "1",
    }


def test_cycles_depth_and_size_do_no_harm(sandbox: Sandbox) -> None:
    code = "x = [1]\nx.append(x)\nd = {}\nd['d'] = d\nclass N: pass\nn = N()\nn.n = n\ndeep = ()\n"
    code += "for _ in range(60): deep = (deep,)\n"
    code += (
        "text = 'x' * 10**6\nbig = 10 ** 10**5\nlong = list(range(10**5))\nraw = bytes(10**6)\nhalf = '\\ud800\\0'\n"
    )
    found = trace(sandbox, code)
    assert found.cut is None
    variables = last_variables(found)
    assert all(len(value) <= protocol.TRACE_CHARACTERS for value in variables.values())
    assert variables["x"] == "[1, [1, […]]]"
    assert variables["d"] == "{'d': {'d': {…}}}"
    assert variables["n"] == "<N n=<N n=<N …>>>"
    assert variables["deep"] == "(((…,),),)"
    assert variables["big"] == "<332193 bits>"
    assert variables["half"] == "'\\ud800\\x00'"


def test_only_objects_of_the_program_show_their_attributes(sandbox: Sandbox) -> None:
    helper = File("helper.py", b"class Dog:\n    def __init__(self): self.age = 3\n")
    code = "import helper, threading, turtle, types\nclass Cat:\n    def __init__(self): self.age = 4\n"
    code += "cat, dog, pen, lock = Cat(), helper.Dog(), turtle.Turtle(), threading.Condition()\n"
    found = trace(sandbox, f"{code}space = types.SimpleNamespace(x=1)\n", "", helper)
    assert last_variables(found) == {
        "cat": "<Cat age=4>",
        "dog": "<Dog age=3>",
        "pen": "<Turtle>",
        "lock": "<Condition>",
        "space": "<SimpleNamespace x=1>",
    }


def test_many_variables_are_cut(sandbox: Sandbox) -> None:
    found = trace(sandbox, "for i in range(100): globals()[f'v{i}'] = i\n\nend = 1\n")
    assert len(last_variables(found)) == protocol.TRACE_VARIABLES


@pytest.mark.parametrize("other", ["None", "lambda *_: None"])
def test_a_program_that_sets_a_tracer_of_its_own_loses_ours(sandbox: Sandbox, other: str) -> None:
    found = trace(sandbox, f"import sys\nx = 1\nsys.settrace({other})\ny = 2\nsys.settrace(None)\n")
    assert (found.cut, found.steps[-1].line) == ("lost", 3)


def test_forks_threads_and_executed_texts_leave_the_trace_whole(sandbox: Sandbox) -> None:
    code = (
        "import os, threading\ndef f():\n    print('t')\nt = threading.Thread(target=f)\nt.start()\nt.join()\ndel t\n"
    )
    code += "if os.fork() == 0:\n    x = 1\nelse:\n    os.wait()\nexec('z = 1')\n"
    found = trace(sandbox, code)
    assert found.cut is None
    assert [step.line for step in found.steps] == [1, 2, 4, 5, 6, 7, 8, 11, 12, 12]
    assert last_variables(found) == {"z": "1"}


def test_variables_that_a_thread_adds_meanwhile_leave_the_trace_whole(sandbox: Sandbox) -> None:
    code = "import sys, threading\nsys.setswitchinterval(1e-6)\ndef grow():\n    for n in range(20_000):\n"
    code += "        globals()[f'v{n}'] = n\nt = threading.Thread(target=grow)\nt.start()\n"
    code += "while t.is_alive():\n    pass\n"
    assert trace(sandbox, code).cut != "lost"


def test_a_program_that_cannot_be_compiled_has_no_steps(sandbox: Sandbox) -> None:
    assert trace(sandbox, "def f(:\n") == Trace((), None, "")


def test_little_room_to_recurse_loses_the_trace_but_not_the_program(sandbox: Sandbox) -> None:
    code = "import sys\ndef f(n):\n    return f(n + 1)\ntry:\n"
    code += "    sys.setrecursionlimit(8)\n    f(0)\nexcept RecursionError:\n"
    found = trace(sandbox, code + "    sys.setrecursionlimit(999)\nprint('on')\n")
    assert found.output == "on\n"


def test_a_trace_changes_neither_the_run_nor_its_tests(sandbox: Sandbox) -> None:
    code = "import sys\nprint(sys.gettrace())\ndef f(): return 3"
    test = TestProgram(input="f()", hidden=True)
    found = sandbox.execute(Submission(code, "", (test,), 5, trace_seconds=TRACE_SECONDS))
    assert (found.main.stdout, found.tests[0].stdout) == ("None\n", "3\n")
    assert found.traced is not None
    assert found.cpu_seconds > found.main.cpu_seconds + found.tests[0].cpu_seconds


FRAME = {"function": "f", "file": "main.py", "line": 1, "variables": {"x": "1"}}
STEP = {"event": "line", "value": None, "printed": 0, "depth": 1, "stack": [FRAME]}


def received(*lines: object) -> Trace:
    """Return what the host makes of lines that a program has written itself."""
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return read_trace(Run(RunStatus.SUCCESS, "out", trace=b"\n".join(texts)), "x = 1\ny = 2", ())


def test_a_well_formed_trace_is_read() -> None:
    found = received(STEP, "end")
    assert (len(found.steps), found.cut, found.output) == (1, None, "out")


@pytest.mark.parametrize(
    "forged",
    [
        b"", b"{", b"\xff", b"[" * 100_000, b"9" * 100_000, b"NaN", 5, None, [], {}, "done",
        {**STEP, "event": "boo"}, {**STEP, "printed": -1}, {**STEP, "printed": 1.5}, {**STEP, "depth": 0},
        {**STEP, "depth": 10**9}, {**STEP, "value": 5}, {**STEP, "stack": []}, {**STEP, "stack": [5]},
        {**STEP, "stack": [{**FRAME, "file": "/etc/passwd"}]}, {**STEP, "stack": [{**FRAME, "line": 3}]},
        {**STEP, "stack": [{**FRAME, "line": -1}]}, {**STEP, "stack": [{**FRAME, "variables": {"x": 1}}]},
        {**STEP, "stack": [{**FRAME, "function": None}]},
    ],
)  # fmt: skip
def test_a_forged_line_ends_the_trace(forged: object) -> None:
    found = received(STEP, forged, STEP, "end")
    assert (len(found.steps), found.cut) == (1, "lost")


def test_forged_texts_and_numbers_are_bounded() -> None:
    frame = {**FRAME, "function": "f" * 999, "variables": {f"v{i}" + "n" * 999: "\ud800" * 999 for i in range(99)}}
    [step] = received({**STEP, "printed": 999, "value": "v" * 999, "depth": 99, "stack": [frame] * 99}, "end").steps
    assert (step.printed, len(step.value or ""), len(step.stack)) == (3, 100, protocol.TRACE_FRAMES)
    shown = step.stack[0]
    assert (len(shown.function), len(shown.variables)) == (100, protocol.TRACE_VARIABLES)
    assert {len(text) for text in (*shown.variables, *shown.variables.values())} == {100}
    assert json.dumps(shown.variables, ensure_ascii=False).encode()
    assert len(received(*[STEP] * 600).steps) == protocol.TRACE_STEPS
