"""The daily run that deletes what is old, in the process that serves."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys.models import DailyUse
from executions.models import Execution
from executions.records.retention import Retention
from tests.conftest import Page, database_fails
from tests.waiting import eventually


@pytest.fixture
def old(page: Page) -> Page:
    """Leave an execution and its use of ten days ago."""
    page.run()
    Execution.objects.update(created=timezone.now() - timedelta(days=10))
    DailyUse.objects.update(day=timezone.now().date() - timedelta(days=10))
    return page


@pytest.mark.django_db(transaction=True)
def test_what_is_old_goes_by_itself(old: Page) -> None:
    old.run()
    pruning = Retention(days=9)
    pruning.start()
    assert eventually(lambda: Execution.objects.count() == 1 and DailyUse.objects.count() == 2)
    pruning.close()
    pruning.join(5)
    assert not pruning.is_alive()


@pytest.mark.django_db(transaction=True)
def test_it_comes_again_the_next_day(old: Page) -> None:
    pruning = Retention(days=9, every_seconds=0.1)
    pruning.start()
    assert eventually(lambda: not Execution.objects.exists())
    old.run()
    Execution.objects.update(created=timezone.now() - timedelta(days=10))
    assert eventually(lambda: not Execution.objects.exists())
    pruning.close()
    pruning.join(5)


def test_a_database_that_is_away_ends_nothing(old: Page, caplog: pytest.LogCaptureFixture) -> None:
    pruning = Retention(days=9)
    with database_fails("SELECT"):
        pruning.run_once()
    assert "old executions stay for another day" in caplog.text
    pruning.run_once()
    assert not Execution.objects.exists()
