"""A program gets the time that it was promised, whatever else the machine does meanwhile."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from executions.sandbox.results import RunStatus, TestProgram
from executions.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import Runner

pytestmark = [pytest.mark.docker, pytest.mark.alone]  # takes all processors

HOGS_FOR_EACH_PROCESSOR = 8
"""With these, all containers together get a ninth of the processors' time, and not one of them its quarter."""

QUARTER_OF_A_SECOND = """
import time
while time.process_time() < 0.25:
    pass
"""
"""At a quarter of a CPU this takes 0.7 to 1 second."""


TWENTY_THREADS = """
import threading

def loop():
    while True: pass

for _ in range(20):
    threading.Thread(target=loop).start()
loop()
"""


@pytest.fixture
def _busy_machine(sandbox: Sandbox) -> Iterator[None]:
    """Take all processors, once there is a sandbox: it would take long to start."""
    count = HOGS_FOR_EACH_PROCESSOR * (os.cpu_count() or 1)
    loop = [sys.executable, "-c", "while True: pass"]
    # In sessions of their own: the kernel shares the processors between sessions (sched(7), autogroups).
    hogs = [subprocess.Popen(loop, start_new_session=True) for _ in range(count)]
    yield
    for hog in hogs:
        hog.kill()
        hog.wait()


@pytest.mark.usefixtures("_busy_machine")
def test_program_is_not_charged_for_what_others_take(run: Runner) -> None:
    """The two runs take 4.8 to 6 seconds here. At most half of them can be others' (`Run.charged_seconds`)."""
    outcome = run.tests(QUARTER_OF_A_SECOND, TestProgram(code="print('tested')"), timeout_seconds=4)
    assert [each.status for each in outcome.runs] == [RunStatus.SUCCESS] * 2
    assert sum(each.wall_seconds for each in outcome.runs) > 4 > sum(each.charged_seconds for each in outcome.runs)


@pytest.mark.usefixtures("_busy_machine")
def test_endless_loop_takes_at_most_twice_its_time(run: Runner) -> None:
    began = time.monotonic()
    status = run("while True: pass", timeout_seconds=2).status
    assert status is RunStatus.TIMEOUT
    assert 2.5 < time.monotonic() - began < 2 * 2 + 3


@pytest.mark.usefixtures("_busy_machine")
def test_program_that_sleeps_gets_no_more_time(run: Runner) -> None:
    sleeper = run("import time\nwhile True: time.sleep(0.1)", timeout_seconds=2)
    assert sleeper.status is RunStatus.TIMEOUT
    assert sleeper.delayed_seconds < 1


def test_threads_of_a_program_are_no_other_work(run: Runner) -> None:
    """They keep its first thread waiting, but the container has had its share."""
    main = run(TWENTY_THREADS, timeout_seconds=2)
    assert main.status is RunStatus.TIMEOUT
    assert main.wall_seconds < 2.6
