"""`manage.py create_key NAME --kind publishable|secret [--origin URL …] [--environment live|test] …`"""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apikeys.keys import LIMITS, issue_key
from apikeys.models import ApiKey
from web.notation import age

OPTIONAL = ("owner", "notes", "expires", *LIMITS)
"""Options that keep the field's default if they are left out."""


def expiry(text: str) -> datetime:
    """Return the time that an argument means: `90d` from now, or 00:00 UTC of a date. Raises ArgumentTypeError."""
    if text.endswith("d"):
        return timezone.now() + age(text)
    try:
        expires = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is neither an age, such as 90d, nor a date, such as 2027-01-31") from error
    if expires <= timezone.now():
        raise ArgumentTypeError(f"{text} is in the past")
    return expires


class Command(BaseCommand):
    help = "Creates an API key and prints its token, once, as the last line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the key's name, for staff")
        parser.add_argument("--kind", choices=ApiKey.Kind.values, required=True)
        parser.add_argument(
            "--origin", action="append", default=[], dest="origins", metavar="URL", help="a page's origin; repeatable"
        )
        parser.add_argument("--environment", choices=["live", "test"], default="live", help="part of the token")
        parser.add_argument("--expires", type=expiry, metavar="DATE|DAYSd", help="such as 2027-01-31 (UTC) or 90d")
        parser.add_argument("--owner", help="the person to ask about the key")
        parser.add_argument("--notes")
        parser.add_argument("--rate", help="requests, such as 60/m")
        parser.add_argument("--learner-rate", metavar="RATE", help="the same for each learner; '': no limit")
        parser.add_argument("--address-rate", metavar="RATE", help="the same for each address; '': no limit")
        parser.add_argument("--max-concurrent", type=int, metavar="N", help="executions at once")
        parser.add_argument("--executions-per-day", type=int, metavar="N", help="days are in UTC")
        parser.add_argument("--cpu-seconds-per-day", type=int, metavar="N", help="days are in UTC")

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
