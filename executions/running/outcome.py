"""How a run ended, in the words of an answer: its `error` and its `error_detail`."""

from dataclasses import replace

from executions.running.hints import hint_sentence
from executions.running.language import gettext, ngettext
from executions.sandbox.results import ErrorDetail, Hint, Run, RunStatus
from executions.sandbox.settings import MEMORY_BYTES

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
        if hint.key == "timeout" and run.position.message:
            hint = Hint("timeout_loop", (("variables", run.position.message),))
        return replace(run.position, type=TYPES[run.status], message=message, hint=hint_sentence(hint))
    if run.status is not RunStatus.ERROR:
        return ErrorDetail(TYPES[run.status], message, hint=hint_sentence(_limit_hint(run, timeout_seconds)))
    if run.signal is not None:
        return ErrorDetail(run.signal, message, hint=hint_sentence(Hint("signal")))
    if run.detail is not None:
        return replace(run.detail, hint=None if run.hint is None else hint_sentence(run.hint))
    return ErrorDetail("Exit", gettext("The program ended with exit code {code}").format(code=run.exit_code))


def _limit_hint(run: Run, timeout_seconds: int) -> Hint:
    if run.waited_in_vain:
        return Hint("timeout_input")
    if run.status is RunStatus.TIMEOUT and 0 < run.cpu_seconds < IDLE_CPU_SHARE * timeout_seconds:
        return Hint("timeout_idle")
    return Hint(run.status)


def sentence(run: Run, timeout_seconds: int) -> str:
    """Return what ended a run, or an empty string if the program ended by itself."""
    if run.waited_in_vain:
        return gettext("Execution timed out while waiting for input")
    if run.status is RunStatus.CANCELLED:
        return gettext("Execution stopped because the client disconnected")
    if run.status is RunStatus.TIMEOUT:
        said = ngettext(
            "Execution timed out after {seconds} second", "Execution timed out after {seconds} seconds", timeout_seconds
        )
        return said.format(seconds=timeout_seconds)
    if run.status is RunStatus.MEMORY_LIMIT:
        return gettext("Memory limit of {megabytes} MB exceeded").format(megabytes=MEMORY_BYTES // 1024**2)
    if run.status is RunStatus.OUTPUT_LIMIT:
        return gettext("Output limit exceeded: the program printed too much")
    if run.signal is not None:
        return gettext("The program was killed by signal {signal}").format(signal=run.signal)
    return ""
