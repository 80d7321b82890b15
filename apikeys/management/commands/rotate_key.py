"""`manage.py rotate_key PREFIX [--overlap-hours N]`"""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apikeys.keys import NotRotatable, rotate_key
from apikeys.models import ApiKey

LONGEST_OVERLAP_HOURS = 24 * 90


class Command(BaseCommand):
    help = "Replaces a key: prints a new token, once, as the last line; the old one works on for the overlap."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="the beginning of the key's token, as the admin shows it")
        parser.add_argument("--overlap-hours", type=int, default=24, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["overlap_hours"] <= LONGEST_OVERLAP_HOURS:
            raise CommandError(f"--overlap-hours is 0 to {LONGEST_OVERLAP_HOURS}.")
        keys = ApiKey.objects.filter(prefix=options["prefix"], is_active=True)
        if len(keys) != 1:
            raise CommandError(f"{len(keys)} active keys have this prefix.")
        ends = timezone.now() + timedelta(hours=options["overlap_hours"])
        try:
            successor, token = rotate_key(keys[0], ends)
        except NotRotatable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Key “{successor.name}”. Its token is not shown again; the old one ends {ends:%Y-%m-%d %H:%M} UTC:"
        )
        self.stdout.write(token)
