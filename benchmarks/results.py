"""What `make bench` measures, and the file that keeps it for `python -m benchmarks.plots`."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Self

import docker

from tests.service import ROOT

SAVED = ROOT / "var/bench.json"
"""Where a run keeps its results. Git ignores it."""

Latencies = dict[str, list[float]]
"""Seconds of each measurement, by the way that the program was run."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What `clients` at once got from one way to run a program: programs a second, CPU seconds of the machine each."""

    way: str
    clients: int
    per_second: float
    cpu_seconds: float
    not_served: int


@dataclass(frozen=True, slots=True)
class Burst:
    """`count` requests at once: the seconds of each that was answered, and the CPU seconds of the machine for it."""

    way: str
    program: str
    count: int
    seconds: list[float]
    cpu_seconds: float

    @property
    def p95(self) -> float:
        """Within which time 95 % of those that were answered had their answer."""
        return p95(self.seconds) if self.seconds else float("nan")


@dataclass(frozen=True, slots=True)
class Results:
    """All of one run of `make bench`.

    `tests` is what ten tests add to a request as a multiple of their programs' time, `waiting` the memory of a waiting
    container in MB, `memory` the service's own in kB by the number of executions, `took` the seconds of each part.
    """

    machine: str
    waiting: dict[str, float]
    latencies: Latencies
    tests: float
    imports: Latencies
    rates: list[Rate]
    bursts: list[Burst]
    memory: list[tuple[int, int]]
    took: dict[str, float]

    def save(self, path: Path) -> None:
        """Write the results as JSON."""
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the results that were saved."""
        found = json.loads(path.read_text())
        found["rates"] = [Rate(**each) for each in found["rates"]]
        found["bursts"] = [Burst(**each) for each in found["bursts"]]
        found["memory"] = [(count, kb) for count, kb in found["memory"]]
        return cls(**found)

    def per_second(self, way: str, clients: int) -> float:
        """Return the median of the rates of this way with so many clients."""
        return median(each.per_second for each in self._of(way, clients))

    def cpu_seconds(self, way: str, clients: int) -> float:
        """Return the median of the CPU seconds that the machine spent for each program."""
        return median(each.cpu_seconds for each in self._of(way, clients))

    def clients_of(self, way: str) -> list[int]:
        """Return the numbers of clients with which a way was measured."""
        return sorted({each.clients for each in self.rates if each.way == way})

    def _of(self, way: str, clients: int) -> list[Rate]:
        return [each for each in self.rates if (each.way, each.clients) == (way, clients)]


def describe_machine() -> str:
    """Return what the results depend on most."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    engine = docker.from_env().version()["Version"]
    return f"{os.cpu_count()} processors, {memory:.0f} GB, Linux {os.uname().release.split('-')[0]}, Docker {engine}"


def p95(seconds: list[float]) -> float:
    """Return the 95th percentile."""
    return quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
