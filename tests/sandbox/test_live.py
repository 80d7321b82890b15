"""Interactive programs with a client that answers or stops them."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from executions.sandbox.console import Asked, Began, Console, Ended, Event, Printed
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.options import CPU_PERIOD_MICROSECONDS, CPU_QUOTA_MICROSECONDS, OWNER_LABEL
from executions.sandbox.results import RunStatus, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.settings import Reuse
from guest import protocol
from guest.supervisor import cgroup
from tests.sandbox.test_tests import SEARCH
from tests.sandbox.watching import Watched, seconds_of
from tests.waiting import eventually

pytestmark = pytest.mark.docker

READY_SECONDS = 60

Patient = Callable[..., Sandbox]


@pytest.fixture
def impatient(launch_sandbox: Callable[..., Sandbox]) -> Patient:
    """Launch sandboxes with short limits on waiting for input."""

    def launch(seconds: float, seconds_in_all: float = 300, **settings: object) -> Sandbox:
        sandbox = launch_sandbox(input_seconds=seconds, input_seconds_in_all=seconds_in_all, **settings)
        assert sandbox.wait_until_ready(READY_SECONDS), sandbox.health().reason
        return sandbox

    return launch


# What is sent to the client


def test_output_is_sent_while_the_program_runs(sandbox: Sandbox) -> None:
    """Each line arrives before the next one can be printed: the program waits for our answer."""
    watched = Watched(sandbox, "for n in range(3):\n    print(n)\n    input()")
    seen = []
    for event in watched:
        if isinstance(event, Asked):
            seen.append(watched.printed)
            watched.console.feed("\n")
    assert seen == ["0\n", "0\n1\n", "0\n1\n2\n"]


class StopsAtOnce(Console):
    """A watcher that leaves as soon as something is printed."""

    def put(self, event: Event) -> None:
        super().put(event)
        if isinstance(event, Printed):
            self.stop()


def test_program_that_is_stopped_as_it_ends_harms_nobody_else(launch_sandbox: Callable[..., Sandbox]) -> None:
    """Its container, to which nothing could be sent any more, went to the next in line."""
    sandbox = launch_sandbox(pool_size=1, max_concurrent=1, reuse=Reuse.ALWAYS)
    assert sandbox.wait_until_ready(READY_SECONDS), sandbox.health().reason
    with ThreadPoolExecutor(1) as threads:
        for _ in range(20):
            with closing(StopsAtOnce(is_interactive=False)) as console:
                stopped = threads.submit(sandbox.execute, Submission("print('x')", "", (), 5), console)
                assert sandbox.execute(Submission("print('y')", "", (), 5)).main.stdout == "y\n"
                stopped.result()


def test_both_streams_are_sent_and_equal_the_output_of_the_run(sandbox: Sandbox) -> None:
    watched = Watched(sandbox, "import sys\nprint('out')\nprint('err', file=sys.stderr)", is_interactive=False)
    run = watched.finish().main
    assert isinstance(watched.events[0], Began)
    assert watched.events[-1] == Ended(run)
    assert watched.printed == run.stdout == "out\n"
    assert "".join(each.text for each in watched.events if isinstance(each, Printed) and each.stream == "stderr")


def test_character_printed_in_parts_is_sent_whole(sandbox: Sandbox) -> None:
    code = "import os, time\nfor part in (b'\\xf0\\x9f', b'\\x90', b'\\x8d', b'\\xc3'):\n"
    watched = Watched(sandbox, code + "    os.write(1, part)\n    time.sleep(0.1)", is_interactive=False)
    assert watched.finish().main.stdout == watched.printed == "🐍\ufffd"
    assert [each.text for each in watched.events if isinstance(each, Printed)] == ["🐍", "\ufffd"]


def test_output_over_the_cap_is_not_sent(sandbox: Sandbox) -> None:
    watched = Watched(sandbox, "while True: print('x' * 1000)", is_interactive=False)
    run = watched.finish().main
    assert run.status is RunStatus.OUTPUT_LIMIT
    assert watched.printed == run.stdout
    assert len(watched.printed) == protocol.STREAM_KEPT_BYTES


def test_output_of_a_test_is_not_sent(sandbox: Sandbox) -> None:
    tests = [TestProgram(code="print('of the test')"), TestProgram(stdin="")]
    watched = Watched(sandbox, "print('of the program')", tests=tests)
    outcome = watched.finish()
    assert watched.printed == "of the program\n"
    assert watched.events[-3:] == [Ended(outcome.main), Ended(outcome.tests[0]), Ended(outcome.tests[1])]


# Which programs ask for input

WAYS_TO_READ = {
    "input": "print(input())",
    "readline": "import sys\nprint(sys.stdin.readline().strip())",
    "iteration": "import sys\nfor line in sys.stdin:\n    print(line.strip())\n    break",
    "a descriptor": "import os\nprint(os.read(0, 100).decode().strip())",
    "the file": "print(open(0).readline().strip())",
    "a thread": "import threading\nt = threading.Thread(target=lambda: print(input()))\nt.start()\nt.join()",
    "a fork": "import os\nif os.fork() == 0:\n    print(input())\n    os._exit(0)\nos.wait()",
    "another program": "import subprocess\nsubprocess.run(['sh', '-c', 'read line; echo $line'])",
}
INTERRUPTED = """
import signal, time
def alarm(*_): raise TimeoutError
signal.signal(signal.SIGALRM, alarm)
signal.alarm(1)
try:
    input("Quick! ")
