"""Keeps containers running and warm, and gives each to exactly one caller."""

import contextlib
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from executions.sandbox.container.container import Container
from executions.sandbox.container.slot import Slot
from executions.sandbox.counters import ENDED_WARM, FAILED_REFILLS, REFILLS
from executions.sandbox.deadline import Deadline
from executions.sandbox.engine.engine import EngineError
from executions.sandbox.profiles import LOADING_SECONDS, Profile
from executions.sandbox.results import CallerGone, RunLost, SandboxBusy, SandboxUnavailable, never
from executions.sandbox.settings import SandboxSettings

FAILURES_TO_GIVE_UP = 3
"""After so many launches in a row have failed, callers are refused at once instead of waiting."""

RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0)
"""Pauses after a failed launch; the last one repeats. A dead engine is asked no oftener than this by a thread."""

REFILL_DELAY_SECONDS = 0.05
"""How long a refill waits as long as there are others in stock."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, slots=True)
class _Ticket:
    """A place in the line, for a container of the profile."""

    profile: Profile


class Pool:
    """Warm containers of each profile, at most `max_concurrent` in use, and one bounded line of callers.

    First come first served, but nobody waits for a container that somebody else waits for and could not use.
    """

    def __init__(self, launch: Callable[[Profile], Container], settings: SandboxSettings) -> None:
        self._launch = launch
        self._settings = settings
        self._sizes = {Profile.PLAIN: settings.pool_size, Profile.SCIENCE: settings.science_pool_size}
        self._idle: deque[Container] = deque()
        self._line: deque[_Ticket] = deque()  # one for each caller that waits
        self._launching: Counter[Profile] = Counter()
        self._in_use = 0
        self._paused = 0  # given away, and without a slot
        self._returning = 0  # of these, who want one again
        self._failures: Counter[Profile] = Counter()  # launches in a row
        self._closed = False
        # One lock for all of the state above; whoever changes it notifies.
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._refill, args=[profile], name=f"refill-{profile}-{number}", daemon=True)
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
        """How many containers are given away, those apart whose program waits for a person."""
        return self._in_use

    @property
    def waiting(self) -> int:
        """How many callers stand in line."""
        return len(self._line)

    @property
    def is_failing(self) -> bool:
        """Whether new containers cannot be made now. Without those of another profile, programs only run slower."""
        return self._failures[Profile.PLAIN] >= FAILURES_TO_GIVE_UP

    def start(self) -> None:
        """Begin to fill. Returns at once; does nothing when started already."""
        for thread in self._threads:
            if thread.ident is None:
                thread.start()

    @contextlib.contextmanager
    def container(
        self, profile: Profile = Profile.PLAIN, is_abandoned: Callable[[], bool] = never
    ) -> Iterator[Container]:
        """Give a warm container to this caller alone, and destroy it afterwards.

        It is a plain one where none of the profile are kept or can be made.

        Raises SandboxBusy when the line is full or no container came in `queue_seconds`, SandboxUnavailable when
        none can be made or the pool is closed, CallerGone when it `is_abandoned` by the time that one has come.
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
        """Leave the slot of a container that is in use to others; it is taken back at the end, if not before."""
        slot = Slot(self._return_to_slot)
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

    def _return_to_slot(self) -> None:
        """Wait for room, before all who have yet to begin. After `queue_seconds` go on in any case: the program is here
        already, and those that run do so for seconds only."""
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
        """Let all waiting containers go, and have others made in their place."""
        with self._changed:
            while self._idle:
                self._idle.popleft().close()
            self._changed.notify_all()

    def close(self, drain_seconds: float) -> None:
        """Refuse new callers, give those in mid-run `drain_seconds` to finish, and let all containers go."""
        deadline = Deadline.after(drain_seconds)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._in_use + self._paused == 0, deadline.remaining_seconds())
        self.discard_idle()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(deadline.remaining_seconds() + 1)

    def _take(self, ticket: _Ticket, deadline: Deadline, is_abandoned: Callable[[], bool]) -> Container:
        with self._changed:
            if not self._can_serve(ticket) and len(self._line) >= self._settings.queue_length:
                raise SandboxBusy("the waiting line is full")
            self._line.append(ticket)
            self._changed.notify_all()  # the refilling threads make what the line needs
            try:
                self._changed.wait_for(
                    lambda: self._closed or self._can_serve(ticket) or self._is_hopeless(), deadline.remaining_seconds()
                )
                if self._closed:
                    raise SandboxUnavailable("shutting down")
                if not self._can_serve(ticket):
                    if self._is_hopeless():
                        raise SandboxUnavailable("no container can be started")
                    raise SandboxBusy("no container came free in time")
                if is_abandoned():
                    raise CallerGone("nobody waits for the answer")
                self._in_use += 1
                container = self._next(self._served(ticket))
                assert container is not None  # noqa: S101 (as `_can_serve` has just said)
                self._idle.remove(container)
                return container
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()

    def _can_serve(self, ticket: _Ticket) -> bool:
        """Whether a living container waits for the caller with `ticket` and for nobody before it."""
        if self._in_use + self._returning >= self._settings.max_concurrent:
            return False
        for earlier in self._line:
            if earlier is ticket:
                break
            if self._next(self._served(earlier)) is not None:
                return False
        return self._next(self._served(ticket)) is not None

    def _served(self, ticket: _Ticket) -> Profile:
        """Return the profile that the caller with `ticket` is given."""
        profile = ticket.profile
        if not self._sizes[profile] or (self._failures[profile] >= FAILURES_TO_GIVE_UP and not self._stock(profile)):
            return Profile.PLAIN
        return profile

    def _next(self, profile: Profile) -> Container | None:
        """Return the container of the profile that has waited longest, None if there is none."""
        for container in self._stock(profile):
            if container.is_waiting():
                return container
            self._idle.remove(container)
            container.close()
            self._changed.notify_all()
        return None

    def _stock(self, profile: Profile) -> list[Container]:
        return [container for container in self._idle if container.profile is profile]

    def _is_hopeless(self) -> bool:
        return self.is_failing and not self._stock(Profile.PLAIN)

    def _is_short(self, profile: Profile) -> bool:
        """Whether another container is to be launched: for the stock, or for a line that is longer than it."""
        return len(self._stock(profile)) + self._launching[profile] < self._wanted(profile)

    def _wanted(self, profile: Profile) -> int:
        waiting = sum(self._served(ticket) is profile for ticket in self._line)
        return max(self._sizes[profile], min(waiting, self._settings.max_concurrent))

    def _refill(self, profile: Profile) -> None:
        """Launch what is wanted, for as long as the pool is open. The body of a refilling thread."""
        while not self._closed:
            try:
                self._refill_once(profile)
            except Exception:  # a thread that dies would leave the pool smaller, and nobody would be told
                log.exception("refill failed")
            with self._changed:
                if failures := self._failures[profile]:
                    pause_seconds = RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1]
                    self._changed.wait_for(lambda: self._closed, pause_seconds)

    def _refill_once(self, profile: Profile) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_short(profile))
            # A launch takes the CPU from the program that has just been given a container. Most are over by then.
            self._changed.wait_for(lambda: self._closed or not self._stock(profile), REFILL_DELAY_SECONDS)
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
                    # The line may have gone while this was launched for it.
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
