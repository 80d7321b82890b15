"""The supervisor reaps the processes of a run a few at a time and checks the clock in between."""

import subprocess
import sys
from pathlib import Path

from guest.supervisor.processes import REAPED_AT_ONCE

# In its own process, because the supervisor reaps every child of its process.
REAP = """
import os, signal
from guest.supervisor.cgroup import Cgroup
from guest.supervisor.processes import Processes, wake_on_child

wakeup = wake_on_child()
pids = [os.fork() or os._exit(0) for _ in range({processes})]
for pid in pids:
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
os.read(wakeup, 4096)
processes = Processes(0, Cgroup())
while True:
    assert list(processes.reap()) == []
    left = len(open(f"/proc/self/task/{{os.getpid()}}/children").read().split())
    try:
        print(left, os.read(wakeup, 4096) != b"")
    except BlockingIOError:
        print(left, False)
        break
"""


def test_many_dying_processes_do_not_delay_the_timeout() -> None:
    program = REAP.format(processes=2 * REAPED_AT_ONCE + 1)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=50
    )
    turns = [(REAPED_AT_ONCE + 1, True), (1, True), (0, False)]  # and it wakes itself until all are reaped
    assert done.stdout == "".join(f"{left} {wakes}\n" for left, wakes in turns), done.stderr
