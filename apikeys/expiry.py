"""When a key is to end, as commands take it: `90d` from now, or `2027-01-31`."""

import argparse
from datetime import UTC, datetime

from django.utils import timezone

from web.ages import age


def expiry(text: str) -> datetime:
    """Return the moment that `text` means; of a date, 00:00 UTC. Raises argparse.ArgumentTypeError."""
    if text.endswith("d"):
        return timezone.now() + age(text)
    try:
        ends = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither days, such as 90d, nor a date, such as 2027-01-31"
        ) from error
    if ends <= timezone.now():
        raise argparse.ArgumentTypeError(f"{text} is past")
    return ends
