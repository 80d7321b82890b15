"""Ages, as commands take them: `365d`."""

import argparse
import re
from datetime import timedelta


def age(text: str) -> timedelta:
    """Return the age that `text` is, in whole days. Raises argparse.ArgumentTypeError."""
    if not re.fullmatch(r"[1-9]\d{0,4}d", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an age in days, such as 365d")
    return timedelta(days=int(text[:-1]))
