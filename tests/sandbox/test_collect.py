"""Files that a program leaves come back if they are asked for, and nothing else does, whatever it leaves instead."""

import json

import pytest

from executions.request import ExecutionRequest
from executions.running.service import answer_of
from executions.sandbox.console import Console
from executions.sandbox.results import File, NotCollected, Outcome, Reason, Run, RunStatus, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox
from guest import protocol
from tests.sandbox.test_tests import SEARCH
from tests.test_docs import PROGRAMS, section

pytestmark = pytest.mark.docker
wall = pytest.mark.wall

ROOM = protocol.COLLECTED_BYTES


def outcome_of(
    sandbox: Sandbox,
    code: str,
    *names: str,
    tests: tuple[TestProgram, ...] = (),
    files: tuple[File, ...] = (),
    timeout_seconds: float = 8,
) -> Outcome:
    """Run a program whose files with these names are to come back."""
    return sandbox.execute(Submission(code, "", tests, timeout_seconds, files=files, collect=names))


def collected(run: Run) -> dict[str, bytes | Reason]:
    """Return the content of each file, or why there is none, in the order of the answer."""
    return dict(run.collected) | {each.name: each.reason for each in run.not_collected}


def test_files_come_back_in_the_order_of_their_names(sandbox: Sandbox) -> None:
    code = (
        "import os\n"
        "with open('b.csv', 'w') as file: file.write('3\\nü\\n')\n"
        "open('a.bin', 'wb').write(bytes(range(256)) * 300)\n"
        "open('empty', 'w')\n"
        "open('my file', 'a').write('y')\n"
        "open('other', 'w').write('not asked for')\n"
        "print(sorted(os.listdir()))"
    )
    names = ("b.csv", "a.bin", "empty", "my file", "absent")
    run = outcome_of(sandbox, code, *names, files=(File("my file", b"x"),)).main
    assert run.stdout == "['a.bin', 'b.csv', 'empty', 'main.py', 'my file', 'other']\n", run.stderr
    assert run.collected == (
        File("b.csv", "3\nü\n".encode()),
        File("a.bin", bytes(range(256)) * 300),
        File("empty", b""),
        File("my file", b"xy"),
    )
    assert run.not_collected == (NotCollected("absent", Reason.MISSING),)


def test_documented_example_works(sandbox: Sandbox) -> None:
    request, answer = (
        json.loads(block.split("\n```")[0])
        for block in section(PROGRAMS, "Files that come back").split("```json\n")[1:]
    )
    asked = ExecutionRequest(request["code"], collect=tuple(request["collect"]))
    got = answer_of(asked, sandbox.execute(asked.submission()))
    assert [{"name": each.name, "text": each.text, "base64": each.base64} for each in got.files] == answer["files"]
    assert [{"name": each.name, "reason": each.reason} for each in got.not_collected] == answer["not_collected"]


@pytest.mark.parametrize(
    ("end", "status", "timeout_seconds"),
    [
        ("1 / 0", RunStatus.ERROR, 8),
        ("while True: pass", RunStatus.TIMEOUT, 1),
        ("import time\ntime.sleep(60)", RunStatus.TIMEOUT, 1),
        ("while True: print('x' * 1000)", RunStatus.OUTPUT_LIMIT, 8),
        ("data = bytearray(200_000_000)", RunStatus.MEMORY_LIMIT, 8),
        ("import os\nos._exit(3)", RunStatus.ERROR, 8),
    ],
)
def test_files_come_back_however_the_program_ends(
    sandbox: Sandbox, end: str, status: RunStatus, timeout_seconds: float
) -> None:
    code = f"with open('out', 'wb') as file: file.write(b'x' * 200_000)\n{end}"
    outcome = outcome_of(sandbox, code, "out", timeout_seconds=timeout_seconds)
    assert outcome.main.status is status
    assert collected(outcome.main) == {"out": b"x" * 200_000}


