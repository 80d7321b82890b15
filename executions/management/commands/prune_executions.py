"""`manage.py prune_executions --older-than 90d`: learners may be minors, so what they wrote is not kept for ever."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from audit.age import age
from audit.events import record_event
from executions.models import Execution

BATCH_ROWS = 500
"""In one transaction: whoever runs a program meanwhile waits for no more than this."""


class Command(BaseCommand):
    help = "Deletes the records of old executions, code and output included. Broken off, it can simply be run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than", type=age, required=True, metavar="DAYSd", help="such as 90d")
        parser.add_argument("--dry-run", action="store_true", help="say how many would go, and delete nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        before = timezone.now() - options["older_than"]
        # What is still running has its result to come.
        old = Execution.objects.filter(created__lt=before).exclude(status=Execution.Status.RUNNING)
        if options["dry_run"]:
            self.stdout.write(f"{old.count()} executions to delete")
            return
        total = 0
        while batch := list(old.order_by("created").values_list("pk", flat=True)[:BATCH_ROWS]):
            with transaction.atomic():
                count, _ = Execution.objects.filter(pk__in=batch).delete()
                record_event("executions_pruned", details={"executions": count, "before": before.isoformat()})
            total += count
        self.stdout.write(f"{total} executions deleted")
