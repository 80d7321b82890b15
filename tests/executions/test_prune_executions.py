"""Old executions are deleted, and the audit log records it."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from executions.models import Execution
from executions.records import retention
from tests.audit_log import events, log_entry_fails
from tests.conftest import Page


def prune(*arguments: str) -> str:
    output = StringIO()
    call_command("prune_executions", *arguments, stdout=output)
    return output.getvalue()


def pruned() -> list[int]:
    """Return the number of deleted executions in each entry of the audit log."""
    return [entry.additional_data["executions"] for entry in events("executions_pruned")]


@pytest.fixture
def aged(page: Page) -> list[Execution]:
    """Return executions that are 0, 89, 91, 92 and 93 days old."""
    for days in (0, 89, 91, 92, 93):
        page.run("print('private')")
        newest = Execution.objects.order_by("pk").last()
        assert newest
        Execution.objects.filter(pk=newest.pk).update(created=timezone.now() - timedelta(days=days))
    return list(Execution.objects.order_by("-created"))


def test_only_executions_older_than_the_age_are_deleted(aged: list[Execution]) -> None:
    assert prune("--older-than", "90d") == "3 executions deleted\n"
    assert set(Execution.objects.all()) == set(aged[:2])
    assert pruned() == [3]
    assert prune("--older-than", "90d") == "0 executions deleted\n"
    assert len(pruned()) == 1


def test_a_dry_run_deletes_nothing(aged: list[Execution]) -> None:
    assert prune("--older-than", "90d", "--dry-run") == "3 executions to delete\n"
    assert Execution.objects.count() == 5
    assert pruned() == []


def test_running_executions_stay(aged: list[Execution]) -> None:
    Execution.objects.filter(pk=aged[-1].pk).update(status=Execution.Status.RUNNING)
    assert prune("--older-than", "90d") == "2 executions deleted\n"


def test_interrupted_pruning_can_be_run_again(aged: list[Execution]) -> None:
    with log_entry_fails(2), pytest.raises(OperationalError):
        retention.prune(timezone.now() - timedelta(days=90), batch_rows=2)
    assert Execution.objects.count() == 3
    assert prune("--older-than", "90d") == "1 executions deleted\n"
    assert pruned() == [2, 1]


def test_missing_age_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="older-than"):
        prune()
