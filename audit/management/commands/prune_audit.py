"""`manage.py prune_audit --older-than 365d`: the one way in which entries leave the audit log."""

from argparse import ArgumentParser
from typing import Any

from auditlog.models import LogEntry
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from audit.append_only import lifted
from audit.events import record_event
from web.ages import age

BATCH_ROWS = 5_000
"""In one transaction: nobody else can write to the log meanwhile."""


class Command(BaseCommand):
    help = "Deletes old entries of the audit log, and leaves an entry of its own for each batch."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than", type=age, required=True, metavar="DAYSd", help="such as 365d")

    def handle(self, *args: Any, **options: Any) -> None:
        before = timezone.now() - options["older_than"]
        total = 0
        while count := prune_batch(before):
            total += count
        self.stdout.write(f"{total} entries deleted")


def prune_batch(before: Any) -> int:
    """Delete up to BATCH_ROWS entries from before that time; return how many. All of it happens, or nothing."""
    old = LogEntry.objects.filter(timestamp__lt=before).order_by("timestamp").values_list("pk", flat=True)
    if not (batch := list(old[:BATCH_ROWS])):
        return 0
    with lifted(connection):
        count = LogEntry.objects.filter(pk__in=batch)._raw_delete(connection.alias)
        record_event("audit_pruned", details={"entries": count, "before": before.isoformat()})
    return int(count)
