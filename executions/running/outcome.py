"""How a run ended, in the words of an answer: its `error` and its `error_detail`."""

from dataclasses import replace

from executions.sandbox.engine.options import MEMORY_BYTES
from executions.sandbox.results import ErrorDetail, Run, RunStatus
from guest.hints.messages import HINTS
from guest.protocol import HINT_CHARACTERS

TYPES = {
    RunStatus.TIMEOUT: "Timeout",
    RunStatus.MEMORY_LIMIT: "MemoryLimit",
    RunStatus.OUTPUT_LIMIT: "OutputLimit",
}
"""The `type` of an error for which Python has no exception."""


IDLE_CPU_SHARE = 0.02
"""A program that has used less of the CPU than this until its deadline was waiting, not computing."""


def error_text(run: Run, timeout_seconds: int) -> str:
    """Return what the program wrote to stderr and, on a separate line, what stopped it."""
    ended_by = sentence(run, timeout_seconds)
    if not ended_by or not run.stderr:
        return run.stderr or ended_by
    return f"{run.stderr.rstrip()}\n{ended_by}"


def error_detail(run: Run, timeout_seconds: int) -> ErrorDetail | None:
    """Return the error that ended a run; None if the run succeeded, did not start or was stopped.

    It comes from the program's own process or, where that could not report, from what the host saw.
    """
    if run.status in (RunStatus.SUCCESS, RunStatus.NOT_RUN, RunStatus.CANCELLED):
        return None
    message = sentence(run, timeout_seconds)
    if run.status is RunStatus.TIMEOUT and run.position is not None and not run.waited_in_vain:
        hint = _limit_hint(run, timeout_seconds)
        if hint == "timeout" and run.position.message:
            hint = "timeout_loop"
        sentence_of_hint = HINTS[hint].format(variables=run.position.message[:HINT_CHARACTERS])
        return replace(run.position, type=TYPES[run.status], message=message, hint=sentence_of_hint)
    if run.status is not RunStatus.ERROR:
        return ErrorDetail(TYPES[run.status], message, hint=HINTS[_limit_hint(run, timeout_seconds)])
    if run.signal is not None:
        return ErrorDetail(run.signal, message, hint=HINTS["signal"])
    if run.detail is not None:
        return run.detail
    return ErrorDetail("Exit", f"The program ended with exit code {run.exit_code}")


def _limit_hint(run: Run, timeout_seconds: int) -> str:
    if run.waited_in_vain:
        return "timeout_input"
    if run.status is RunStatus.TIMEOUT and 0 < run.cpu_seconds < IDLE_CPU_SHARE * timeout_seconds:
        return "timeout_idle"
    return run.status


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
