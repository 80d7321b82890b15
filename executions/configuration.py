"""What the settings say about running programs. Needs no database and no models, so workers have it, too."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection

from executions.bounds import LONGEST_RUN_SECONDS
from executions.sandbox.profiles import LOADING_SECONDS
from executions.sandbox.settings import Reuse, SandboxSettings, is_gvisor

LONGEST_EXECUTION = timedelta(seconds=60)
"""The longest that an execution takes without input: the longest wait that the settings allow, and its run."""
assert LONGEST_EXECUTION.total_seconds() > 30 + LOADING_SECONDS + LONGEST_RUN_SECONDS  # noqa: S101

LONGEST_WAIT = timedelta(minutes=5)
"""How long an execution may wait in the background, before it waits for a container like any other."""


DRAIN_SECONDS = 25
"""How long a process that ends waits for running programs. Queued requests are refused."""


def longest_execution() -> timedelta:
    """Return the longest that an execution takes, with all the time that it may wait for input or in the background."""
    return LONGEST_EXECUTION + max(LONGEST_WAIT, timedelta(seconds=settings.SANDBOX_INPUT_SECONDS_IN_ALL))


def most_programs() -> int:
    """Return how many programs may run, wait for input or wait in line: a process has a thread for each."""
    return settings.SANDBOX_MAX_CONCURRENT + settings.SANDBOX_MAX_INTERACTIVE + settings.SANDBOX_QUEUE_LENGTH


def can_wait_for_input() -> bool:
    """Return whether programs can wait for input: gVisor does not report it, so they read the end of their input."""
    return not is_gvisor(settings.SANDBOX_RUNTIME)


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
