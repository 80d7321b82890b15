"""Many learners: how many programs a second they get, how long each of a burst waits, and what the machine spends."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.results import Burst, Rate
from benchmarks.services import StockedService
from benchmarks.ways import PROGRAM, TEN_TESTS, TESTED_PROGRAM, CreateAndRemove, NotServed, OverHTTP, run_bare
from executions.sandbox.spare_cpu import read_cpu_times

CLIENTS = (1, 4, 8, 16, 64)
ROUNDS = 2
SECONDS = 2.5

BARE, BARE_AT_ONCE = "bare python3", os.cpu_count() or 1
ENGINE, ENGINE_AT_ONCE = "containers created and removed", 4

# name: number of requests, program, other fields
BURSTS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "30 hello": (30, PROGRAM, {}),
    "100 hello": (100, PROGRAM, {}),
    "30 with ten tests": (30, TESTED_PROGRAM, TEN_TESTS),
    "30 that sleep 1 s": (30, f"import time\ntime.sleep(1)\n{PROGRAM}", {}),
    "30 that compute": (30, f"sum(n * n for n in range(10**6))\n{PROGRAM}", {}),
    "30 plots": (30, f"import matplotlib.pyplot as plt\nplt.plot([1, 4, 9])\nplt.show()\n{PROGRAM}", {}),
}


def measure_rates(services: dict[str, StockedService]) -> list[Rate]:
    """Return the rates of each service with each number of clients, and those of their rivals in the same run."""
    rates = []
    for _ in range(ROUNDS):
        rates.append(measure_rate(BARE, run_bare, BARE_AT_ONCE))
        rates.append(measure_rate(ENGINE, CreateAndRemove(), ENGINE_AT_ONCE))
        for clients in CLIENTS:
            for name, service in services.items():
                service.settle()
                rates.append(measure_rate(name, OverHTTP(service), clients))
    return rates


def measure_bursts(services: dict[str, StockedService]) -> list[Burst]:
    """Return what each service does with each burst of requests that come at once."""
    bursts = []
    for program, (count, code, fields) in BURSTS.items():
        for name, service in services.items():
            service.settle()
            bursts.append(_burst(name, program, OverHTTP(service, code, **fields), count))
    return bursts


def cpu_seconds() -> float:
    """Return the CPU time that the whole machine has spent since its start."""
    idle, total = read_cpu_times()
    return (total - idle) / os.sysconf("SC_CLK_TCK")


def measure_rate(way: str, work: Callable[[], object], clients: int) -> Rate:
    """Let each of `clients` threads repeat `work` for SECONDS."""
    end = time.monotonic() + SECONDS

    def repeat(_: int) -> tuple[int, int]:
        done = not_served = 0
        while time.monotonic() < end:
            try:
                work()
                done += 1
            except NotServed:
                not_served += 1
        return done, not_served

    spent, started = cpu_seconds(), time.monotonic()
    with ThreadPoolExecutor(clients) as executor:
        done, not_served = (sum(counts) for counts in zip(*executor.map(repeat, range(clients)), strict=True))
    seconds = time.monotonic() - started
    return Rate(way, clients, done / seconds, (cpu_seconds() - spent) / max(1, done), not_served)


def _burst(way: str, program: str, work: Callable[[], object], count: int) -> Burst:
    """Do `work` in `count` threads at once."""
    start = threading.Barrier(count)

    def once(_: int) -> float | None:
        start.wait()
        started = time.perf_counter()
        try:
            work()
        except NotServed:
            return None
        return time.perf_counter() - started

    spent = cpu_seconds()
    with ThreadPoolExecutor(count) as executor:
        found = list(executor.map(once, range(count)))
    answered = sorted(seconds for seconds in found if seconds is not None)
    return Burst(way, program, count, answered, (cpu_seconds() - spent) / max(1, len(answered)))
