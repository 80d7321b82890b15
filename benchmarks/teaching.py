"""`python -m benchmarks.teaching`: what a rule, files and a trace add to a learner's wait for `print("Hello")`.

All are measured in turns at a learner's pace, so that other work on the machine slows down each of them alike. Where it
does, only the CPU time says much: that of the container and of the service's worker. The bodies are written beforehand,
because that a client takes 3 ms for a megabyte of JSON is no cost of the service.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.bounds import Ratio
from benchmarks.pace import PAUSE_SECONDS
from benchmarks.results import p95
from benchmarks.services import NO_SCIENCE, StockedService
from benchmarks.ways import PROGRAM
from tests.service import Service

ROUNDS = 40
LOOP = f"{PROGRAM}\nfor number in range(1000):\n    square = number * number\n"
RULE = [{"uses": ["for"], "avoids": ["sum"]}]
FILES = [{"name": f"part{number}.csv", "text": "3.14159,2\n" * 5242} for number in range(20)]

HELLO, RULED, SYNTAX, WITH_FILES, TRACED = "Hello", "a rule", "a rule, and no Python", "20 files, 1 MiB", "500 steps"
WAYS: dict[str, dict[str, Any]] = {
    HELLO: {"code": PROGRAM},
    RULED: {"code": PROGRAM, "test_cases": RULE},
    SYNTAX: {"code": PROGRAM[:-1], "test_cases": RULE},
    WITH_FILES: {"code": PROGRAM, "files": FILES},
    TRACED: {"code": LOOP, "trace": True},
}
MOST_ADDED_MILLISECONDS = {RULED: 10.0, SYNTAX: 10.0, WITH_FILES: 5.0, TRACED: 1000.0}


@dataclass(slots=True)
class Cost:
    """What the requests of one way took, in seconds: by the clock, and CPU time."""

    clock: list[float] = field(default_factory=list)
    container: list[float] = field(default_factory=list)
    worker: list[float] = field(default_factory=list)


def main() -> int:
    """Measure and print; return 1 if something adds too much by the clock."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds: int = parser.parse_args().rounds
    with (
        tempfile.TemporaryDirectory() as directory,
        StockedService(Path(directory) / "service", **NO_SCIENCE) as service,
    ):
        costs = measure(service, rounds)
    print("| | p50, ms | p95, ms | CPU of the container, ms | CPU of the worker, ms |\n|---|---:|---:|---:|---:|")
    for name, cost in costs.items():
        times = (median(cost.clock), p95(cost.clock), fmean(cost.container), fmean(cost.worker))
        print(f"| {name} | " + " | ".join(f"{each * 1000:.1f}" for each in times) + " |")
    hello = median(costs[HELLO].clock)
    added = [
        Ratio(f"{name}: milliseconds added to p50", (median(costs[name].clock) - hello) * 1000, most, is_most=True)
        for name, most in MOST_ADDED_MILLISECONDS.items()
    ]
    print("\n" + "\n".join(map(str, added)))
    return 0 if all(each.is_kept for each in added) else 1


def measure(service: Service, rounds: int) -> dict[str, Cost]:
    """Return what each request costs, taking turns. The worker's CPU time includes that of renewing the stock."""
    costs = {name: Cost() for name in WAYS}
    bodies = {name: json.dumps(fields).encode() for name, fields in WAYS.items()}
    for number in range(rounds + 1):
        for name, body in bodies.items():
            time.sleep(PAUSE_SECONDS)
            used, started = _cpu_seconds(service.worker_pid()), time.perf_counter()
            answer = service.send(body).json()
            seconds = time.perf_counter() - started
            assert name != TRACED or len(answer["trace"]["steps"]) == 500, answer["trace"]
            if number:  # the first round warms caches
                public_id = answer["id"].replace("-", "")
                [[container]] = service.query(
                    f"SELECT total_cpu_seconds FROM executions_execution WHERE public_id = '{public_id}'"
                )
                costs[name].clock.append(seconds)
                costs[name].container.append(container)
                costs[name].worker.append(_cpu_seconds(service.worker_pid()) - used)
    return costs


def _cpu_seconds(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
