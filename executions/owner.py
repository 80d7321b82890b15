"""Which process of the service owns a container: a label names it, to find the containers of dead processes."""

import os
import re
import socket
import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

# Earlier versions, which may start beside this one, take such an owner for one of a namespace that they cannot examine.
LABEL_PATTERN = re.compile(r"(?P<pid>\d+)-0-(?P<id>\d{1,39})@(?P<host>[\w.-]+)")


REMEMBERED_FOR = timedelta(days=30)
"""How long a dead owner is remembered: an engine that was off may still have containers of it."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process of the service.

    Only `id`, which is random, tells it from all others: PIDs, namespaces and host names recur on other hosts, and
    after a reboot. `pid` and `host` (in a container, the container's id) are for people.
    """

    pid: int
    id: uuid.UUID
    host: str

    @classmethod
    def of_this_process(cls) -> "Owner":
        """Return the owner that this process writes on its containers, the same one at each call."""
        pid = os.getpid()
        return cls(pid, _id_of(pid), socket.gethostname())

    @classmethod
    def parse(cls, label: str) -> "Owner | None":
        """Return the owner that `str()` wrote, None for anything else."""
        match = LABEL_PATTERN.fullmatch(label)
        if match is None or int(match["id"]) >> 128:
            return None
        return cls(int(match["pid"]), uuid.UUID(int=int(match["id"])), match["host"])

    def __str__(self) -> str:
        return f"{self.pid}-0-{self.id.int}@{self.host}"


@cache
def _id_of(pid: int) -> uuid.UUID:
    """Return the id of this process, whose PID is the argument, so that a forked process gets another one."""
    return uuid.uuid4()
