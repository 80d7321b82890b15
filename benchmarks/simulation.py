"""A model of servers in simulated time: processors, containers, slots and lines. `benchmarks.simulate` asks it.

It has the rules of `executions/sandbox` (pool, slots, refill), and the CPU time of each step as measured. It leaves out
disk and network, memory that runs out, and whatever else a machine does.
"""

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import simpy

from codeexec.capacity import Capacity
from executions.sandbox.profiles import LOADING_SECONDS
from executions.sandbox.refill import SPARE_CPU
from executions.sandbox.slots import LEAST_SPARE_CPU, reserved
from executions.sandbox.spare_cpu import WINDOW_SECONDS
from executions.sandbox.timing import DEFAULT_TIMING as TIMING

SLICE_SECONDS = 0.004
"""How long the kernel lets one process run while others want its processor."""
PERIOD_SECONDS, QUOTA_SECONDS = 0.4, 0.1
QUEUE_SECONDS, REUSE_RUNS, REFILL_THREADS = 10.0, 50, 4
"""The defaults of the settings."""

Steps = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU seconds beside a program's own: in the one process that answers (`web`, one thread at a time), of all else
    for a request (`around`: fork, sweep, engine), of a launch, and of loading packages in a new container."""

    web: float = 0.008
    around: float = 0.016
    launch: float = 0.17
    load_science: float = 0.45


@dataclass(frozen=True, slots=True)
class Program:
    """What a program needs: CPU seconds in its container, test cases included; the seconds for which it sleeps; and CPU
    seconds beside, as for forking and judging many test cases."""

    name: str
    cpu_seconds: float
    sleep_seconds: float = 0.0
    beside_seconds: float = 0.0
    is_science: bool = False


@dataclass(frozen=True, slots=True)
class Press:
    """A pupil has pressed Run. The answer came so many seconds later, from this worker; None: a 503."""

    program: Program
    seconds: float | None
    worker: int


class Processors:
    """The processors of a machine. Who computes takes turns with all others, a slice each."""

    def __init__(self, env: simpy.Environment, number: int) -> None:
        self.spent_seconds = 0.0
        self._env, self._number = env, number
        self._turns = simpy.Resource(env, number)
        self._looked_at = self._spent_then = 0.0
        self._share = 1.0

    def compute(self, seconds: float) -> Steps:
        """Take so much CPU time."""
        while seconds > 1e-9:
            slice_seconds = min(seconds, SLICE_SECONDS)
            with self._turns.request() as turn:
                yield turn
                yield self._env.timeout(slice_seconds)
            self.spent_seconds += slice_seconds
            seconds -= slice_seconds

    def spare(self) -> float:
        """Return the share of CPU time that was idle lately."""
        passed = self._env.now - self._looked_at
        if passed >= WINDOW_SECONDS:
            self._share = 1 - (self.spent_seconds - self._spent_then) / passed / self._number
            self._looked_at, self._spent_then = self._env.now, self.spent_seconds
        return self._share


class Container:
    """May use a quarter of a processor: so much in each period."""

    def __init__(self, env: simpy.Environment, processors: Processors) -> None:
        self.runs = 0
        self._env, self._processors = env, processors
        self._begun, self._left = -PERIOD_SECONDS, QUOTA_SECONDS

    def compute(self, seconds: float) -> Steps:
        """Take so much CPU time, as the quota allows."""
        while seconds > 1e-9:
            if self._env.now >= self._begun + PERIOD_SECONDS:
                self._begun, self._left = self._env.now, QUOTA_SECONDS
            if self._left <= 1e-9:
                yield self._env.timeout(self._begun + PERIOD_SECONDS - self._env.now)
                continue
            part = min(seconds, self._left, SLICE_SECONDS)
            yield from self._processors.compute(part)
            self._left -= part
            seconds -= part


@dataclass(slots=True)
class Stock:
    """The containers of one profile, and the callers who wait for one."""

    size: int
    is_science: bool
    fresh: list[Container] = field(default_factory=list)
    used: list[Container] = field(default_factory=list)
    line: deque[simpy.Event] = field(default_factory=deque)
    launching: int = 0
    lacked_at: float = float("-inf")
    moved_at: float = float("-inf")


class Worker:
    """A machine with containers. `are_one_party`: whether all callers count as one address, as a class without learner
    tokens does, which may not have the reserved slots."""

    def __init__(
        self,
        env: simpy.Environment,
        capacity: Capacity,
        costs: Costs,
        reuses: bool,
        are_one_party: bool,
    ) -> None:
        self.processors = Processors(env, capacity.processors)
        self.in_use = self.most_in_use = 0
        self._env, self.capacity, self._costs = env, capacity, costs
        self._reuses, self._are_one_party = reuses, are_one_party
        self._free_since = 0.0
        sizes = (capacity.pool_size, False), (capacity.science_pool_size, True)
        self._stocks = [Stock(size, is_science) for size, is_science in sizes]
        for stock in self._stocks:
            stock.fresh = [Container(env, self.processors) for _ in range(stock.size)]
            for _ in range(REFILL_THREADS):
                env.process(self._refill(stock))

    @property
    def waiting(self) -> int:
        """How many callers wait in line."""
        return sum(len(stock.line) for stock in self._stocks)

    def run(self, program: Program) -> Generator[simpy.Event, Any, bool]:
        """Run a program; return False if it finds no place in line, or no container in time."""
        stock = self._stocks[program.is_science]
        is_served_now = (stock.fresh or stock.used) and not stock.line and self._free() > self._reserved()
        if not is_served_now and self.waiting >= self.capacity.queue_length:
            return False
        if not stock.fresh:
            stock.lacked_at = self._env.now
        if not stock.line:
            stock.moved_at = self._env.now
        ticket = self._env.event()
        stock.line.append(ticket)
        self._hand_out()
        yield ticket | self._env.timeout(QUEUE_SECONDS + LOADING_SECONDS * program.is_science)
        if not ticket.triggered:
            stock.line.remove(ticket)
            return False
        container = cast(Container, ticket.value)
        yield from container.compute(program.cpu_seconds)
        if program.sleep_seconds:
            yield self._env.timeout(program.sleep_seconds)
        yield from self.processors.compute(self._costs.around + program.beside_seconds)
        self._give_back(stock, container)
        return True

    def _limit(self) -> int:
        busy = self.capacity.busy_concurrent
        is_busy = self.in_use >= busy - reserved(busy)
        has_spare = is_busy and self.processors.spare() >= LEAST_SPARE_CPU
        return self.capacity.max_concurrent if has_spare else busy

    def _free(self) -> int:
        return self._limit() - self.in_use

    def _reserved(self) -> int:
        return reserved(self._limit()) if self._are_one_party and self.in_use else 0

    def _is_pressed(self, stock: Stock) -> bool:
        return bool(stock.line) or self._env.now - stock.lacked_at < TIMING.pressure_seconds

    def _hand_out(self) -> None:
        """Give containers to callers while there are slots."""
        is_moving = True
        while is_moving:
            is_moving = False
            for stock in self._stocks:
                if stock.line and (stock.fresh or stock.used) and self._free() > self._reserved():
                    if stock.fresh:
                        container = stock.fresh.pop()
                    else:
                        container = stock.used.pop(0)
                        stock.moved_at = self._env.now
                    self.in_use += 1
                    self.most_in_use = max(self.most_in_use, self.in_use)
                    stock.line.popleft().succeed(container)
                    is_moving = True

    def _give_back(self, stock: Stock, container: Container) -> None:
        self.in_use -= 1
        self._free_since = self._env.now
        container.runs += 1
        most_used = max(stock.size, self.capacity.busy_concurrent)
        is_kept = self._reuses and self._is_pressed(stock) and container.runs < REUSE_RUNS
        if is_kept and len(stock.used) < most_used:
            stock.used.append(container)
        self._hand_out()

    def _is_wanted(self, stock: Stock) -> bool:
        missing = max(stock.size, min(len(stock.line), self._free())) - len(stock.fresh) - stock.launching
        if missing <= 0 or not stock.size:
            return False
        if not (self._reuses and self._is_pressed(stock)):
            return True
        spare = self.processors.spare()
        if stock.line:
            patience_seconds = TIMING.stall_seconds if spare >= LEAST_SPARE_CPU else TIMING.long_stall_seconds
            has_stalled = self._env.now - stock.moved_at >= patience_seconds
            return self._free() > 0 and (has_stalled or not self.in_use)
        is_calm = not self.in_use and self._env.now - self._free_since >= TIMING.refill_delay_seconds
        return is_calm or spare >= SPARE_CPU

    def _refill(self, stock: Stock) -> Steps:
        """Launch containers when they are wanted, for ever."""
        while True:
            while not self._is_wanted(stock):
                yield self._env.timeout(TIMING.look_seconds)
                self._hand_out()
            if stock.fresh:
                yield self._env.timeout(TIMING.refill_delay_seconds)
                if not self._is_wanted(stock):
                    continue
            stock.launching += 1
            yield from self.processors.compute(self._costs.launch)
            container = Container(self._env, self.processors)
            if stock.is_science:
                yield from container.compute(self._costs.load_science)
            stock.launching -= 1
            stock.fresh.append(container)
            self._hand_out()


@dataclass(frozen=True, slots=True)
class Site:
    """Machines that serve together: `workers` of one capacity, and so many web processes.

    One worker and one web process are a single server, whose processors they share. Otherwise each web process has one
    processor of its own.
    """

    capacity: Capacity
    workers: int = 1
    webs: int = 1
    reuses: bool = True
    are_one_party: bool = False
    costs: Costs = Costs()


def simulate(site: Site, presses: Sequence[tuple[float, Program]]) -> list[Press]:
    """Let pupils press Run at these seconds; return what became of each, in the same order."""
    env = simpy.Environment()
    workers = [Worker(env, site.capacity, site.costs, site.reuses, site.are_one_party) for _ in range(site.workers)]
    is_single = site.workers == site.webs == 1
    own = [workers[0].processors] if is_single else [Processors(env, 1) for _ in range(site.webs)]
    webs = [(simpy.Resource(env, 1), processors) for processors in own]
    ended: dict[int, Press] = {}

    def think(number: int) -> Steps:
        """Do half of what the web process does for a request."""
        lock, processors = webs[number % len(webs)]
        left = site.costs.web / 2
        while left > 1e-9:  # its threads take turns
            part = min(left, SLICE_SECONDS)
            with lock.request() as turn:
                yield turn
                yield from processors.compute(part)
            left -= part

    def press(number: int, at: float, program: Program) -> Steps:
        yield env.timeout(at)
        yield from think(number)
        chosen = min(range(len(workers)), key=lambda each: workers[each].in_use + workers[each].waiting)
        is_answered = yield from workers[chosen].run(program)
        yield from think(number)
        ended[number] = Press(program, env.now - at if is_answered else None, chosen)

    pressed = [env.process(press(number, at, program)) for number, (at, program) in enumerate(presses)]
    if pressed:
        env.run(simpy.AllOf(env, pressed))
    return [ended[number] for number in range(len(presses))]
