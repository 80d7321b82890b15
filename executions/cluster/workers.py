"""What a web process knows of the workers."""

import threading
import time
from collections import Counter

from executions.cluster.board import LIFE_SECONDS
from executions.cluster.messages import WorkerState
from executions.sandbox.results import SandboxBusy, SandboxUnavailable
from executions.sandbox.sandbox import SandboxHealth

NO_WORKERS = SandboxHealth(False, "unreachable", "no worker is alive", 0, 0, 0)


class Workers:
    """How the workers say that they are, and how many submissions this process has sent to each since it said so."""

    def __init__(self, life_seconds: float = LIFE_SECONDS) -> None:
        self._life_seconds = life_seconds
        self._lock = threading.Lock()
        self._states: dict[str, WorkerState] = {}
        self._sent: Counter[str] = Counter()
        self._looked_at = float("-inf")

    def update(self, states: list[WorkerState]) -> None:
        """Note how the workers are now."""
        with self._lock:
            for state in states:
                known = self._states.get(state.name)
                if known is None or known.number != state.number:
                    self._sent[state.name] = 0
            self._states = {state.name: state for state in states}
            self._looked_at = time.monotonic()

    def choose(self, others_than: set[str]) -> str:
        """Return the worker with the fewest submissions for each slot, and among equals the most waiting containers.

        Raises SandboxUnavailable if no worker runs programs, SandboxBusy if the lines of all are full.
        """
        with self._lock:
            serving = [state for state in self._states.values() if state.is_serving]
            if not self._are_known() or not serving:
                raise SandboxUnavailable(self._health().reason)
            open_ones = [each for each in serving if each.name not in others_than and self._has_room(each)]
            if not open_ones:
                raise SandboxBusy("the lines of all workers are full")
            best = min(open_ones, key=lambda each: (self._load(each) / each.slots, -each.health.idle))
            self._sent[best.name] += 1
            return best.name

    def is_alive(self, name: str) -> bool:
        """Return whether a worker is alive. If nothing is known lately, it is not given up."""
        return not self._are_known() or name in self._states

    def takes_orders(self, name: str) -> bool:
        """Return whether a worker is alive and not about to end."""
        state = self._states.get(name)
        return not self._are_known() or (state is not None and not state.is_leaving)

    def health(self) -> SandboxHealth:
        """Return the state of all workers together: ready if one is."""
        with self._lock:
            return self._health()

    def _are_known(self) -> bool:
        return time.monotonic() - self._looked_at < self._life_seconds

    def _load(self, state: WorkerState) -> int:
        """Return how many submissions a worker has, as far as this process knows."""
        return state.health.in_use + state.health.waiting + self._sent[state.name]

    def _has_room(self, state: WorkerState) -> bool:
        return self._load(state) < state.most_slots + state.queue_length

    def _health(self) -> SandboxHealth:
        states = list(self._states.values()) if self._are_known() else []
        if not states:
            return NO_WORKERS
        everywhere = [state.health for state in states]
        serving = [state.health for state in states if state.is_serving]
        one = (serving or everywhere)[0]
        return SandboxHealth(
            ready=bool(serving),
            engine=one.engine,
            reason="" if serving else one.reason or "the workers are about to end",
            idle=sum(health.idle for health in everywhere),
            in_use=sum(health.in_use for health in everywhere),
            waiting=sum(health.waiting for health in everywhere),
            disk=one.disk,
            stuck=sum(health.stuck for health in everywhere),
        )
