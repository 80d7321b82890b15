"""What the service holds, to be compared before and after a soak."""

import time
from dataclasses import dataclass
from pathlib import Path

from executions.sandbox.engine import Engine
from executions.sandbox.options import OWNER_LABEL

DOCKER_CONTAINERS = Path("/var/lib/docker/containers")
MEMORY_FACTOR, MEMORY_KB = 1.1, 5_000
SAMPLE_SECONDS = 5
FEW = {"descriptors": 12, "threads": 3, "containers": 0}
"""By so much a number may differ between two quiet moments. A thread that serves for the first time opens the database,
and keeps it."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What the serving process holds at one moment."""

    memory_kb: int
    descriptors: int
    threads: int
    containers: int

    @classmethod
    def of(cls, pid: int, engine: Engine) -> "Footprint":
        """Measure the process `pid`."""
        process = Path(f"/proc/{pid}")
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
        return cls(
            memory_kb=int(status["VmRSS"].split()[0]),
            descriptors=len(list((process / "fd").iterdir())),
            threads=int(status["Threads"]),
            containers=len(containers_of(pid, engine)),
        )

    def growth_since(self, before: "Footprint") -> list[str]:
        """Return what is more than it was, but for what any process varies by."""
        grown = []
        if self.memory_kb > before.memory_kb * MEMORY_FACTOR + MEMORY_KB:
            grown.append(f"memory: {before.memory_kb} kB -> {self.memory_kb} kB")
        for name, few in FEW.items():
            if getattr(self, name) > getattr(before, name) + few:
                grown.append(f"{name}: {getattr(before, name)} -> {getattr(self, name)}")
        return grown


def containers_of(pid: int, engine: Engine) -> set[str]:
    """Return the ids of the containers that the process `pid` owns, in whatever state."""
    return {each.id for each in engine.containers() if each.labels.get(OWNER_LABEL, "").startswith(f"{pid}-")}


def traces_of(container_ids: set[str]) -> list[str]:
    """Return what is left on this host of containers that are gone: mounts (tmpfs among them) and directories."""
    mounts = Path("/proc/mounts").read_text().splitlines()
    left = [line.split()[1] for line in mounts if any(each in line for each in container_ids)]
    return left + [str(DOCKER_CONTAINERS / each) for each in container_ids if (DOCKER_CONTAINERS / each).exists()]


class Peaks:
    """Looks at the process every few seconds; knows the most that it has held, its memory, and its containers."""

    def __init__(self, pid: int, engine: Engine) -> None:
        self._pid = pid
        self._engine = engine
        self._next = 0.0
        self.most = Footprint(0, 0, 0, 0)
        self.memory_kb: list[int] = []
        self.containers: set[str] = set()

    def look(self) -> None:
        """Look, unless that was done a moment ago."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + SAMPLE_SECONDS
        self.containers |= containers_of(self._pid, self._engine)
        now = Footprint.of(self._pid, self._engine)
        self.memory_kb.append(now.memory_kb)
        self.most = Footprint(*(max(getattr(self.most, name), getattr(now, name)) for name in Footprint.__slots__))
