"""`manage.py prune_executions --older-than 90d`: learners may be minors, so what they wrote is not kept for ever."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from executions.records.retention import old_executions, prune
from web.ages import age


class Command(BaseCommand):
    help = "Deletes the records of old executions, code and output included. Broken off, it can simply be run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than", type=age, required=True, metavar="DAYSd", help="such as 90d")
        parser.add_argument("--dry-run", action="store_true", help="say how many would go, and delete nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        before = timezone.now() - options["older_than"]
        if options["dry_run"]:
            self.stdout.write(f"{old_executions(before).count()} executions to delete")
        else:
            self.stdout.write(f"{prune(before)} executions deleted")
