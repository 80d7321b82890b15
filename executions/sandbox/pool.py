"""Keeps warm containers, and gives each to one caller at a time."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

from executions.sandbox.container.container import Container
from executions.sandbox.container.talk import Slot
from executions.sandbox.counters import NOT_CLEAN, REUSES
from executions.sandbox.profiles import LOADING_SECONDS, Profile
from executions.sandbox.refill import Refill
from executions.sandbox.results import NOBODY, CallerGone, Party, SandboxBusy, SandboxUnavailable, always
from executions.sandbox.settings import Reuse, SandboxSettings
from executions.sandbox.slots import Slots
from executions.sandbox.spare_cpu import SpareCpu
from executions.sandbox.stock import Stock
from executions.sandbox.ticket import Ticket
from executions.sandbox.timing import DEFAULT_TIMING, Deadline, Timing

log = logging.getLogger(__name__)


class Pool:
    """Warm containers of each profile, slots, and a bounded line of callers.

    A caller gets a fresh container while one waits. Under pressure, when callers find none, a used container may serve
    another after a check shows that it is clean (docs/decisions/0029-reuse.md).
    """

    def __init__(
        self,
        launch: Callable[[Profile], Container],
        settings: SandboxSettings,
        timing: Timing = DEFAULT_TIMING,
        spare_cpu: SpareCpu | None = None,
    ) -> None:
        self._settings = settings
        self._timing = timing
        self._closed = False
        self._discarded_at = float("-inf")
        self._line_began = 0.0
        self._given_back = 0
        """How many callers have given a container back since the line began."""
        self._lock = threading.Lock()  # for all of the state, also that of the parts
        spare_cpu = spare_cpu or SpareCpu()
        self._slots = Slots(self._lock, settings, spare_cpu)
        sizes = {Profile.PLAIN: settings.pool_size, Profile.SCIENCE: settings.science_pool_size}
        self._stocks = {profile: Stock(size, timing) for profile, size in sizes.items()}
        self._refills = [
            Refill(profile, stock, self._slots, spare_cpu, self._lock, launch, self._hand_out, settings, timing)
            for profile, stock in self._stocks.items()
        ]

    @property
    def idle(self) -> int:
        """How many warm containers wait."""
        return sum(map(len, self._stocks.values()))

    @property
    def in_use(self) -> int:
        """How many containers are taken, not counting those whose program waits for input."""
        return self._slots.in_use

    @property
    def waiting(self) -> int:
        """How many callers wait in line."""
        return sum(len(stock.line) for stock in self._stocks.values())

    def line_seconds(self) -> float:
        """Return how long the callers in line wait, at its pace so far: at most `queue_seconds`, 0 if there are none.

        An estimate, without the lock: it is part of the health, which each request asks for.
        """
        pace_seconds = (time.monotonic() - self._line_began) / max(1, self._given_back)
        return min(self.waiting * pace_seconds, self._settings.queue_seconds)

    @property
    def is_failing(self) -> bool:
        """Whether no containers can be launched now. Without science containers, programs only run slower."""
        return self._stocks[Profile.PLAIN].is_given_up

    def start(self) -> None:
        """Start to fill the pool. Returns at once; does nothing if started before."""
        for refill in self._refills:
            refill.start()

    @contextlib.contextmanager
    def container(
        self, profile: Profile = Profile.PLAIN, party: Party = NOBODY, may_begin: Callable[[], bool] = always
    ) -> Iterator[Container]:
        """Give a warm container to this caller alone. Afterwards it is destroyed, or may serve another.

        It is a plain one if none of the profile are kept or can be launched.

        Raises SandboxBusy if the line is full or no container comes free within `queue_seconds`, SandboxUnavailable if
        none can be launched or the pool is closed, CallerGone unless it `may_begin` when its container comes free.
        """
        patience_seconds = self._settings.queue_seconds + (LOADING_SECONDS if profile is Profile.SCIENCE else 0)
        container = self._take(profile, party, Deadline.after(patience_seconds))
        try:
            if not may_begin():
                raise CallerGone("nobody waits for the answer")
            container.begin()
            yield container
        finally:
            self._give_back(container, party)

    @contextlib.contextmanager
    def without_slot(self, party: Party = NOBODY) -> Iterator[Slot]:
        """Lend the slot of a container that `party` uses to others; it is taken back at the end, or earlier."""
        with self._slots.lend(party) as slot:
            with self._lock:
                self._hand_out()
            yield slot

    def discard_dead(self) -> None:
        """Replace waiting containers that have ended, as all do when the engine restarts.

        Used ones are closed once the pressure is over and fresh ones have taken their place.
        """
        with self._lock:
            dead = sum(stock.discard_dead() for stock in self._stocks.values())
            if dead:
                log.warning("%d warm containers had ended", dead)
            for stock in self._stocks.values():
                is_over = not stock.is_pressed() and len(stock.fresh) >= stock.size
                if is_over and self._settings.reuse is Reuse.PRESSURE:
                    stock.discard_used()
            self._hand_out()

    def discard_idle(self) -> None:
        """Close all waiting containers, and have others launched in their place. Those in use serve nobody else."""
        with self._lock:
            self._discarded_at = time.monotonic()
            for stock in self._stocks.values():
                stock.discard_all()
            self._hand_out()

    def refuse_line(self, reason: str) -> None:
        """Refuse all callers in line: programs may not run now."""
        with self._lock:
            self._refuse_line(reason)

    def forget_failures(self) -> None:
        """Let launches be tried at once, as if none had failed."""
        with self._lock:
            for stock in self._stocks.values():
                stock.failures = 0
            self._hand_out()

    def close(self, drain_seconds: float) -> None:
        """Refuse new callers, let current runs finish for `drain_seconds`, and close all containers."""
        deadline = Deadline.after(drain_seconds)
        with self._lock:
            self._closed = True
            for refill in self._refills:
                refill.close()
            self._refuse_line("shutting down")
            self._slots.wait_until_all_are_free(deadline.remaining_seconds())
        self.discard_idle()
        for refill in self._refills:
            refill.join(deadline.remaining_seconds() + 1)

    def _refuse_line(self, reason: str) -> None:
        for stock in self._stocks.values():
            while ticket := stock.line.pop():
                ticket.refuse(SandboxUnavailable(reason))

    def _take(self, profile: Profile, party: Party, deadline: Deadline) -> Container:
        """Wait for a container that is clean, and take it with a slot."""
        ticket = self._join(profile, party)
        while True:
            container = self._wait(ticket, deadline)
            if not container.submissions:
                return container
            if container.check_clean():
                REUSES.inc()
                return container
            NOT_CLEAN.inc()
            container.close()
            ticket = Ticket(party)
            with self._lock:
                self._slots.release(party)
                self._stocks[container.profile].line.put_ahead(ticket)
                self._hand_out()

    def _join(self, profile: Profile, party: Party) -> Ticket:
        """Let a caller join the line for `profile`, or, if that is hopeless, for plain containers."""
        with self._lock:
            if self._closed:
                raise SandboxUnavailable("shutting down")
            stock = self._stocks[profile]
            if not stock.size or stock.is_hopeless:
                stock = self._stocks[Profile.PLAIN]
            if stock.is_hopeless:
                raise SandboxUnavailable("no container can be started")
            is_served_now = stock and not stock.line and self._slots.are_open_to(party)
            if not is_served_now and self.waiting >= self._settings.queue_length:
                raise SandboxBusy("the waiting line is full")
            stock.note_arrival()
            if not self.waiting:
                self._line_began, self._given_back = time.monotonic(), 0
            ticket = Ticket(party)
            stock.line.append(ticket)
            self._hand_out()
            return ticket

    def _wait(self, ticket: Ticket, deadline: Deadline) -> Container:
        ticket.called.wait(deadline.remaining_seconds())
        with self._lock:
            if not ticket.called.is_set():
                for stock in self._stocks.values():
                    stock.line.discard(ticket)
                raise SandboxBusy("no container came free in time")
        return ticket.container()

    def _give_back(self, container: Container, party: Party) -> None:
        """Take back a container and its slot: it waits for another caller, or is closed."""
        with self._lock:
            self._slots.release(party)
            self._given_back += 1
            stock = self._stocks[container.profile]
            if self._closed:
                container.close()
            elif not container.submissions and container.launched_at > self._discarded_at:
                stock.fresh.appendleft(container)
            elif self._may_serve_again(container):
                stock.used.append(container)
            else:
                container.close()
            self._hand_out()

    def _may_serve_again(self, container: Container) -> bool:
        settings, stock = self._settings, self._stocks[container.profile]
        return (
            (settings.reuse is Reuse.ALWAYS or (settings.reuse is Reuse.PRESSURE and stock.is_pressed()))
            and container.ran_cleanly
            and container.launched_at > self._discarded_at
            and container.submissions < settings.reuse_runs
            and not stock.is_too_old(container)
            and len(stock.used) < max(stock.size, settings.busy_concurrent)
        )

    def _hand_out(self) -> None:
        """Give containers to callers while there are slots, and have missing ones launched.

        Call this after each change, with the lock held. The profiles take turns.
        """
        self._give_up_hopeless()
        is_moving = not self._closed
        while is_moving:
            is_moving = False
            for stock in self._stocks.values():
                if self._slots.count_free() <= 0 or not stock:
                    continue
                ticket = stock.line.pop(self._may_start)
                if ticket is None:
                    continue
                container = stock.take()
                if container is None:  # all had ended
                    stock.line.put_ahead(ticket)
                    continue
                self._slots.take(ticket.party)
                ticket.grant(container)
                is_moving = True
        for refill in self._refills:
            refill.wake()

    def _may_start(self, ticket: Ticket) -> bool:
        return self._slots.are_open_to(ticket.party)

    def _give_up_hopeless(self) -> None:
        """Move callers whose profile has no containers to the line for plain ones, or refuse them."""
        plain, science = self._stocks[Profile.PLAIN], self._stocks[Profile.SCIENCE]
        while science.is_hopeless and (ticket := science.line.pop()):
            plain.line.append(ticket)
        while plain.is_hopeless and (ticket := plain.line.pop()):
            ticket.refuse(SandboxUnavailable("no container can be started"))
