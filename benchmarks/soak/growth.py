"""Measures the resources that the service holds, to compare them before and after a soak."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression

from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.options import OWNER_LABEL

DOCKER = Path("/var/lib/docker")
ENGINES_DIRECTORIES = ("containers", "overlay2", "volumes")
"""Where the engine keeps a directory for each container, unless it uses another data root or storage driver."""

MEMORY_FACTOR, MEMORY_KB = 1.1, 5_000
STEADY_KB = 5_000
"""How far the peaks of the memory may rise after the warm-up, however long the soak is."""

WARM_UP_SHARE, WINDOWS = 1 / 3, 5
SAMPLE_SECONDS = 2
FEW = {"descriptors": 12, "threads": 3, "containers": 0, "layers": 12}
"""How far a number may grow between two idle moments. A thread opens a database connection with its first request and
keeps it. Other containers on the engine have directories, too."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """The resources of the serving process at one moment. `layers` counts directories of all containers."""

    memory_kb: int
    descriptors: int
    threads: int
    containers: int
    layers: int
    disk_kb: int

    @classmethod
    def of(cls, pid: int, engine: Engine, directory: Path) -> "Footprint":
        """Measure the process `pid` and the files in its `directory`."""
        process = Path(f"/proc/{pid}")
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
        return cls(
            memory_kb=int(status["VmRSS"].split()[0]),
            descriptors=len(list((process / "fd").iterdir())),
            threads=int(status["Threads"]),
            containers=len(containers_of(pid, engine)),
            layers=sum(1 for name in ENGINES_DIRECTORIES for _ in (DOCKER / name).glob("*")),
            disk_kb=sum(each.stat().st_blocks for each in directory.iterdir()) // 2,
        )

    def growth_since(self, before: "Footprint") -> list[str]:
        """Return a line for each number that has grown more than in normal operation."""
        grown = []
        if self.memory_kb > before.memory_kb * MEMORY_FACTOR + MEMORY_KB:
            grown.append(f"memory: {before.memory_kb} kB -> {self.memory_kb} kB")
        for name, few in FEW.items():
            if getattr(self, name) > getattr(before, name) + few:
                grown.append(f"{name}: {getattr(before, name)} -> {getattr(self, name)}")
        return grown


def containers_of(pid: int, engine: Engine) -> set[str]:
    """Return the IDs of the containers that the process `pid` owns, in any state."""
    return {each.id for each in engine.containers() if each.labels.get(OWNER_LABEL, "").startswith(f"{pid}-")}


def traces_of(container_ids: set[str]) -> list[str]:
    """Return the mounts and directories on this host that removed containers have left."""
    mounts = Path("/proc/mounts").read_text().splitlines()
    left = [line.split()[1] for line in mounts if any(each in line for each in container_ids)]
    directories = [DOCKER / "containers" / each for each in container_ids]
    return left + [str(directory) for directory in directories if directory.exists()]


def rise(samples: Sequence[int]) -> float:
    """Return how far the peaks of `samples` rise after the warm-up, by linear regression."""
    steady = samples[int(len(samples) * WARM_UP_SHARE) :]
    if len(steady) < WINDOWS:
        return 0.0
    bounds = [len(steady) * number // WINDOWS for number in range(WINDOWS + 1)]
    peaks = [max(steady[start:end]) for start, end in pairwise(bounds)]
    return linear_regression(range(WINDOWS), peaks).slope * (WINDOWS - 1)


class Peaks:
    """Samples a process every few seconds: its highest numbers, its memory over time, and all its containers."""

    def __init__(self, pid: int, engine: Engine, directory: Path) -> None:
        self._pid = pid
        self._engine = engine
        self._directory = directory
        self._next = 0.0
        self.most = Footprint(0, 0, 0, 0, 0, 0)
        self.memory_kb: list[int] = []
        self.containers: set[str] = set()

    def look(self) -> None:
        """Take a sample, unless the last one is recent."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + SAMPLE_SECONDS
        self.containers |= containers_of(self._pid, self._engine)
        now = Footprint.of(self._pid, self._engine, self._directory)
        self.memory_kb.append(now.memory_kb)
        self.most = Footprint(*(max(getattr(self.most, name), getattr(now, name)) for name in Footprint.__slots__))
