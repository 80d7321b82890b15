"""`manage.py revoke_key PREFIX`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apikeys.keys import NoSuchKey, find_key, revoke_key


class Command(BaseCommand):
    help = "Ends a key at once, for good. Programs that run already are finished."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="the beginning of the key's token, or its number, as list_keys shows them")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = find_key(options["prefix"])
        except NoSuchKey as error:
            raise CommandError(str(error)) from error
        if not revoke_key(key):
            raise CommandError(f"Somebody else has just revoked “{key.name}”.")
        self.stdout.write(f"Key “{key.name}” is revoked.")
