"""`manage.py prune_executions --older-than 90d`: learners may be minors, so their programs are not kept forever."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from executions.records.retention import old_executions, prune
from web.notation import age


class Command(BaseCommand):
    help = "Deletes the records of old executions, including code and output. If interrupted, run it again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than", type=age, required=True, metavar="DAYSd", help="an age in days, for example 90d"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="print how many would be deleted, and delete nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        before = timezone.now() - options["older_than"]
        if options["dry_run"]:
            self.stdout.write(f"{old_executions(before).count()} executions to delete")
        else:
            self.stdout.write(f"{prune(before)} executions deleted")
