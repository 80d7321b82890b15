"""`manage.py create_key NAME --kind publishable|secret [--origin URL …] [--environment live|test]`"""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apikeys.models import ApiKey, create_key


class Command(BaseCommand):
    help = "Creates an API key and prints its token, once, as the last line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what staff will know the key by")
        parser.add_argument("--kind", choices=ApiKey.Kind.values, required=True)
        parser.add_argument(
            "--origin", action="append", default=[], dest="origins", metavar="URL", help="a page's origin; repeatable"
        )

        parser.add_argument("--environment", choices=["live", "test"], default="live", help="shown in the token")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["kind"] == ApiKey.Kind.PUBLISHABLE and not options["origins"]:
            raise CommandError("A publishable key works only from its origins: give at least one --origin.")
        try:
            key, token = create_key(
                options["name"], options["kind"], options["origins"], environment=options["environment"]
            )
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"{key.get_kind_display()} key “{key.name}”. Its token is not shown again:")
        self.stdout.write(token)