except TimeoutError:
    time.sleep(0.3)
"""


@pytest.mark.parametrize("code", WAYS_TO_READ.values(), ids=WAYS_TO_READ.keys())
def test_every_way_to_read_stdin_asks_for_input(sandbox: Sandbox, code: str) -> None:
    watched = Watched(sandbox, code, "Ada\n")
    run = watched.finish().main
    assert (run.status, run.stdout, watched.questions) == (RunStatus.SUCCESS, "Ada\n", 1), run


DO_NOT_WAIT = {
    "sleeps": "import time\ntime.sleep(9)",
    "computes": "while True: pass",
    "reads another pipe": "import os\nr, w = os.pipe()\nos.read(r, 1)",
    "reads another stdin": "import subprocess, sys, time\nr = subprocess.Popen(['cat'], stdin=-1)\ntime.sleep(9)",
    "hides": "import ctypes\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\ninput()",
}


@pytest.mark.parametrize("code", DO_NOT_WAIT.values(), ids=DO_NOT_WAIT.keys())
def test_program_that_does_not_read_stdin_never_asks_for_input(sandbox: Sandbox, code: str) -> None:
    watched = Watched(sandbox, code, timeout_seconds=1)
    run = watched.finish().main
    assert (run.status, run.waited_in_vain, watched.questions) == (RunStatus.TIMEOUT, False, 0)


def test_answered_program_no_longer_waits(sandbox: Sandbox) -> None:
    watched = Watched(sandbox, "import time\ninput()\ntime.sleep(1)\ninput()")
    waited = []
    for _ in range(2):
        watched.until(Asked)
        waited.append(watched.console.is_waiting)
        watched.console.feed("\n")
        waited.append(watched.console.is_waiting)
    watched.finish()
    assert waited == [True, False, True, False]


def test_program_that_continues_unanswered_no_longer_waits(sandbox: Sandbox) -> None:
    watched = Watched(sandbox, INTERRUPTED + "    time.sleep(6)")
    watched.until(Asked)
    assert eventually(lambda: not watched.console.is_waiting)
    watched.console.stop()
    assert watched.finish().main.status is RunStatus.CANCELLED


def test_prompt_is_sent_before_the_question(sandbox: Sandbox) -> None:
    watched = Watched(sandbox, "input('Your name? ')")
    watched.until(Asked)
    assert watched.printed == "Your name? "
    watched.console.feed("Ada\n")
    watched.finish()


def test_each_input_call_is_one_question(sandbox: Sandbox) -> None:
    code = "print(sum(int(input(f'{n}: ')) for n in range(5)))"
    watched = Watched(sandbox, code, *"1\n 2\n 3\n 4\n 5\n".split(" "))
    assert watched.finish().main.stdout.endswith("15\n")
    assert watched.questions == 5


def test_interrupted_question_is_asked_again(sandbox: Sandbox) -> None:
    watched = Watched(sandbox, INTERRUPTED + "    print(input('Slowly: '))")
    watched.until(Asked)
    watched.until(Asked)
    watched.console.feed("Ada\n")
    assert watched.finish().main.stdout == "Quick! Slowly: Ada\n"


def test_input_is_read_in_the_order_of_sending(sandbox: Sandbox) -> None:
    watched = Watched(sandbox, "print(input(), input(), input())", "b\nc\n", stdin="a\n")
    assert watched.finish().main.stdout == "a b c\n"


def test_end_of_input_ends_stdin(sandbox: Sandbox) -> None:
    watched = Watched(sandbox, "import sys\nprint(sys.stdin.read())\ninput()", "Ada\n", None)
    run = watched.finish().main
    assert run.stdout == "Ada\n\n"
    assert "EOFError" in run.stderr
    assert not watched.console.feed("more\n")


def test_stdin_of_a_non_interactive_program_ends(sandbox: Sandbox) -> None:
    watched = Watched(sandbox, "input()", is_interactive=False)
    assert "EOFError" in watched.finish().main.stderr
    assert watched.questions == 0


# What counts as program time


def test_waiting_for_input_does_not_count_as_program_time(sandbox: Sandbox) -> None:
    watched = Watched(sandbox, "for _ in range(3): input()", timeout_seconds=1)
    for event in watched:
        if isinstance(event, Asked):
            time.sleep(0.7)
            watched.console.feed("\n")
    run = watched.finish().main
    assert run.status is RunStatus.SUCCESS
    assert run.wall_seconds < 1


def test_cpu_time_of_another_thread_counts_while_one_waits(sandbox: Sandbox) -> None:
    """Otherwise one `input()` would give a minute of CPU time."""
    code = """
