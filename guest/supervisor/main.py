"""PID 1 of a container: keeps a child with a loaded interpreter ready, and performs one run in each child.

Every child is a fork of this process and so has a copy of its memory. No data of a run may therefore stay in it: code
and stdin go from our stdin to the child's inside the kernel, and output passes through one buffer, which is wiped. So
no test of a submission, and no later submission, can find the data of an earlier run. After each run this process
checks what else the run may have left, and tells the host.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` itself would load enum and all that it needs
import gc
import sys

from guest import protocol
from guest.program import task
from guest.supervisor.cgroup import Cgroup
from guest.supervisor.child import Child
from guest.supervisor.confinement import confine_supervisor
from guest.supervisor.forks import ForkHooks
from guest.supervisor.host import Host
from guest.supervisor.inspection import Inspection
from guest.supervisor.mailbox import Mailbox, TestPart, Trace
from guest.supervisor.preload import Preload, load_science
from guest.supervisor.processes import wake_on_child
from guest.supervisor.run import Run
from guest.supervisor.scratch import Scratch
from guest.supervisor.watch import Watch

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from typing import NoReturn

IDLE_SECONDS_AT_START = 0.1
IDLE_SECONDS_AFTER_RUN = 0.01
"""Within this time the host requests the next test, or closes a container that it does not use again."""

PRELOAD_SECONDS = 1.0
PRELOAD_SECONDS_AFTER_RUN = 0.005
"""How much CPU time to load more modules for: the host waits to use the container again."""

LOOKS_IN_A_PERIOD = 10


def main() -> NoReturn:
    """Serve runs until stdin ends; in each child, run its task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python's handler would let a child interrupt us
    host, cgroup, scratch, fork_hooks = Host(), Cgroup(), Scratch(), ForkHooks()
    host.widen_stdin()  # before our filter, which refuses it
    mailbox, part, trace = Mailbox(), TestPart(), Trace()
    watch = Watch(confine_supervisor(), cgroup)
    wakeup = wake_on_child()
    if sys.argv[1:] == ["science"]:
        load_science(fork_hooks)
    scratch.sweep()  # matplotlib makes directories
    gc.freeze()  # a collection in a child would otherwise write to, and so copy, every page
    inspection = Inspection(cgroup)
    preload = Preload(host, cgroup, fork_hooks, inspection)
    differences = inspection.differences()  # what cannot be checked here
    child = Child.start(fork_hooks)
    if child is not None:
        host.send(protocol.READY, " ".join(differences).encode())
        if preload.load_more(IDLE_SECONDS_AT_START, PRELOAD_SECONDS):
            child.discard()
            child = Child.start(fork_hooks)
    while child is not None:
        _, throttled = cgroup.cpu_periods()
        Run(child, host.receive_request(), host, cgroup, watch, wakeup, part, trace).perform(mailbox)
        scratch.sweep()
        differences = inspection.differences()
        preload.load_more(IDLE_SECONDS_AFTER_RUN, PRELOAD_SECONDS_AFTER_RUN)
        child = Child.start(fork_hooks)
        if child is not None:
            if cgroup.cpu_periods()[1] > throttled:
                _wait_for_a_whole_share(host, cgroup)
            host.send(protocol.READY, " ".join(differences).encode())
    task.run_task(mailbox, part, trace)


def _wait_for_a_whole_share(host: Host, cgroup: Cgroup) -> None:
    """Wait for the next period of the CPU limit, so that the next submission does not pay for the last one.

    If a request is here already, it is a test of the same submission, which does not wait.
    """
    period, _ = cgroup.cpu_periods()
    for _ in range(LOOKS_IN_A_PERIOD):
        if host.is_readable(cgroup.cpu_period_seconds / LOOKS_IN_A_PERIOD) or cgroup.cpu_periods()[0] > period:
            return
