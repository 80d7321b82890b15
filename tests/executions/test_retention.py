"""The serving process deletes old data once a day."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys.models import DailyUse
from executions.models import Execution
from executions.records.retention import Retention
from tests.conftest import Page, database_fails
from tests.waiting import eventually

DAYS = 9


@pytest.fixture
def old(page: Page) -> Page:
    """Create an execution and its daily use, both ten days old."""
    page.run()
    Execution.objects.update(created=timezone.now() - timedelta(days=DAYS + 1))
    DailyUse.objects.update(day=timezone.now().date() - timedelta(days=DAYS + 1))
    return page


@pytest.fixture
def pruned(caplog: pytest.LogCaptureFixture) -> Callable[[int], bool]:
    """Return a function that finds in the log whether pruning has deleted one execution on each of so many days.

    It makes no query: in the tests' in-memory database, a reader fails at once on a table that is being written.
    """
    caplog.set_level(logging.INFO, "executions.records.retention")
    return lambda days: caplog.messages.count(f"1 executions were older than {DAYS} days") == days


@pytest.mark.django_db(transaction=True)
def test_only_old_executions_are_deleted(old: Page, pruned: Callable[[int], bool]) -> None:
    old.run()
    pruning = Retention(DAYS)
    pruning.start()
    assert eventually(lambda: pruned(1))
    pruning.close()
    pruning.join(5)
    assert not pruning.is_alive
    assert (Execution.objects.count(), DailyUse.objects.count()) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_pruning_runs_again_the_next_day(old: Page, pruned: Callable[[int], bool]) -> None:
    old.run()
    almost_old = timezone.now() - timedelta(days=DAYS) + timedelta(seconds=2)
    Execution.objects.filter(pk=Execution.objects.latest("pk").pk).update(created=almost_old)
    pruning = Retention(DAYS, every_seconds=0.1)
    pruning.start()
    assert eventually(lambda: pruned(2))
    pruning.close()
    pruning.join(5)
    assert not Execution.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_pruning_survives_a_database_outage(old: Page, caplog: pytest.LogCaptureFixture) -> None:
    pruning = Retention(DAYS)
    with database_fails("SELECT"):
        pruning.run_once()
    assert "could not delete old executions; next attempt tomorrow" in caplog.text
    pruning.run_once()
    assert not Execution.objects.exists()
