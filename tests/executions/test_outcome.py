"""What an answer says about a run that no exception ended."""

import pytest

from executions.running.hint_sentences import HINTS
from executions.running.outcome import error_detail
from executions.sandbox.results import ErrorDetail, Run, RunStatus


@pytest.mark.parametrize(
    ("run", "hint"),
    [
        (Run(RunStatus.TIMEOUT, cpu_seconds=0.1), "timeout"),
        (Run(RunStatus.TIMEOUT, cpu_seconds=0.099), "timeout_idle"),
        (Run(RunStatus.TIMEOUT, cpu_seconds=0.0), "timeout"),  # unknown: the supervisor did not report
        (Run(RunStatus.TIMEOUT, cpu_seconds=0.01, waited_in_vain=True), "timeout_input"),
        (Run(RunStatus.MEMORY_LIMIT, cpu_seconds=0.01), "memory_limit"),
    ],
)
def test_hint_tells_what_a_program_spent_its_time_on(run: Run, hint: str) -> None:
    detail = error_detail(run, timeout_seconds=5)
    assert detail is not None
    assert detail.hint == HINTS[hint]


def position(variables: str = "") -> ErrorDetail:
    return ErrorDetail("<position>", variables, 3, source="    n += 1")


@pytest.mark.parametrize(
    ("run", "line", "hint"),
    [
        (
            Run(RunStatus.TIMEOUT, cpu_seconds=1, position=position("n = {3}")),
            3,
            "The program ran out of time in a loop that perhaps never ends: shortly before, n = {3}.",
        ),
        (Run(RunStatus.TIMEOUT, cpu_seconds=1, position=position()), 3, HINTS["timeout"]),
        (Run(RunStatus.TIMEOUT, cpu_seconds=0.01, position=position("n = 3")), 3, HINTS["timeout_idle"]),
        (Run(RunStatus.TIMEOUT, position=position("n = 3"), waited_in_vain=True), None, HINTS["timeout_input"]),
        (Run(RunStatus.MEMORY_LIMIT, position=position("n = 3")), None, HINTS["memory_limit"]),
    ],
    ids=range(5),
)
def test_timeout_has_the_position_that_the_program_reported(run: Run, line: int | None, hint: str) -> None:
    detail = error_detail(run, timeout_seconds=5)
    assert detail is not None
    assert (detail.line, detail.hint, detail.source) == (line, hint, "    n += 1" if line else None)
    assert detail.type in ("Timeout", "MemoryLimit")
    assert detail.message.startswith(("Execution timed out", "Memory limit"))


def test_exit_code_alone_gets_no_hint() -> None:
    detail = error_detail(Run(RunStatus.ERROR, exit_code=3), timeout_seconds=5)
    assert detail is not None
    assert (detail.type, detail.message, detail.hint) == ("Exit", "The program ended with exit code 3", None)
