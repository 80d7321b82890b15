"""Launches the containers of one profile when the stock or the line needs them."""

import logging
import threading
import time
from collections.abc import Callable

from executions.sandbox.container.container import Container
from executions.sandbox.counters import FAILED_REFILLS, REFILLS
from executions.sandbox.engine.engine import EngineError
from executions.sandbox.profiles import Profile
from executions.sandbox.results import RunLost
from executions.sandbox.settings import Reuse, SandboxSettings
from executions.sandbox.slots import LEAST_SPARE_CPU, Slots
from executions.sandbox.spare_cpu import SpareCpu
from executions.sandbox.stock import Stock
from executions.sandbox.timing import Timing
from executions.threads import Loop

SPARE_CPU = 0.5
"""Under pressure, containers are launched even if nobody waits while this share of the processors' time is idle."""

log = logging.getLogger(__name__)


class Refill:
    """The threads that launch containers of one profile. The pool's lock protects what they share with it.

    `hand_out` is called, with the lock held, after each launch, and while callers wait for a slot.
    """

    def __init__(
        self,
        profile: Profile,
        stock: Stock,
        slots: Slots,
        spare_cpu: SpareCpu,
        lock: threading.Lock,
        launch: Callable[[Profile], Container],
        hand_out: Callable[[], None],
        settings: SandboxSettings,
        timing: Timing,
    ) -> None:
        self._profile = profile
        self._stock = stock
        self._slots = slots
        self._spare_cpu = spare_cpu
        self._lock = lock
        self._wanted = threading.Condition(lock)
        self._launch = launch
        self._hand_out = hand_out
        self._settings = settings
        self._timing = timing
        self._closed = False
        threads = settings.refill_threads if stock.size else 0
        self._threads = [Loop(f"refill-{profile}-{number}", self._step) for number in range(threads)]

    def start(self) -> None:
        """Start the threads, unless they were started before. Returns at once."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Wake the threads if a container is to be launched now."""
        if self._is_wanted():
            self._wanted.notify_all()

    def close(self) -> None:
        """End the threads after their current launch."""
        self._closed = True
        for thread in self._threads:
            thread.close()
        self._wanted.notify_all()

    def join(self, timeout_seconds: float) -> None:
        """Wait for the threads to end."""
        for thread in self._threads:
            thread.join(timeout_seconds)

    def _missing(self) -> int:
        """Return how many containers the stock or the line lacks."""
        stock = self._stock
        missing = max(stock.size, min(len(stock.line), self._slots.count_free())) - len(stock.fresh) - stock.launching
        if self._settings.reuse is Reuse.ALWAYS:
            missing -= len(stock.used) + (0 if stock.line else self._slots.in_use)
        return missing

    def _is_wanted(self) -> bool:
        """Whether to launch a container now: for the stock, or for a line longer than the stock.

        While programs run on busy processors, and fresh or used containers serve the callers, a launch would take CPU
        time from the programs.
        """
        stock, free_slots = self._stock, self._slots.count_free()
        if self._missing() <= 0:
            return False
        if self._settings.reuse is Reuse.NEVER:
            return True
        if not stock.is_pressed():
            is_enough = stock.fresh and self._slots.in_use
            return not is_enough or self._spare_cpu.share() >= LEAST_SPARE_CPU
        if stock.line:
            has_spare = self._spare_cpu.share() >= LEAST_SPARE_CPU
            patience_seconds = self._timing.stall_seconds if has_spare else self._timing.long_stall_seconds
            return free_slots > 0 and (stock.stalled_seconds() >= patience_seconds or not self._slots.in_use)
        return self._slots.are_free_for(self._timing.refill_delay_seconds) or self._spare_cpu.share() >= SPARE_CPU

    def _step(self) -> None:
        """Launch a container when one is wanted; pause before it if the last launch failed."""
        stock, timing = self._stock, self._timing
        with self._lock:
            if stock.failures:
                pauses = timing.relaunch_seconds
                pause_seconds = pauses[min(stock.failures, len(pauses)) - 1]
                self._wanted.wait_for(lambda: self._closed or not stock.failures, pause_seconds)
            while not (self._closed or self._is_wanted()):
                # Nobody announces that the pressure has ended or that processors are idle.
                is_soon = stock.is_pressed() or self._missing() > 0
                self._wanted.wait(timing.look_seconds if is_soon else timing.check_seconds)
                if stock.line:
                    self._hand_out()
            # A launch takes CPU time from the program that has just started. Most have ended after this delay.
            self._wanted.wait_for(lambda: self._closed or not stock.fresh, timing.refill_delay_seconds)
            if self._closed or not self._is_wanted():
                return
            stock.launching += 1
        container = None
        try:
            container = self._try_launch()
        finally:
            (FAILED_REFILLS if container is None else REFILLS).inc()
            with self._lock:
                stock.launching -= 1
                stock.failures = stock.failures + 1 if container is None else 0
                if container is not None:
                    stock.fresh.append(container)
                    # The callers that it was launched for may have left the line.
                    if self._closed or len(stock.fresh) > max(stock.size, len(stock.line)):
                        stock.fresh.pop().close()
                self._hand_out()

    def _try_launch(self) -> Container | None:
        started = time.monotonic()
        try:
            return self._launch(self._profile)
        except (EngineError, RunLost) as error:
            log.error("launch failed after %.1f s: %s", time.monotonic() - started, error)
            return None
