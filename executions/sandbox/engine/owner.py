"""Which process of the service owns a container: a label names it, to find the containers of dead processes."""

import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from executions.sandbox.engine.engine import Engine, EngineError

LABEL_PATTERN = re.compile(r"(?P<pid>\d+)-(?P<started>\d+)-(?P<namespace>\d+)@(?P<host>[\w.-]+)")
CONTAINER_ID_PATTERN = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Owner:
    """A process of the service.

    `started` (clock ticks since boot) distinguishes it from a later process with the same PID, `namespace` (inode) is
    the PID namespace, `host` is the host's name: in a container, the container's id.
    """

    pid: int
    started: int
    namespace: int
    host: str

    @classmethod
    def of_this_process(cls) -> "Owner":
        """Return the owner that this process writes on its containers."""
        pid = os.getpid()
        return cls(pid, _started(pid) or 0, os.stat("/proc/self/ns/pid").st_ino, socket.gethostname())

    @classmethod
    def parse(cls, label: str) -> "Owner | None":
        """Return the owner that `str()` wrote, None for anything else."""
        match = LABEL_PATTERN.fullmatch(label)
        if match is None:
            return None
        return cls(int(match["pid"]), int(match["started"]), int(match["namespace"]), match["host"])

    def __str__(self) -> str:
        return f"{self.pid}-{self.started}-{self.namespace}@{self.host}"

    def is_alive(self, engine: Engine, here: "Owner") -> bool:
        """Return whether the process is alive, as seen by `here`. If that is unknown, it counts as alive."""
        if (self.host, self.namespace) == (here.host, here.namespace):
            return _started(self.pid) == self.started
        if not CONTAINER_ID_PATTERN.fullmatch(self.host):
            return True  # a host that we cannot examine
        if self.host == here.host:
            return False  # this container before its last restart
        try:
            return bool(engine.inspect(self.host)["State"]["Running"])
        except EngineError as error:
            return not error.missing


def _started(pid: int) -> int | None:
    """Return when a process began, None if there is none (proc_pid_stat(5), field 22)."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return None
