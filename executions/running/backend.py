"""What the requests of one process share. `codeexec/start.py` creates it; other modules call `get_backend`."""

from dataclasses import dataclass, field

from executions.records.late_records import LateRecords
from executions.running.executor import Executor, NotStarted
from executions.running.interactive import InteractiveSessions


@dataclass(slots=True)
class Backend:
    """Where programs run, which of them take input now, and which results are still to be recorded."""

    executor: Executor
    sessions: InteractiveSessions = field(default_factory=InteractiveSessions)
    late_records: LateRecords = field(default_factory=LateRecords)


_backend = Backend(NotStarted())


def get_backend() -> Backend:
    """Return the backend of this process."""
    return _backend


def set_backend(backend: Backend) -> None:
    """Serve all requests of this process with `backend`."""
    global _backend
    _backend = backend
