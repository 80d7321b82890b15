"""`manage.py rotate_key PREFIX [--overlap-hours N]`"""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apikeys.keys import LONGEST_OVERLAP_HOURS, NoSuchKey, NotRotatable, find_key, rotate_key

MOMENT = "%Y-%m-%d %H:%M:%S UTC"


class Command(BaseCommand):
    help = "Replaces a key and prints the new token, once, as the last line. The old one works until the overlap ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="the prefix or the number of the key, as list_keys shows them")
        parser.add_argument("--overlap-hours", type=float, default=24, metavar="N", help="0.5 is half an hour")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["overlap_hours"] <= LONGEST_OVERLAP_HOURS:
            raise CommandError(f"--overlap-hours must be from 0 to {LONGEST_OVERLAP_HOURS}.")
        ends = timezone.now() + timedelta(hours=options["overlap_hours"])
        try:
            key = find_key(options["prefix"])
            successor, token = rotate_key(key, ends)
        except (NoSuchKey, NotRotatable) as error:
            raise CommandError(str(error)) from error
        key.refresh_from_db()  # it ends sooner if it would have expired sooner, and then so does its successor
        own_end = f" It expires {successor.expires:{MOMENT}}." if successor.expires else ""
        self.stdout.write(
            f"Key “{successor.name}”.{own_end} Its token is not shown again; the old one ends {key.expires:{MOMENT}}:"
        )
        self.stdout.write(token)
