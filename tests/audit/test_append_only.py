"""Nobody changes or deletes an entry of the audit log."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone

from audit.events import record_event
from audit.management.commands.prune_audit import prune
from tests.conftest import database_fails

REFUSAL = "the audit log is append-only"

pytestmark = pytest.mark.django_db


def entry(days: int = 0) -> LogEntry:
    record_event("tested")
    made = LogEntry.objects.latest("pk")
    if days:  # an entry cannot be changed, so add an older one
        made.pk = None
        made.timestamp = timezone.now() - timedelta(days=days)
        made.save(force_insert=True)
    return made


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        lambda: LogEntry.objects.update(object_repr="nothing"),
        lambda: LogEntry.objects.all().delete(),
        lambda: sql("UPDATE auditlog_logentry SET remote_addr = NULL"),
        lambda: sql("DELETE FROM auditlog_logentry"),
        lambda: sql("INSERT OR REPLACE INTO auditlog_logentry SELECT * FROM auditlog_logentry"),
    ],
    ids=["update", "delete", "sql update", "sql delete", "sql replace"],
)
def test_the_database_refuses_to_change_an_entry(change: Callable[[], object]) -> None:
    kept = entry()
    with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
        change()
    assert LogEntry.objects.get().object_repr == kept.object_repr


def test_old_entries_are_pruned_and_the_pruning_is_recorded() -> None:
    entry(days=366)
    entry(days=364)
    before = set(LogEntry.objects.values_list("pk", flat=True))
    output = StringIO()
    call_command("prune_audit", "--older-than", "365d", stdout=output)
    assert output.getvalue() == "1 entries deleted\n"
    assert len(before - set(LogEntry.objects.values_list("pk", flat=True))) == 1
    event = LogEntry.objects.latest("pk").additional_data
    assert (event["event"], event["entries"]) == ("audit_pruned", 1)
    with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
        LogEntry.objects.all().delete()


def test_each_pruned_batch_is_recorded() -> None:
    for _ in range(3):
        entry(days=9)
    assert prune(timezone.now() - timedelta(days=8), batch_rows=2) == 3
    events = [each.additional_data for each in LogEntry.objects.order_by("pk")]
    assert [event["entries"] for event in events if event["event"] == "audit_pruned"] == [2, 1]


def test_a_failed_pruning_changes_nothing() -> None:
    entry(days=9)
    before = LogEntry.objects.count()
    with database_fails('INSERT INTO "auditlog_logentry"'), pytest.raises(OperationalError):
        call_command("prune_audit", "--older-than", "8d", stdout=StringIO())
    assert LogEntry.objects.count() == before
    with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
        LogEntry.objects.all().delete()


@pytest.mark.parametrize("age", ["0d", "-1d", "365", "1y", ""])
def test_an_invalid_age_is_refused(age: str) -> None:
    with pytest.raises(CommandError, match="older-than"):
        call_command("prune_audit", f"--older-than={age}")


def test_the_admin_shows_entries_but_changes_none(admin_client: Client, admin_user: User) -> None:
    made = entry()
    path = f"/admin/auditlog/logentry/{made.pk}"
    assert "tested" in admin_client.get("/admin/auditlog/logentry/").content.decode()
    assert "tested" in admin_client.get(f"{path}/change/").content.decode()
    assert admin_client.post(f"{path}/change/", {"object_repr": "nothing"}).status_code == 403
    assert admin_client.post(f"{path}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get("/admin/auditlog/logentry/add/").status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [made.pk], "post": "yes"}
    admin_client.post("/admin/auditlog/logentry/", bulk)
    assert LogEntry.objects.filter(pk=made.pk).exists()
    assert admin_client.post(f"/admin/auth/user/{admin_user.pk}/delete/", {"post": "yes"}).status_code == 403
