"""The answer's `error_detail`: what a failed program's own process told, or what the host alone knows of its end."""

from dataclasses import asdict
from typing import Any

from executions.running.wording import sentence
from executions.sandbox.results import ErrorDetail, Run, RunStatus
from guest.hints.messages import HINTS

TYPES = {
    RunStatus.TIMEOUT: "Timeout",
    RunStatus.MEMORY_LIMIT: "MemoryLimit",
    RunStatus.OUTPUT_LIMIT: "OutputLimit",
}
"""What the ends are called that Python has no exception for."""


def error_detail(run: Run, timeout_seconds: int) -> dict[str, Any] | None:
    """Return what is told of the error of a run, None of one that has not failed, was not run or was stopped."""
    if run.status in (RunStatus.SUCCESS, RunStatus.NOT_RUN, RunStatus.CANCELLED):
        return None
    return asdict(_detail(run, timeout_seconds))


def _detail(run: Run, timeout_seconds: int) -> ErrorDetail:
    message = sentence(run, timeout_seconds)
    if run.status is not RunStatus.ERROR:
        return ErrorDetail(TYPES[run.status], message, hint=HINTS[run.status])
    if run.signal is not None:
        return ErrorDetail(run.signal, message, hint=HINTS["signal"])
    if run.detail is not None:
        return run.detail
    return ErrorDetail("Exit", f"The program ended with exit code {run.exit_code}", hint=HINTS["exit"])
