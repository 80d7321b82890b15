"""`manage.py revoke_key PREFIX`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apikeys.keys import revoke_key
from apikeys.models import ApiKey


class Command(BaseCommand):
    help = "Ends a key at once. Programs that run already are finished."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="the beginning of the key's token, as the admin shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        keys = ApiKey.objects.filter(prefix=options["prefix"], is_active=True)
        if len(keys) != 1 or not revoke_key(keys[0]):
            raise CommandError(f"{len(keys)} active keys have this prefix.")
        self.stdout.write(f"Key “{keys[0].name}” is revoked.")
