"""What the requests of one process share. `codeexec/start.py` makes it; all others ask `get_runtime` for it."""

from dataclasses import dataclass, field

from executions.records.late_records import LateRecords
from executions.running.executor import Executor, NotStarted
from executions.running.interactive import InteractiveSessions


@dataclass(slots=True)
class Runtime:
    """Where programs run, which of them take input now, and which results are still to be recorded."""

    executor: Executor
    sessions: InteractiveSessions = field(default_factory=InteractiveSessions)
    late_records: LateRecords = field(default_factory=LateRecords)


_runtime = Runtime(NotStarted())


def get_runtime() -> Runtime:
    """Return the runtime of this process."""
    return _runtime


def set_runtime(runtime: Runtime) -> None:
    """Serve all requests of this process with `runtime`."""
    global _runtime
    _runtime = runtime
