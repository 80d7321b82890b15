"""`manage.py create_key NAME --kind publishable|secret [--origin URL …] [--environment live|test] …`"""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apikeys.expiry import expiry
from apikeys.keys import issue_key
from apikeys.models import ApiKey

OPTIONAL = (
    "owner",
    "notes",
    "expires",
    "rate",
    "learner_rate",
    "max_concurrent",
    "executions_per_day",
    "cpu_seconds_per_day",
)
"""The fields that are as the settings say, or empty, unless the command names them."""


class Command(BaseCommand):
    help = "Creates an API key and prints its token, once, as the last line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what staff will know the key by")
        parser.add_argument("--kind", choices=ApiKey.Kind.values, required=True)
        parser.add_argument(
            "--origin", action="append", default=[], dest="origins", metavar="URL", help="a page's origin; repeatable"
        )
        parser.add_argument("--environment", choices=["live", "test"], default="live", help="shown in the token")
        parser.add_argument("--expires", type=expiry, metavar="DATE|DAYSd", help="such as 2027-01-31 (UTC) or 90d")
        parser.add_argument("--owner", help="whom to ask about the key")
        parser.add_argument("--notes")
        parser.add_argument("--rate", help="requests, such as 60/m")
        parser.add_argument("--learner-rate", metavar="RATE", help="the same for each learner; '': no limit of its own")
        parser.add_argument("--max-concurrent", type=int, metavar="N", help="executions at once")
        parser.add_argument("--executions-per-day", type=int, metavar="N", help="days of UTC")
        parser.add_argument("--cpu-seconds-per-day", type=int, metavar="N", help="days of UTC")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = {name: options[name] for name in OPTIONAL if options[name] is not None}
        key = ApiKey(name=options["name"], kind=options["kind"], origins=options["origins"], **chosen)
        try:
            token = issue_key(key, options["environment"])
        except ValidationError as error:
            reasons = (f"{field}: {' '.join(messages)}" for field, messages in error.message_dict.items())
            raise CommandError("; ".join(reasons)) from error
        self.stdout.write(f"{key.get_kind_display()} key “{key.name}”. Its token is not shown again:")
        self.stdout.write(token)
