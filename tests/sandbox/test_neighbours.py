"""Programs that run side by side each get their own share, whatever the others do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from executions.sandbox.container.transcript import CPU_SHARE
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.options import CPU_QUOTA_MICROSECONDS
from executions.sandbox.results import Run, RunStatus, Submission
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.settings import SandboxSettings
from tests.sandbox.conftest import RUNTIME, containers_of, demand_ready
from tests.sandbox.probing import FEW_PROBES
from tests.sandbox.test_isolation import that_goes_on
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

BUSY_SECONDS = 3

# Counts the work done in a fixed time, and the CPU time it took, including children.
BUSY = f"""
import os, time
for _ in range({{processes}} - 1):
    if os.fork() == 0: break
start, loops = time.monotonic(), 0
while time.monotonic() - start < {BUSY_SECONDS}:
    sum(range(1000)); loops += 1
print(loops)
"""


@pytest.fixture(scope="module")
def large() -> Iterator[Sandbox]:
    settings = SandboxSettings(pool_size=4, max_concurrent=10, queue_seconds=60, refill_threads=4, runtime=RUNTIME)
    sandbox = Sandbox(settings, probes=FEW_PROBES)
    sandbox.start()
    demand_ready(sandbox)
    yield sandbox
    sandbox.close(drain_seconds=1)


@pytest.fixture
def crowded(large: Sandbox, engine: Engine) -> Sandbox:
    """Return a sandbox that nothing of the last test runs in."""
    assert eventually(lambda: large.health().idle == 4 and len(containers_of(engine, large)) == 4, 30), large.health()
    return large


def side_by_side(sandbox: Sandbox, *codes: str) -> list[Run]:
    """Run the programs at the same time."""
    submissions = [Submission(code, "", (), timeout_seconds=10) for code in codes]
    with ThreadPoolExecutor(len(submissions)) as executor:
        return [outcome.main for outcome in executor.map(sandbox.execute, submissions)]


def test_allow_100_mb_to_each_of_ten(crowded: Sandbox) -> None:
    runs = side_by_side(crowded, *["x = bytearray(100 << 20)\nimport time\ntime.sleep(2)\nprint('ok')"] * 10)
    assert [(run.status, run.stdout) for run in runs] == [(RunStatus.SUCCESS, "ok\n")] * 10


def test_deny_more_than_a_quarter_of_a_cpu(crowded: Sandbox) -> None:
    """With one process, with ten, and beside others, each gets at most its share, and none gets much less."""
    codes = [BUSY.format(processes=processes) for processes in (1, 1, 1, 10)]
    runs = side_by_side(crowded, *codes)
    for run in runs:
        assert run.status is RunStatus.SUCCESS
        # It may have begun at the end of one period, and ended at the start of another.
        assert run.cpu_seconds <= run.wall_seconds * CPU_SHARE + 1.5 * CPU_QUOTA_MICROSECONDS * 1e-6
    alike = [int(run.stdout) for run in runs[:3]]
    assert min(alike) > max(alike) / 3, alike


def test_fork_storm_starves_no_neighbour(crowded: Sandbox) -> None:
    storm = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    runs = side_by_side(crowded, storm, storm, "print('ok')", "import time\ntime.sleep(1)\nprint('ok')")
    assert [run.stdout for run in runs[2:]] == ["ok\n"] * 2


HOARD = """
import os, time
for _ in range(12):
    reader, writer = os.pipe()
    if os.fork() == 0:
        pipes = [os.pipe() for _ in range(110)]
        os.write(writer, b".")
        time.sleep(60)
    os.read(reader, 1)
print("full", flush=True)
"""

NEED = """
import fcntl, os
print(fcntl.fcntl(1, fcntl.F_GETPIPE_SZ), fcntl.fcntl(os.pipe()[1], fcntl.F_GETPIPE_SZ))
"""


@pytest.mark.wall("own_user")
def test_program_that_takes_all_the_pipes_of_its_user_takes_none_from_others(crowded: Sandbox) -> None:
    """The kernel counts pages of pipes, and other things, for each user of the host. Beyond, pipes get two pages."""
    with that_goes_on(crowded, HOARD, "full\n"):
        runs = side_by_side(crowded, *[NEED] * 4)  # more than were waiting: some start meanwhile
    assert [run.stdout for run in runs] == ["65536 65536\n"] * 4
