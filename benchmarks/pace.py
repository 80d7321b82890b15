"""One learner at a time, at a learner's pace: how long a request takes, beside other ways to run the same program."""

import random
import time
from collections.abc import Callable
from typing import Any

from benchmarks.results import Latencies
from benchmarks.services import StockedService
from benchmarks.ways import (
    SCIENCE_PROGRAM,
    TEN_TESTS,
    TESTED_PROGRAM,
    ContainerPerRequest,
    OverHTTP,
    run_bare,
)

ROUNDS = 25
SCIENCE_ROUNDS = 2
PAUSE_SECONDS = 0.3  # a learner's pace: the pool refills before the next measurement

EXECUTE, BARE, CONTAINER = "/execute", "bare python3", "a new container"
TESTED, WITHOUT_SCIENCE, FILLED = "/execute, ten tests", "no science containers", "many records"


def measure_latencies(
    service: StockedService, plain: StockedService, filled: StockedService
) -> tuple[Latencies, float]:
    """Return the times of each way, and the time that ten tests add as a multiple of their programs' running time.

    `plain` and `filled` are services without science containers, without and with many executions on record.
    """
    needed: list[float] = []
    run_tests = OverHTTP(service, TESTED_PROGRAM, **TEN_TESTS)

    def run_ten_tests() -> None:
        needed.append(sum(result["execution_time"] for result in run_tests()["test_results"]))

    seconds = measure_in_turns(
        {
            EXECUTE: OverHTTP(service, TESTED_PROGRAM),
            BARE: run_bare,
            TESTED: run_ten_tests,
            CONTAINER: ContainerPerRequest(),
            WITHOUT_SCIENCE: OverHTTP(plain, TESTED_PROGRAM),
            FILLED: OverHTTP(filled, TESTED_PROGRAM, learner="learner-00017"),
        }
    )
    # Divide sums, because the CPU quota stops a container at random, within a program or between two.
    added = sum(seconds[TESTED]) - sum(seconds[EXECUTE])
    return seconds, added / sum(needed[1:])


def measure_in_turns(ways: dict[str, Callable[[], Any]], rounds: int = ROUNDS) -> Latencies:
    """Return the times of each way in seconds. They take turns in a changing order: each leaves work to the next."""
    seconds: Latencies = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in random.sample(sorted(ways), len(ways)):
            time.sleep(PAUSE_SECONDS)
            started = time.perf_counter()
            ways[name]()
            if number:  # the first round warms caches
                seconds[name].append(time.perf_counter() - started)
    return seconds


def measure_imports(service: StockedService) -> Latencies:
    """Return the times of a program that imports the science packages, in the service and in a cold container."""
    ways: dict[str, Callable[[], Any]] = {
        EXECUTE: OverHTTP(service, SCIENCE_PROGRAM),
        CONTAINER: ContainerPerRequest(SCIENCE_PROGRAM),
    }
    seconds: Latencies = {name: [] for name in ways}
    for _ in range(SCIENCE_ROUNDS):
        service.settle()
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    return seconds
