"""Rules through the URL: what enters the container, what is recorded, and what the learner reads."""

from dataclasses import replace
from typing import Any

import pytest

from executions.models import Execution
from executions.records.record import request_of
from executions.sandbox.results import ErrorDetail, Run, RunStatus
from tests.conftest import Page
from tests.fakes import FakeExecutor

RULE: dict[str, Any] = {"uses": ["for"], "avoids": ["sum"], "defines": [{"name": "add", "parameters": 2}]}
FOUND = Run(RunStatus.SUCCESS, exit_code=0, wall_seconds=0.25, uses=((1, 0), (0, 0), (4, 2)))


def message(page: Page, executor: FakeExecutor, run: Run, **options: Any) -> str:
    executor.test = run
    [result] = page.run(test_cases=[{**RULE, **options}]).json()["test_results"]
    said: str = result["message"]
    assert result["passed"] is said.startswith("✅")
    return said


def test_only_the_words_enter_the_container(page: Page, executor: FakeExecutor) -> None:
    executor.test = FOUND
    page.run(test_cases=[RULE])
    [test] = executor.submissions[0].tests
    assert test.words == ("for", "sum", "def add")
    assert (test.code, test.input, test.files) == ("", "", ())


@pytest.mark.parametrize(
    ("uses", "said"),
    [
        (
            ((1, 0), (0, 0), (4, 2)),
            "✅ Test passed: Use a for loop. Do not use sum(). Define a function add with 2 parameters.",
        ),
        (
            ((0, 0), (3, 0), (4, 3)),
            "❌ Test failed: Use a for loop. Do not use sum(): line 3 does."
            " Define a function add with 2 parameters: yours has 3.",
        ),
        (((1, 0), (0, 0), (0, 0)), "❌ Test failed: Define a function add with 2 parameters."),
    ],
)
def test_messages_name_the_broken_rules(
    page: Page, executor: FakeExecutor, uses: tuple[tuple[int, int], ...], said: str
) -> None:
    assert message(page, executor, replace(FOUND, uses=uses)) == said


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (
            Run(RunStatus.ERROR, exit_code=1, detail=ErrorDetail("SyntaxError", "expected ':'", 2)),
            "❌ Test failed: The program cannot be read: SyntaxError in line 2: expected ':'.",
        ),
        (Run(RunStatus.TIMEOUT), "❌ Test failed: Execution timed out after 5 seconds"),
        (Run(RunStatus.MEMORY_LIMIT), "❌ Test failed: Memory limit of 128 MB exceeded"),
    ],
)
def test_program_that_cannot_be_parsed_breaks_every_rule(
    page: Page, executor: FakeExecutor, run: Run, said: str
) -> None:
    assert message(page, executor, run) == said


def test_a_hidden_rule_tells_only_the_verdict(page: Page, executor: FakeExecutor) -> None:
    assert message(page, executor, FOUND, hidden=True) == "✅ Test passed"


def test_rules_are_recorded_and_can_run_again(page: Page, executor: FakeExecutor) -> None:
    executor.test = FOUND
    page.run(test_cases=[RULE])
    execution = Execution.objects.get()
    assert execution.test_cases is not None
    assert {name: execution.test_cases[0][name] for name in RULE} == RULE
    assert request_of(execution).submission().tests == executor.submissions[0].tests


def test_a_record_older_than_rules_can_run_again(page: Page, executor: FakeExecutor) -> None:
    page.run(test_cases=[{"input": "add(1, 2)"}])
    execution = Execution.objects.get()
    assert execution.test_cases is not None
    for name in RULE:
        del execution.test_cases[0][name]
    assert request_of(execution).submission().tests == executor.submissions[0].tests