import threading
def burn():
    while True: pass
threading.Thread(target=burn, daemon=True).start()
input()
"""
    watched = Watched(sandbox, code, timeout_seconds=1)
    assert seconds_of(watched) < 30  # not 60: the wait itself may be longer
    run = watched.finish().main
    assert (run.status, run.waited_in_vain) == (RunStatus.TIMEOUT, False)
    assert run.cpu_seconds < 1


def test_supervisor_and_options_have_the_same_cpu_share() -> None:
    assert CPU_QUOTA_MICROSECONDS / CPU_PERIOD_MICROSECONDS == cgroup.CPU_SHARE


def test_program_without_an_answer_in_time_ends(impatient: Patient) -> None:
    watched = Watched(impatient(0.5), "print('so far')\ninput()", tests=[TestProgram(stdin="a\n")])
    outcome = watched.finish()
    assert (outcome.main.status, outcome.main.waited_in_vain) == (RunStatus.TIMEOUT, True)
    assert outcome.main.stdout == "so far\n"
    assert outcome.main.wall_seconds < 2
    assert outcome.tests[0].status is RunStatus.SUCCESS


def test_program_that_waits_too_long_in_all_ends(impatient: Patient) -> None:
    watched = Watched(impatient(60, 1.0), "while True: input()")
    started = time.monotonic()
    for event in watched:
        if isinstance(event, Asked):
            time.sleep(0.3)
            watched.console.feed("\n")
    assert watched.finish().main.waited_in_vain
    assert watched.questions >= 3
    assert time.monotonic() - started < 10


def test_program_that_may_no_longer_wait_ends_soon(impatient: Patient) -> None:
    watched = Watched(impatient(60), "print('so far')\ninput()")
    watched.until(Asked)
    started = time.monotonic()
    watched.console.may_wait = False
    outcome = watched.finish()
    assert (outcome.main.stdout, outcome.main.waited_in_vain) == ("so far\n", True)
    assert time.monotonic() - started < 10


def test_answer_in_time_may_wait_for_a_slot(impatient: Patient) -> None:
    """Another program holds the only slot for longer than a person may take to answer."""
    sandbox = impatient(3, max_concurrent=1, pool_size=2, queue_seconds=4)
    watched = Watched(sandbox, "print(input())")
    watched.until(Began)
    other = Watched(sandbox, "import time\ntime.sleep(7)", is_interactive=False)
    watched.until(Asked)
    other.until(Began)
    watched.console.feed("Ada\n")
    assert watched.finish().main.stdout == "Ada\n"
    other.console.stop()
    other.finish()


def test_supervisor_starved_during_a_wait_is_not_waited_for(sandbox: Sandbox) -> None:
    code = """
