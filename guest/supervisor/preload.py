"""Loads what programs import into the supervisor, once: it is then free in every child."""

from __future__ import annotations

import gc
import time

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from guest.supervisor.cgroup import Cgroup
    from guest.supervisor.forks import ForkHooks
    from guest.supervisor.host import Host
    from guest.supervisor.inspection import Inspection

# What lessons import, and what we need for some runs.
LESSONS = (
    "linecache traceback ast warnings abc array bisect calendar collections contextlib copy csv dataclasses datetime "
    "decimal enum fractions functools heapq inspect io itertools json math operator os pathlib pprint queue random re "
    "statistics string sys tempfile textwrap time types typing unittest guest.supervisor.waiting graphlib "
    "guest.program.syntax guest.hints.detail guest.hints.rules.syntax guest.hints.rules.names guest.hints.rules.values "
    "guest.hints.rules.attributes guest.hints.rules.calls guest.hints.rules.outside guest.hints.rules.modules"
).split()


def load_science(fork_hooks: ForkHooks) -> None:
    """Load the packages of the science profile."""
    from guest.program import science

    fork_hooks.load_threading()
    science.load()


class Preload:
    """Loads what lessons import, while the host sends nothing.

    Under load a container gets a run as soon as it is ready, and loading more would take CPU time from the others.
    """

    def __init__(self, host: Host, cgroup: Cgroup, fork_hooks: ForkHooks, inspection: Inspection) -> None:
        self._is_complete = False
        self._host = host
        self._cgroup = cgroup
        self._fork_hooks = fork_hooks
        self._inspection = inspection

    def load_more(self, idle_seconds: float, cpu_seconds: float) -> bool:
        """Load more if no request arrives within `idle_seconds`, for about `cpu_seconds` or until a request arrives.

        Return whether all has now been loaded.
        """
        if self._is_complete or self._host.is_readable(idle_seconds):
            return False
        charged_bytes = self._cgroup.memory_bytes()
        self._is_complete = self._load_lessons(time.process_time() + cpu_seconds)
        if self._is_complete:
            gc.collect()
            gc.freeze()
        self._inspection.expect_more_memory(self._cgroup.memory_bytes() - charged_bytes)
        return self._is_complete

    def _load_lessons(self, until: float) -> bool:
        self._fork_hooks.load_threading()
        for name in LESSONS:
            __import__(name)
            if self._host.is_readable() or time.process_time() > until:
                return False
        return True
