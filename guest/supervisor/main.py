"""PID 1 of a container: keeps a child with a loaded interpreter ready, and performs one run in each child.

Every child is a fork of this process and so has a copy of its memory. No data of a run may therefore stay in it: code
and stdin go from our stdin to the child's inside the kernel, and output passes through one buffer, which is wiped. So
no test of a submission can find the data of an earlier run.
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
from guest.supervisor.mailbox import Mailbox, TestPart
from guest.supervisor.processes import wake_on_child
from guest.supervisor.run import Run
from guest.supervisor.scratch import Scratch
from guest.supervisor.watch import Watch

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from typing import NoReturn

IDLE_SECONDS_BEFORE_PRELOAD = 0.1

# What lessons import, and what we need for some runs: loaded once here, free in every child.
PRELOADED = (
    "linecache traceback ast warnings abc array bisect calendar collections contextlib copy csv dataclasses datetime "
    "decimal enum fractions functools heapq inspect io itertools json math operator os pathlib pprint queue random re "
    "statistics string sys tempfile textwrap time types typing unittest guest.supervisor.waiting"
).split()


def main() -> NoReturn:
    """Serve runs until stdin ends; in each child, run its task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python's handler would let a child interrupt us
    host, cgroup, scratch, fork_hooks = Host(), Cgroup(), Scratch(), ForkHooks()
    mailbox, part = Mailbox(), TestPart()
    watch = Watch(confine_supervisor(), cgroup)
    wakeup = wake_on_child()
    if sys.argv[1:] == ["science"]:
        _load_science(fork_hooks)
        scratch.sweep()  # matplotlib makes directories
    gc.freeze()  # a collection in a child would otherwise write to, and so copy, every page
    child = Child.start(fork_hooks)
    if child is not None:
        host.send(protocol.READY)
        if _preload_while_idle(host, fork_hooks):
            child.discard()
            child = Child.start(fork_hooks)
    while child is not None:
        Run(child, host.receive_request(), host, cgroup, watch, wakeup, part).perform(mailbox)
        scratch.sweep()
        child = Child.start(fork_hooks)
    task.run_task(mailbox, part)


def _load_science(fork_hooks: ForkHooks) -> None:
    from guest.program import science

    fork_hooks.load_threading()
    science.load()


def _preload_while_idle(host: Host, fork_hooks: ForkHooks) -> bool:
    """Load what lessons import; stop as soon as a request arrives. Return whether all is loaded.

    Under load a container gets a run as soon as it is ready, and loading more would take CPU time from the others.
    """
    if host.is_readable(IDLE_SECONDS_BEFORE_PRELOAD):
        return False
    fork_hooks.load_threading()
    for name in PRELOADED:
        __import__(name)
        if host.is_readable():
            return False
    gc.collect()
    gc.freeze()
    return True