def test_nothing_comes_back_that_nobody_asked_for(sandbox: Sandbox) -> None:
    outcome = outcome_of(sandbox, "open('out', 'w').write('x')", tests=(TestProgram(code="1"),))
    assert [collected(run) for run in outcome.runs] == [{}, {}]


def test_files_together_are_bounded_and_later_ones_may_fit(sandbox: Sandbox) -> None:
    code = (
        f"sizes = dict(whole={ROOM + 1}, most={ROOM - 3}, more=4, rest=3, none=0)\n"
        "for name, size in sizes.items(): open(name, 'wb').write(b'x' * size)"
    )
    run = outcome_of(sandbox, code, "whole", "most", "more", "rest", "none").main
    assert {name: len(each) if isinstance(each, bytes) else each for name, each in collected(run).items()} == {
        "most": ROOM - 3,
        "rest": 3,
        "none": 0,
        "whole": Reason.TOO_LARGE,
        "more": Reason.TOO_LARGE,
    }


def test_program_that_does_not_start_has_left_nothing(sandbox: Sandbox) -> None:
    assert collected(outcome_of(sandbox, "def", "out").main) == {"out": Reason.MISSING}


def test_streamed_program_has_its_files_in_the_outcome(sandbox: Sandbox) -> None:
    console = Console()
    outcome = sandbox.execute(Submission("open('out', 'w').write('x')", "", (), 5, collect=("out",)), console)
    console.close()
    assert collected(outcome.main) == {"out": b"x"}


# What hostile programs leave


@wall("collected_links")
@pytest.mark.parametrize("target", ["/proc/self/maps", "/opt/sandbox/main.py", "/etc/passwd", "main.py", "nowhere"])
def test_deny_having_another_file_read_through_a_link(sandbox: Sandbox, target: str) -> None:
    run = outcome_of(sandbox, f"import os\nos.symlink({target!r}, 'out')", "out").main
    assert (run.status, collected(run)) == (RunStatus.SUCCESS, {"out": Reason.UNREADABLE})


@wall("collected_pipes")
def test_deny_hanging_the_supervisor_with_a_pipe(sandbox: Sandbox) -> None:
    outcome = outcome_of(sandbox, "import os\nos.mkfifo('out')", "out", tests=(TestProgram(code="print(1)"),))
    assert (outcome.main.status, collected(outcome.main)) == (RunStatus.SUCCESS, {"out": Reason.UNREADABLE})
    assert outcome.tests[0].stdout == "1\n"


@pytest.mark.parametrize(
    "leave",
    [
        "os.mkdir('out')",
        "os.mkdir('d'); os.symlink('d', 'out')",
        "import socket; s = socket.socket(socket.AF_UNIX); s.bind('out')",
        "open('out', 'w'); os.chmod('out', 0)",
    ],
)
def test_what_is_no_readable_file_is_told(sandbox: Sandbox, leave: str) -> None:
    outcome = outcome_of(sandbox, f"import os\n{leave}", "out", "next", tests=(TestProgram(code="print(1)"),))
    assert collected(outcome.main) == {"out": Reason.UNREADABLE, "next": Reason.MISSING}
    assert outcome.tests[0].stdout == "1\n"


@pytest.mark.parametrize(
    ("leave", "size"),
    [
        (f"os.truncate(os.open('out', os.O_WRONLY | os.O_CREAT), {ROOM})", ROOM),
        (f"os.truncate(os.open('out', os.O_WRONLY | os.O_CREAT), {ROOM + 1})", None),
        ("os.truncate(os.open('out', os.O_WRONLY | os.O_CREAT), 15 << 20)", None),
    ],
)
def test_hole_in_a_file_counts_with_its_size(sandbox: Sandbox, leave: str, size: int | None) -> None:
    run = outcome_of(sandbox, f"import os\n{leave}", "out").main
    assert collected(run) == {"out": Reason.TOO_LARGE if size is None else bytes(size)}


