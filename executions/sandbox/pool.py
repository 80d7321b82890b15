"""Keeps warm containers, and gives each to exactly one caller."""

import contextlib
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from executions.sandbox.container.container import Container
from executions.sandbox.container.talk import Slot
from executions.sandbox.counters import ENDED_WARM, FAILED_REFILLS, REFILLS
from executions.sandbox.engine.engine import EngineError
from executions.sandbox.profiles import LOADING_SECONDS, Profile
from executions.sandbox.results import CallerGone, RunLost, SandboxBusy, SandboxUnavailable, never
from executions.sandbox.settings import SandboxSettings
from executions.sandbox.threads import Loop
from executions.sandbox.timing import DEFAULT_TIMING, Deadline, Timing

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, slots=True)
class _Ticket:
    """One caller in line, who wants a container of the profile."""

    profile: Profile


class Pool:
    """Warm containers of each profile, at most `max_concurrent` in use, and one bounded line of callers.

    First come, first served, except that no caller waits behind one that cannot use the containers in stock.
    """

    def __init__(
        self, launch: Callable[[Profile], Container], settings: SandboxSettings, timing: Timing = DEFAULT_TIMING
    ) -> None:
        self._launch = launch
        self._settings = settings
        self._timing = timing
        self._sizes = {Profile.PLAIN: settings.pool_size, Profile.SCIENCE: settings.science_pool_size}
        self._idle: deque[Container] = deque()
        self._line: deque[_Ticket] = deque()  # one for each caller who waits
        self._launching: Counter[Profile] = Counter()
        self._in_use = 0
        self._paused = 0  # taken, but without a slot
        self._returning = 0  # of these, how many wait for their slot
        self._failures: Counter[Profile] = Counter()  # launches in a row
        self._closed = False
        # One lock for all of the state above; every change notifies.
        self._changed = threading.Condition()
        self._refills = [
            Loop(f"refill-{profile}-{number}", partial(self._refill, profile))
            for profile, size in self._sizes.items()
            for number in range(settings.refill_threads)
            if size
        ]

    @property
    def idle(self) -> int:
        """How many warm containers wait."""
        return len(self._idle)

    @property
    def in_use(self) -> int:
        """How many containers are taken, not counting those whose program waits for input."""
        return self._in_use

    @property
    def waiting(self) -> int:
        """How many callers wait in line."""
        return len(self._line)

    @property
    def is_failing(self) -> bool:
        """Whether no containers can be launched now. Without science containers, programs only run slower."""
        return self._is_given_up(Profile.PLAIN)

    def start(self) -> None:
        """Start to fill the pool. Returns at once; does nothing if started before."""
        for refill in self._refills:
            refill.start()

    @contextlib.contextmanager
    def container(
        self, profile: Profile = Profile.PLAIN, is_abandoned: Callable[[], bool] = never
    ) -> Iterator[Container]:
        """Give a warm container to this caller alone, and destroy it afterwards.

        It is a plain one if none of the profile are kept or can be launched.

        Raises SandboxBusy if the line is full or no container comes free within `queue_seconds`, SandboxUnavailable if
        none can be launched or the pool is closed, CallerGone if it `is_abandoned` when its container comes free.
        """
        patience_seconds = self._settings.queue_seconds + (LOADING_SECONDS if profile is Profile.SCIENCE else 0)
        container = self._take(_Ticket(profile), Deadline.after(patience_seconds), is_abandoned)
        try:
            yield container
        finally:
            container.close()
            with self._changed:
                self._in_use -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def without_slot(self) -> Iterator[Slot]:
        """Lend the slot of a container in use to others; it is taken back at the end, or earlier."""
        slot = Slot(self._wait_for_slot)
        with self._changed:
            self._in_use -= 1
            self._paused += 1
            self._changed.notify_all()
        try:
            yield slot
        finally:
            if not slot.is_held:
                with self._changed:
                    self._in_use += 1
                    self._paused -= 1

    def _wait_for_slot(self) -> None:
        """Wait for a slot, ahead of all callers in line. After `queue_seconds` take one beyond the limit: the program
        has its container already, and the others run only for seconds."""
        with self._changed:
            self._returning += 1
            self._changed.wait_for(
                lambda: self._closed or self._in_use < self._settings.max_concurrent, self._settings.queue_seconds
            )
            self._returning -= 1
            self._in_use += 1
            self._paused -= 1

    def discard_dead(self) -> None:
        """Replace waiting containers that have ended, as all do when the engine restarts."""
        with self._changed:
            dead = [container for container in self._idle if not container.is_waiting()]
            for container in dead:
                self._idle.remove(container)
                container.close()
            if dead:
                log.warning("%d warm containers had ended", len(dead))
                ENDED_WARM.inc(len(dead))
                self._changed.notify_all()

    def discard_idle(self) -> None:
        """Close all waiting containers, and have others launched in their place."""
        with self._changed:
            while self._idle:
                self._idle.popleft().close()
            self._changed.notify_all()

    def forget_failures(self) -> None:
        """Let launches be tried at once, as if none had failed."""
        with self._changed:
            self._failures.clear()
            self._changed.notify_all()

    def close(self, drain_seconds: float) -> None:
        """Refuse new callers, let current runs finish for `drain_seconds`, and close all containers."""
        deadline = Deadline.after(drain_seconds)
        for refill in self._refills:
            refill.close()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._in_use + self._paused == 0, deadline.remaining_seconds())
        self.discard_idle()
        for refill in self._refills:
            refill.join(deadline.remaining_seconds() + 1)

    def _take(self, ticket: _Ticket, deadline: Deadline, is_abandoned: Callable[[], bool]) -> Container:
        with self._changed:
            self.discard_dead()
            if not self._can_serve(ticket) and len(self._line) >= self._settings.queue_length:
                raise SandboxBusy("the waiting line is full")
            self._line.append(ticket)
            self._changed.notify_all()  # the refill threads launch what the line needs
            try:
                self._wait_for_turn(ticket, deadline)
                if self._closed:
                    raise SandboxUnavailable("shutting down")
                if not self._can_serve(ticket):
                    if self._is_hopeless():
                        raise SandboxUnavailable("no container can be started")
                    raise SandboxBusy("no container came free in time")
                if is_abandoned():
                    raise CallerGone("nobody waits for the answer")
                self._in_use += 1
                container = self._stock(self._served(ticket))[0]
                self._idle.remove(container)
                return container
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()

    def _wait_for_turn(self, ticket: _Ticket, deadline: Deadline) -> None:
        """Wait until the caller can be served, must be refused, or has waited too long."""
        while not (self._closed or self._can_serve(ticket) or self._is_hopeless()):
            remaining_seconds = deadline.remaining_seconds()
            if not remaining_seconds:
                return
            self._changed.wait(remaining_seconds)
            self.discard_dead()

    def _can_serve(self, ticket: _Ticket) -> bool:
        """Whether there is a slot, and a container that no earlier caller in line could use."""
        if self._in_use + self._returning >= self._settings.max_concurrent:
            return False
        for earlier in self._line:
            if earlier is ticket:
                break
            if self._stock(self._served(earlier)):
                return False
        return bool(self._stock(self._served(ticket)))

    def _served(self, ticket: _Ticket) -> Profile:
        """Return the profile of the container that the caller with `ticket` will get."""
        profile = ticket.profile
        if not self._sizes[profile] or (self._is_given_up(profile) and not self._stock(profile)):
            return Profile.PLAIN
        return profile

    def _stock(self, profile: Profile) -> list[Container]:
        """Return the waiting containers of the profile; the first has waited longest."""
        return [container for container in self._idle if container.profile is profile]

    def _is_given_up(self, profile: Profile) -> bool:
        return self._failures[profile] >= self._timing.failures_to_give_up

    def _is_hopeless(self) -> bool:
        return self.is_failing and not self._stock(Profile.PLAIN)

    def _is_short(self, profile: Profile) -> bool:
        """Whether to launch another container: for the stock, or for a line longer than the stock."""
        return len(self._stock(profile)) + self._launching[profile] < self._wanted(profile)

    def _wanted(self, profile: Profile) -> int:
        waiting = sum(self._served(ticket) is profile for ticket in self._line)
        return max(self._sizes[profile], min(waiting, self._settings.max_concurrent))

    def _refill(self, profile: Profile) -> None:
        """Launch a container when one is wanted; pause before it if the last launch failed. One step of a thread."""
        with self._changed:
            if failures := self._failures[profile]:
                pauses = self._timing.relaunch_seconds
                self._changed.wait_for(
                    lambda: self._closed or not self._failures[profile], pauses[min(failures, len(pauses)) - 1]
                )
            self._changed.wait_for(lambda: self._closed or self._is_short(profile))
            # A launch takes CPU time from the program that has just started. Most have ended after this delay.
            self._changed.wait_for(lambda: self._closed or not self._stock(profile), self._timing.refill_delay_seconds)
            if self._closed or not self._is_short(profile):
                return
            self._launching[profile] += 1
        container = None
        try:
            container = self._try_launch(profile)
        finally:
            (FAILED_REFILLS if container is None else REFILLS).inc()
            with self._changed:
                self._launching[profile] -= 1
                self._failures[profile] = self._failures[profile] + 1 if container is None else 0
                if container is not None:
                    # The callers that it was launched for may have left the line.
                    if self._closed or len(self._stock(profile)) >= self._wanted(profile):
                        container.close()
                    else:
                        self._idle.append(container)
                self._changed.notify_all()

    def _try_launch(self, profile: Profile) -> Container | None:
        started = time.monotonic()
        try:
            return self._launch(profile)
        except (EngineError, RunLost) as error:
            log.error("launch failed after %.1f s: %s", time.monotonic() - started, error)
            return None
