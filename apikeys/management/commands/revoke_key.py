"""`manage.py revoke_key PREFIX`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apikeys.keys import NoSuchKey, find_key, revoke_key


class Command(BaseCommand):
    help = "Revokes a key at once and for good. Programs that are running finish."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="the prefix or the number of the key, as list_keys shows them")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = find_key(options["prefix"])
        except NoSuchKey as error:
            raise CommandError(str(error)) from error
        if not revoke_key(key):
            raise CommandError(f"“{key.name}” has just been revoked by somebody else.")
        self.stdout.write(f"Key “{key.name}” is revoked.")
