"""`manage.py erase_learner LEARNER [--key PREFIX]`: all that is kept of one learner goes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apikeys.models import ApiKey
from executions.records.retention import erase_learner


class Command(BaseCommand):
    help = "Deletes a learner's executions, use and suspensions. Broken off, it can simply be run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("learner", help="the site's id of the learner, exactly")
        parser.add_argument("--key", metavar="PREFIX", help="only what came with this key, or others of its family")

    def handle(self, *args: Any, **options: Any) -> None:
        families = None
        if options["key"] is not None:
            families = list(ApiKey.objects.filter(prefix=options["key"]).values_list("family", flat=True))
            if not families:
                raise CommandError("No key has this prefix.")
        if not options["learner"]:
            raise CommandError("Without an id this would be everybody.")
        self.stdout.write(f"{erase_learner(options['learner'], families)} executions erased")
