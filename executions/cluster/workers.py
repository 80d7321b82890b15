"""What a web process knows of the workers."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from executions.cluster.board import LIFE_SECONDS
from executions.cluster.messages import WorkerState
from executions.sandbox.results import SandboxBusy, SandboxUnavailable
from executions.sandbox.sandbox import SandboxHealth

NO_WORKERS = SandboxHealth(reason="no worker is alive")

MOST_SHOWN = 100
"""How many workers are shown one by one: to people, to monitors, and as series to Prometheus."""


@dataclass(frozen=True, slots=True)
class SeenWorker:
    """A worker, and how long ago it has said how it is."""

    state: WorkerState
    silent_seconds: float


def load(workers: Sequence[SeenWorker]) -> float | None:
    """Return how many programs run or wait in line for each slot of the workers that serve; None if none does.

    From 1 on, programs wait for others to end.
    """
    serving = [each.state for each in workers if each.state.is_serving]
    wanted = sum(state.health.in_use + state.health.waiting for state in serving)
    return wanted / sum(state.slots for state in serving) if serving else None


class Workers:
    """The last state of each worker, and how many submissions this process has sent it since."""

    def __init__(self, life_seconds: float = LIFE_SECONDS) -> None:
        self._life_seconds = life_seconds
        self._lock = threading.Lock()
        self._states: dict[str, WorkerState] = {}
        self._sent: Counter[str] = Counter()
        self._sent_interactive: Counter[str] = Counter()
        self._heard_at: dict[str, float] = {}
        self._looked_at = float("-inf")

    def update(self, states: list[WorkerState]) -> None:
        """Note how the workers are now."""
        with self._lock:
            now = time.monotonic()
            for state in states:
                known = self._states.get(state.name)
                if known is None or known.number != state.number:
                    self._sent[state.name] = self._sent_interactive[state.name] = 0
                    self._heard_at[state.name] = now
            current = {state.name: state for state in states}
            for name in self._states.keys() - current.keys():
                del self._sent[name], self._sent_interactive[name], self._heard_at[name]
            self._states = current
            self._looked_at = now

    def seen(self) -> tuple[SeenWorker, ...]:
        """Return the workers that are alive, by host and name."""
        with self._lock:
            now = time.monotonic()
            states = sorted(self._known(), key=lambda state: (state.host, state.name))
            return tuple(SeenWorker(state, now - self._heard_at[state.name]) for state in states)

    def choose(self, others_than: set[str], is_interactive: bool = False) -> str:
        """Return the worker with the fewest submissions for each slot, and among equals the most waiting containers.

        A submission that would have to wait for a container to start counts as two. Raises SandboxUnavailable if no
        worker runs programs, SandboxBusy if the lines of all are full.
        """
        with self._lock:
            serving = [state for state in self._states.values() if state.is_serving]
            if not self._are_known() or not serving:
                raise SandboxUnavailable(self._health().reason)
            open_ones = [
                each for each in serving if each.name not in others_than and self._has_room(each, is_interactive)
            ]
            if not open_ones:
                raise SandboxBusy("the lines of all workers are full")
            best = min(open_ones, key=self._cost)
            self._sent[best.name] += 1
            self._sent_interactive[best.name] += is_interactive
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

    def _known(self) -> list[WorkerState]:
        return list(self._states.values()) if self._are_known() else []

    def _load(self, state: WorkerState) -> int:
        """Return how many submissions a worker has, as far as this process knows."""
        return state.health.in_use + state.health.waiting + self._sent[state.name]

    def _cost(self, state: WorkerState) -> tuple[float, int]:
        """Return what is least for the worker that should get the next submission."""
        waits_for_start = self._sent[state.name] >= state.health.idle
        return (self._load(state) + waits_for_start) / state.slots, -state.health.idle

    def _has_room(self, state: WorkerState, is_interactive: bool) -> bool:
        """Return whether a worker has room in its line; for one that is interactive also among those that may wait."""
        if is_interactive and state.interactive + self._sent_interactive[state.name] >= state.most_interactive:
            return False
        return self._load(state) < state.most_slots + state.queue_length

    def _health(self) -> SandboxHealth:
        states = self._known()
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
            line_seconds=min(health.line_seconds for health in serving or everywhere),
        )
