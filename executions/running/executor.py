"""Where programs run: the sandbox of this process, configured by the settings."""

from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import connection

from executions.sandbox.console import Console
from executions.sandbox.results import Outcome, SandboxUnavailable, Submission
from executions.sandbox.sandbox import SandboxHealth
from executions.sandbox.settings import Reuse, SandboxSettings


class Executor(Protocol):
    """Runs submissions. Raises SandboxError."""

    def execute(self, submission: Submission, console: Console | None = None) -> Outcome:
        """Run a submission. `console` gets its events and may feed or stop it."""

    def health(self) -> SandboxHealth:
        """Return the state, at once."""


class NotStarted:
    """The executor of a process before its start. Refuses everything."""

    def execute(self, submission: Submission, console: Console | None = None) -> Outcome:
        """Raise SandboxUnavailable."""
        raise SandboxUnavailable("not started")

    def health(self) -> SandboxHealth:
        """Return a state that is not ready."""
        return SandboxHealth(False, "unreachable", "not started", 0, 0, 0)


def sandbox_settings() -> SandboxSettings:
    """Return the sandbox's part of the settings."""
    database = Path(connection.settings_dict["NAME"])
    return SandboxSettings(
        reuse=Reuse(settings.SANDBOX_REUSE),
        reuse_runs=settings.SANDBOX_REUSE_RUNS,
        pool_size=settings.SANDBOX_POOL_SIZE,
        science_pool_size=settings.SANDBOX_SCIENCE_POOL_SIZE,
        max_concurrent=settings.SANDBOX_MAX_CONCURRENT,
        busy_concurrent=settings.SANDBOX_BUSY_CONCURRENT,
        queue_length=settings.SANDBOX_QUEUE_LENGTH,
        queue_seconds=settings.SANDBOX_QUEUE_SECONDS,
        refill_threads=settings.SANDBOX_REFILL_THREADS,
        runtime=settings.SANDBOX_RUNTIME or None,
        input_seconds=settings.SANDBOX_INPUT_SECONDS,
        input_seconds_in_all=settings.SANDBOX_INPUT_SECONDS_IN_ALL,
        directories=(database.parent,) if connection.vendor == "sqlite" else (),
        least_free_percent=settings.LEAST_FREE_DISK_PERCENT,
    )
