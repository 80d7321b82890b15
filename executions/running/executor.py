"""Where programs are run: the sandbox of this process, as the settings have it."""

from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import connection

from executions.sandbox.console import Console
from executions.sandbox.results import Outcome, SandboxUnavailable, Submission
from executions.sandbox.sandbox import Sandbox, SandboxHealth
from executions.sandbox.settings import SandboxSettings


class Executor(Protocol):
    """Runs submissions. Raises SandboxBusy, SandboxUnavailable or RunLost."""

    def execute(self, submission: Submission, console: Console | None = None) -> Outcome:
        """Run a submission, and let whoever looks on by `console` take part."""

    def health(self) -> SandboxHealth:
        """Return the state, at once."""


class _NotStarted:
    """Stands in until the executor is started."""

    def execute(self, submission: Submission, console: Console | None = None) -> Outcome:
        raise SandboxUnavailable("not started")

    def health(self) -> SandboxHealth:
        return SandboxHealth(False, "unreachable", "not started", 0, 0, 0)


_executor: Executor = _NotStarted()


def sandbox_settings() -> SandboxSettings:
    """Return the sandbox's part of the settings."""
    database = Path(connection.settings_dict["NAME"])
    return SandboxSettings(
        pool_size=settings.SANDBOX_POOL_SIZE,
        science_pool_size=settings.SANDBOX_SCIENCE_POOL_SIZE,
        max_concurrent=settings.SANDBOX_MAX_CONCURRENT,
        queue_length=settings.SANDBOX_QUEUE_LENGTH,
        queue_seconds=settings.SANDBOX_QUEUE_SECONDS,
        refill_threads=settings.SANDBOX_REFILL_THREADS,
        runtime=settings.SANDBOX_RUNTIME or None,
        input_seconds=settings.SANDBOX_INPUT_SECONDS,
        input_seconds_in_all=settings.SANDBOX_INPUT_SECONDS_IN_ALL,
        directories=(database.parent,) if connection.vendor == "sqlite" else (),
        least_free_percent=settings.LEAST_FREE_DISK_PERCENT,
    )


def get_executor() -> Executor:
    """Return the executor of this process."""
    return _executor


def set_executor(executor: Executor) -> None:
    """Have all requests of this process run by `executor`."""
    global _executor
    _executor = executor


def start_executor() -> None:
    """Start the sandbox. Returns at once; until its probes have passed it refuses."""
    sandbox = Sandbox(sandbox_settings())
    sandbox.start()
    set_executor(sandbox)


def close_executor(drain_seconds: float) -> None:
    """Let running programs finish for `drain_seconds`, then let all containers go."""
    executor = get_executor()
    if isinstance(executor, Sandbox):
        executor.close(drain_seconds)
