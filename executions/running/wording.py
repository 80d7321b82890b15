"""The sentences that tell a learner how a run ended."""

from executions.sandbox.engine.options import MEMORY_BYTES
from executions.sandbox.results import Run, RunStatus


def error_text(run: Run, timeout_seconds: int) -> str:
    """Return what the program wrote to stderr and then, on a line of its own, what else ended it."""
    ended_by = sentence(run, timeout_seconds)
    if not ended_by or not run.stderr:
        return run.stderr or ended_by
    return f"{run.stderr.rstrip()}\n{ended_by}"


def sentence(run: Run, timeout_seconds: int) -> str:
    """Return what ended a run, or an empty string if the program ended by itself."""
    if run.waited_in_vain:
        return "Execution timed out while waiting for input"
    if run.status is RunStatus.CANCELLED:
        return "Execution stopped because the client disconnected"
    if run.status is RunStatus.TIMEOUT:
        return f"Execution timed out after {timeout_seconds} second{'s' if timeout_seconds != 1 else ''}"
    if run.status is RunStatus.MEMORY_LIMIT:
        return f"Memory limit of {MEMORY_BYTES // 1024**2} MB exceeded"
    if run.status is RunStatus.OUTPUT_LIMIT:
        return "Output limit exceeded: the program printed too much"
    if run.signal is not None:
        return f"The program was killed by signal {run.signal}"
    return ""
