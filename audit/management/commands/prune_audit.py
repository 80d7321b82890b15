"""`manage.py prune_audit --older-than 365d`: the only way to delete entries of the audit log."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from auditlog.models import LogEntry
from django.core.management.base import BaseCommand
from django.db import connection, transaction
from django.utils import timezone

from audit.append_only import lifted
from audit.events import record_event
from web.notation import age

BATCH_ROWS = 5_000
"""Deleted in one transaction, during which nobody else can write to the log."""


class Command(BaseCommand):
    help = "Deletes old entries of the audit log, and records each deleted batch as an entry."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than", type=age, required=True, metavar="DAYSd", help="an age in days, for example 365d"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{prune(timezone.now() - options['older_than'])} entries deleted")


def prune(before: datetime, batch_rows: int = BATCH_ROWS) -> int:
    """Delete the entries older than `before`, in batches; return how many."""
    old = LogEntry.objects.filter(timestamp__lt=before).order_by("timestamp").values_list("pk", flat=True)
    total = 0
    while batch := list(old[:batch_rows]):
        with transaction.atomic():
            with lifted(connection):
                count = LogEntry.objects.filter(pk__in=batch)._raw_delete(connection.alias)
            record_event("audit_pruned", details={"entries": count, "before": before.isoformat()})
        total += count
    return total
