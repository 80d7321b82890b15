"""What an answer says about a run that no exception ended."""

import pytest

from executions.running.messages import HINTS
from executions.running.outcome import error_detail
from executions.sandbox.results import Run, RunStatus


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


def test_exit_code_alone_gets_no_hint() -> None:
    detail = error_detail(Run(RunStatus.ERROR, exit_code=3), timeout_seconds=5)
    assert detail is not None
    assert (detail.type, detail.message, detail.hint) == ("Exit", "The program ended with exit code 3", None)
