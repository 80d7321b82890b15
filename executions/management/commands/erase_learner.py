"""`manage.py erase_learner LEARNER [--key PREFIX]`: delete everything that is stored about one learner."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apikeys.models import ApiKey
from executions.records.purge import purge_deleted
from executions.records.retention import erase_learner


class Command(BaseCommand):
    help = "Deletes a learner's executions, usage and suspensions. If interrupted, run it again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("learner", help="the exact id that the site gave the learner")
        parser.add_argument(
            "--key", metavar="PREFIX", help="only what was recorded with this key or others of its family"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        families = None
        if options["key"] is not None:
            families = list(ApiKey.objects.filter(prefix=options["key"]).values_list("family", flat=True))
            if not families:
                raise CommandError("No key has this prefix.")
        if not options["learner"]:
            raise CommandError("Give a learner's ID: an empty ID would match everyone without one.")
        self.stdout.write(f"{erase_learner(options['learner'], families)} executions erased")
        transaction.on_commit(self._purge)

    def _purge(self) -> None:
        """Remove what the database keeps of deleted rows."""
        if not purge_deleted():
            raise CommandError(
                "The database's write-ahead log is in use and still has the learner's data: run it again."
            )
