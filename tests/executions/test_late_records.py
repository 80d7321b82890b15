"""Results wait until the database takes them: the order of attempts, and when to give up."""

import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError

from executions.records.late_records import MOST_WAITING, LateRecords
from tests.waiting import eventually

SECRET = "Failing row contains (print('what a learner wrote'))"


@pytest.fixture
def late() -> Iterator[LateRecords]:
    late = LateRecords(retry_seconds=0.01)
    late.start()
    yield late
    late.close(0)


class Record:
    """A record that raises one of `errors` at each attempt and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.attempts = 0
        self.is_taken = False

    def __call__(self) -> None:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        self.is_taken = True


def never_again(error: Exception) -> Callable[[], None]:
    """Return a record that fails with `error` at each attempt."""

    def record() -> None:
        raise error

    return record


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError, ProgrammingError])
def test_record_is_retried_until_the_database_takes_it(late: LateRecords, kind: type[Exception]) -> None:
    record = Record(*[kind("away") for _ in range(3)])
    assert late.add("one", record)
    assert eventually(lambda: record.is_taken)
    assert record.attempts == 4


@pytest.mark.parametrize("error", [OperationalError("canceling statement due to statement timeout"), DataError("bad")])
def test_record_that_always_fails_does_not_block_others(late: LateRecords, error: Exception) -> None:
    late.add("bad", never_again(error))
    others = [Record() for _ in range(3)]
    for other in others:
        assert late.add("good", other)
    assert eventually(lambda: all(other.is_taken for other in others))


@pytest.mark.parametrize("error", [DataError(f"bad\n{SECRET}"), IntegrityError(f"bad\n{SECRET}"), ValueError("a bug")])
def test_impossible_record_is_given_up_and_logged_without_its_text(
    late: LateRecords, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    record = Record(error)
    late.add("an-execution", record)
    late.close(5)
    assert (record.attempts, record.is_taken) == (1, False)
    assert "the result of an-execution was not recorded" in caplog.text
    assert "results were not recorded" not in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("kind", [DataError, IntegrityError])
def test_impossible_record_keeps_no_learner_waiting(caplog: pytest.LogCaptureFixture, kind: type[Exception]) -> None:
    late = LateRecords(pauses_seconds=(600, 600))
    record = Record(kind(f"bad\n{SECRET}"))
    late.record("an-execution", record)
    assert (record.attempts, record.is_taken) == (1, False)
    assert "the result of an-execution was not recorded: bad" in caplog.text
    assert SECRET not in caplog.text


def test_waiting_record_is_logged_without_its_text(late: LateRecords, caplog: pytest.LogCaptureFixture) -> None:
    record = Record(ProgrammingError(f'column "new" does not exist\n{SECRET}'))
    late.add("an-execution", record)
    assert eventually(lambda: record.is_taken)
    assert 'the record of an-execution has to wait: column "new" does not exist' in caplog.text
    assert SECRET not in caplog.text


def test_queue_of_late_records_is_bounded(late: LateRecords) -> None:
    has_begun, may_go_on = threading.Event(), threading.Event()

    def hold() -> None:
        has_begun.set()
        may_go_on.wait(10)

    last = Record()
    assert late.add("first", hold)
    assert has_begun.wait(5)
    assert all(late.add("next", Record()) for _ in range(MOST_WAITING - 2))
    assert late.add("last", last)
    assert not late.add("one too many", Record())
    may_go_on.set()
    assert eventually(lambda: last.is_taken)
    assert late.add("after it", Record())


def test_close_waits_for_records_that_can_be_taken(late: LateRecords, caplog: pytest.LogCaptureFixture) -> None:
    records = [Record(OperationalError("away")) for _ in range(3)]
    for record in records:
        late.add("one", record)
    late.close(5)
    assert all(record.is_taken for record in records)
    assert "not recorded" not in caplog.text


def test_close_logs_how_many_records_are_lost(late: LateRecords, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        late.add("one", never_again(OperationalError("away")))
    late.close(0.1)
    assert "3 results were not recorded" in caplog.text


def test_closed_queue_takes_no_records(late: LateRecords) -> None:
    late.close(0)
    assert eventually(lambda: not late.add("one", Record()))