def test_file_that_grows_until_the_end_is_read_as_it_was_then(sandbox: Sandbox) -> None:
    """Also by a process that has left the program, which is dead by the time the file is read."""
    code = """
import os, time
if not os.fork():
    os.setsid()
    while True:
        with open('out', 'ab') as file: file.write(b'x')
time.sleep(0.2)
print(os.path.getsize('out'))
"""
    run = outcome_of(sandbox, code, "out").main
    [file] = run.collected
    assert int(run.stdout) <= len(file.content) <= ROOM
    assert set(file.content) == {ord("x")}


def test_hard_link_is_a_file_like_any_other(sandbox: Sandbox) -> None:
    code = "import os\nopen('a', 'w').write('x')\nos.link('a', 'out')"
    assert collected(outcome_of(sandbox, code, "out", "a").main) == {"out": b"x", "a": b"x"}


def test_program_can_hold_its_file_by_no_lock_or_lease(sandbox: Sandbox) -> None:
    code = """
import fcntl, os, time
open('out', 'w').write('x')
for attempt in (lambda: fcntl.flock(file, fcntl.LOCK_EX), lambda: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)):
    file = os.open('out', os.O_RDONLY)
    try:
        attempt()
    except OSError:
        pass
if os.fork():
    os._exit(0)
time.sleep(60)
"""
    assert collected(outcome_of(sandbox, code, "out").main) == {"out": b"x"}


# Other runs


def test_deny_collecting_what_a_test_has(sandbox: Sandbox) -> None:
    """Neither the files that a hidden test brings nor those that it writes."""
    secret = (File("secret.txt", b"CANARY"),)
    tests = (
        TestProgram(code="open('written', 'w').write(open('secret.txt').read())", files=secret, hidden=True),
        TestProgram(code="open('written', 'w').write('x')", files=secret),
    )
    outcome = outcome_of(sandbox, "", "secret.txt", "written", tests=tests)
    assert [run.status for run in outcome.runs] == [RunStatus.SUCCESS] * 3
    nothing = {"secret.txt": Reason.MISSING, "written": Reason.MISSING}
    assert [collected(run) for run in outcome.runs] == [nothing, {}, {}]


def test_deny_collecting_what_an_earlier_submission_has_left(sandbox: Sandbox) -> None:
    """In whatever container it runs."""
    for _ in range(8):
        assert collected(outcome_of(sandbox, "open('left', 'w').write('x')", "absent").main) == {
            "absent": Reason.MISSING
        }
        assert collected(outcome_of(sandbox, "", "left").main) == {"left": Reason.MISSING}


@wall("wiped_files")
def test_deny_finding_the_names_of_collected_files_in_memory(sandbox: Sandbox) -> None:
    names = [f"{number}{'CANARY' * 16}" for number in range(protocol.COLLECTED_FILES)]
    tests = (
        TestProgram(code="print(find('C A N A R Y C A N A R Y') > 0)"),
        TestProgram(code=f"kept = {names[0]!r}\nprint(find('C A N A R Y C A N A R Y') > 0)"),  # the search works
    )
    outcome = outcome_of(sandbox, SEARCH, *names, tests=tests)
    assert collected(outcome.main) == dict.fromkeys(names, Reason.MISSING)
    assert [run.stdout for run in outcome.tests] == ["False\n", "True\n"]


@wall("wiped_files")
def test_deny_finding_the_content_of_collected_files_in_memory(sandbox: Sandbox) -> None:
    code = SEARCH + "import sys\nif not sys.stdin.read(): open('out', 'w').write('CAN' 'ARY' * 9000)"
    tests = (TestProgram(code="print(find('C A N A R Y C A N A R Y') > 0)", stdin="not again"),)
    outcome = outcome_of(sandbox, code, "out", tests=tests)
    assert outcome.main.collected
    assert outcome.tests[0].stdout == "False\n"
