"""What the requests of one process share. `codeexec/start.py` creates it; other modules call `get_backend`."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from uuid import UUID

from executions.cluster.workers import SeenWorker
from executions.records.late_records import LateRecords
from executions.running.executor import Executor, NotStarted
from executions.running.heartbeat import Heartbeat
from executions.running.interactive import InteractiveSessions, Typist
from executions.running.jobs import Jobs
from executions.running.peers import Peers
from executions.running.polls import Polls
from executions.sandbox.sandbox import SandboxHealth
from web.moments import UNREADY_RETRY_SECONDS


@dataclass(frozen=True, slots=True)
class ServiceHealth(SandboxHealth):
    """The state of the sandbox and of everything else that an execution needs. `ready`: `/execute` can answer.

    `database` and `cache` are "connected" or "unreachable".
    """

    database: str = "connected"
    cache: str = "connected"


@dataclass(slots=True)
class Backend:
    """Where programs run, which of them take input now, which results are not recorded yet, and which processes are
    alive; what runs in the background, and which requests wait for that."""

    executor: Executor
    sessions: InteractiveSessions = field(default_factory=InteractiveSessions)
    late_records: LateRecords = field(default_factory=LateRecords)
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    jobs: Jobs = field(default_factory=Jobs)
    polls: Polls = field(default_factory=Polls)
    peers: Peers | None = None
    workers: Callable[[], tuple[SeenWorker, ...]] | None = None
    """Returns the workers that are alive, at once; None if programs run in this process."""

    def health(self) -> ServiceHealth:
        """Return the last known state, at once."""
        sandbox = self.executor.health()
        has = {each.name: each.works for each in (self.heartbeat.database, self.heartbeat.cache)}
        away = [f"the {part} is unreachable" for part, answers in has.items() if not answers]
        return ServiceHealth(
            **asdict(sandbox)
            | {part: "connected" if answers else "unreachable" for part, answers in has.items()}
            | {"ready": sandbox.ready and not away, "reason": sandbox.reason or ", ".join(away)}
        )

    def retry_seconds(self) -> int:
        """Return the number of seconds after which a refused caller will find the current line gone."""
        health = self.executor.health()
        return max(1, math.ceil(health.line_seconds)) if health.ready else UNREADY_RETRY_SECONDS

    def announce(self, public_id: UUID) -> None:
        """Let other web processes pass on input for an execution of this one."""
        if self.peers is not None:
            self.peers.announce(public_id)

    def send_input(self, public_id: UUID, typist: Typist, text: str, is_end: bool) -> bool:
        """Send input to a program of any web process; return False if it takes none from `typist`.

        Raises TooMuchInput, or SandboxUnavailable if the program's web process does not answer.
        """
        if self.sessions.send(public_id, typist, text, is_end):
            return True
        return self.peers is not None and self.peers.send(public_id, typist, text, is_end)


_backend = Backend(NotStarted())


def get_backend() -> Backend:
    """Return the backend of this process."""
    return _backend


def set_backend(backend: Backend) -> None:
    """Serve all requests of this process with `backend`."""
    global _backend
    _backend = backend