import os, threading
threading.Thread(target=input).start()
while True:
    try: os.fork()
    except OSError: pass
"""
    watched = Watched(sandbox, code, timeout_seconds=1)
    assert seconds_of(watched) < 30
    assert watched.finish().main.status in (RunStatus.TIMEOUT, RunStatus.ERROR, RunStatus.MEMORY_LIMIT)


# Unread input


def test_late_input_reaches_no_test(sandbox: Sandbox) -> None:
    """Some of it is in the program's pipe by then, and some still in the supervisor's."""
    code = """
import sys, time
first = input()
if first == 'own':
    print([first, *sys.stdin])
time.sleep(0.5)
"""
    watched = Watched(sandbox, code, tests=[TestProgram(stdin="own\n")])
    for _ in range(12):
        watched.console.feed("left over\n" * 1_500)
    outcome = watched.finish()
    assert outcome.main.status is RunStatus.SUCCESS
    assert outcome.tests[0].stdout == "['own']\n"


@pytest.mark.parametrize("code", ["input()\nimport time\ntime.sleep(1)", "import os, time\nos.close(0)\ntime.sleep(1)"])
def test_unread_input_delays_nothing(sandbox: Sandbox, code: str) -> None:
    watched = Watched(sandbox, code, tests=[TestProgram(stdin="\n")])
    for _ in range(16):
        assert watched.console.feed("x" * 15_000 + "\n")
    outcome = watched.finish()
    assert [run.status for run in (outcome.main, *outcome.tests)] == [RunStatus.SUCCESS] * 2
    assert not watched.console.feed("late\n")


def test_deny_finding_earlier_input_in_memory(sandbox: Sandbox) -> None:
    """Input goes to the program alone: it is never in the memory that the tests are forked from."""
    search = TestProgram(code="print(find('C A N A R Y C A N A R Y') > 0)")
    own = TestProgram(code="own = 'CANARYCANARY'\n" + search.code)
    watched = Watched(sandbox, SEARCH + "typed = input()", "CANARYCANARY\n", stdin="\n", tests=[search, own])
    watched.console.feed("CANARYCANARY\n")
    assert [run.stdout for run in watched.finish().tests] == ["False\n", "True\n"]


# Stopped runs


def own_containers(engine: Engine) -> set[str]:
    """Return the ids of the containers of this process."""
    return {each.id for each in engine.containers() if each.labels[OWNER_LABEL].startswith(f"{os.getpid()}-")}


LEFT = {
    "sleeps": "import time\nprint('so far')\ntime.sleep(9)",
    "waits": "print('so far')\ninput()",
    "computes": "print('so far')\nwhile True: pass",
    "prints": "import time\nwhile True:\n    print('so far')\n    time.sleep(0.1)",
    "has children": "import os, time\nprint('so far')\nfor _ in range(5): os.fork()\ntime.sleep(9)",
}


@pytest.mark.parametrize("code", LEFT.values(), ids=LEFT.keys())
def test_stopped_run_ends_and_reports_its_cost(sandbox: Sandbox, engine: Engine, code: str) -> None:
    assert eventually(lambda: sandbox.health().idle > 0)
    before = own_containers(engine)
    watched = Watched(sandbox, code, tests=[TestProgram(stdin="")], is_interactive="input" in code)
    watched.until(Printed)
    watched.console.stop()
    assert seconds_of(watched) < 5
    outcome = watched.finish()
    assert [run.status for run in (outcome.main, *outcome.tests)] == [RunStatus.CANCELLED, RunStatus.NOT_RUN]
    assert outcome.main.stdout.startswith("so far")  # the end of the line may not have been written yet
    assert outcome.main.memory_peak_kb > 0  # reported by the supervisor, not guessed
    assert eventually(lambda: bool(before - own_containers(engine)))


def test_stopped_run_with_unread_stdin_ends(sandbox: Sandbox, engine: Engine) -> None:
    """The end of the connection waits behind unread data: the container is removed by force."""
    code = "import time\nprint('so far')\ntime.sleep(9)"
    before = own_containers(engine)
    watched = Watched(sandbox, code, stdin="x" * 250_000, is_interactive=False)
    watched.until(Printed)
    watched.console.stop()
    assert seconds_of(watched) < 5
    run = watched.finish().main
    assert run.status is RunStatus.CANCELLED
    assert run.cpu_seconds <= 5 * cgroup.CPU_SHARE
    assert eventually(lambda: bool(before - own_containers(engine)))


def test_stopped_test_ends(sandbox: Sandbox) -> None:
    tests = [TestProgram(code="import time\ntime.sleep(9)"), TestProgram(stdin="")]
    watched = Watched(sandbox, "print(1)", tests=tests)
    watched.until(Ended)
    watched.console.stop()
    assert seconds_of(watched) < 5
    statuses = [run.status for run in watched.finish().tests]
    assert statuses == [RunStatus.CANCELLED, RunStatus.NOT_RUN]


def test_submission_stopped_before_its_start_runs_nothing(sandbox: Sandbox) -> None:
    with closing(Console(is_interactive=True)) as console:
        console.stop()
        outcome = sandbox.execute(Submission("print(1)", "", (TestProgram(stdin=""),), 5), console)
    assert [run.status for run in (outcome.main, *outcome.tests)] == [RunStatus.CANCELLED, RunStatus.NOT_RUN]
    assert outcome.main.stdout == ""


# Slots of waiting programs


def test_waiting_program_leaves_its_slot_to_others(impatient: Patient) -> None:
    sandbox = impatient(60, max_concurrent=1, pool_size=2, queue_seconds=20)
    watched = [Watched(sandbox, "print(input())") for _ in range(2)]
    for each in watched:
        each.until(Asked)
    assert sandbox.health().in_use == 0
    assert sandbox.execute(Submission("print('others')", "", (), 5)).main.stdout == "others\n"
    for each in watched:
        each.console.feed("Ada\n")
        assert each.finish().main.stdout == "Ada\n"
    assert eventually(lambda: sandbox.health().in_use == 0)


def test_answered_program_gets_its_slot_back_before_callers_in_line(impatient: Patient) -> None:
    sandbox = impatient(60, max_concurrent=1, pool_size=3, queue_seconds=20)
    watched = Watched(sandbox, "print(input())")
    watched.until(Asked)
    long = Submission("import time\ntime.sleep(1)", "", (), 5)
    with ThreadPoolExecutor(3) as others:
        runs = [others.submit(sandbox.execute, long) for _ in range(3)]
        assert eventually(lambda: sandbox.health().waiting == 2)
        watched.console.feed("Ada\n")
        assert watched.finish().main.stdout == "Ada\n"
        assert sum(run.done() for run in runs) < 3
    assert sandbox.health().in_use == 0
