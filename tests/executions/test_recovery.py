"""Executions that a crash interrupted are closed at the next start."""

import pytest

from executions.models import Execution
from executions.records.record import recover_interrupted
from executions.sandbox.results import Outcome, Submission
from tests.conftest import Page
from tests.fakes import FakeExecutor


def test_execution_interrupted_by_a_crash_is_an_internal_error(page: Page) -> None:
    finished = page.run().json()["id"]
    Execution.objects.create(code="1", timeout=5, key=page.key)
    assert recover_interrupted() == 1
    assert recover_interrupted() == 0
    assert Execution.objects.get(public_id=finished).status == "success"
    interrupted = Execution.objects.exclude(public_id=finished).get()
    assert (interrupted.status, interrupted.error) == (
        "internal_error",
        "The service was interrupted while this program ran.",
    )


def test_draining_predecessor_may_still_finish_its_record(page: Page, executor: FakeExecutor) -> None:
    run = executor.execute

    def successor_starts_meanwhile(submission: Submission) -> Outcome:
        assert recover_interrupted() == 1
        return run(submission)

    executor.execute = successor_starts_meanwhile  # type: ignore[assignment, method-assign]
    page.run()
    assert Execution.objects.get().status == "success"


@pytest.mark.django_db
def test_empty_database_has_nothing_to_recover() -> None:
    assert recover_interrupted() == 0
