"""The sentences in which the service tells a learner how a run ended."""

from executions.sandbox.engine.options import MEMORY_BYTES
from executions.sandbox.results import Run, RunStatus


def error_text(run: Run, timeout_seconds: int) -> str:
    """Return what the program wrote to stderr and then, on a line of its own, what ended it but for itself."""
    ended_by = sentence(run, timeout_seconds)
    if not ended_by or not run.stderr:
        return run.stderr or ended_by
    return f"{run.stderr.rstrip()}\n{ended_by}"


def sentence(run: Run, timeout_seconds: int) -> str:
    """Return what ended a run but for the program itself; an empty text if nothing did."""
    if run.waited_in_vain:
        return "Execution timed out: no input came"
    if run.status is RunStatus.CANCELLED:
        return "Execution was stopped: nobody was there any more"
    if run.status is RunStatus.TIMEOUT:
        return f"Execution timed out after {timeout_seconds} second{'s' if timeout_seconds != 1 else ''}"
    if run.status is RunStatus.MEMORY_LIMIT:
        return f"Memory limit of {MEMORY_BYTES // 1024**2} MB exceeded"
    if run.status is RunStatus.OUTPUT_LIMIT:
        return "Output limit exceeded: the program printed too much"
    if run.signal is not None:
        return f"Program was ended by signal {run.signal}"
    return ""
