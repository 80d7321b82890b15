"""`manage.py list_keys [--json]`"""

import json
from argparse import ArgumentParser
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Self

from django.core.management.base import BaseCommand

from apikeys.models import ApiKey
from apikeys.standing import state_in_words, use_in_words, with_standing
from apikeys.tokens import environment_of

HEADINGS = (
    *("prefix", "number", "name", "owner", "kind", "environment", "state"),
    *("last used", "expires", "executions today", "CPU seconds today"),
)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key, as the command lists it. Times and days are UTC."""

    prefix: str
    number: int
    name: str
    owner: str
    kind: str
    environment: str
    state: str
    last_used: datetime | None
    expires: datetime | None
    executions_today: int
    executions_per_day: int
    cpu_seconds_today: float
    cpu_seconds_per_day: int

    @classmethod
    def of(cls, key: Any) -> Self:
        """Return the row of a key from with_standing()."""
        own = {"number": key.pk, "environment": environment_of(key.prefix)}
        others = (field.name for field in fields(cls) if field.name not in own)
        return cls(**own, **{name: getattr(key, name) for name in others})

    def cells(self) -> list[str]:
        """Return the cells in the order of HEADINGS."""
        return [
            *(self.prefix, str(self.number), self.name, self.owner, self.kind, self.environment),
            state_in_words(self.state, self.expires),
            f"{self.last_used:%Y-%m-%d %H:%M}" if self.last_used else "never",
            f"{self.expires:%Y-%m-%d %H:%M}" if self.expires else "never",
            use_in_words(self.executions_today, self.executions_per_day),
            use_in_words(self.cpu_seconds_today, self.cpu_seconds_per_day),
        ]


class Command(BaseCommand):
    help = "Lists all keys with their state and today's usage. Times are UTC."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON, for other programs")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [KeyRow.of(key) for key in with_standing(ApiKey.objects.order_by("name", "pk"))]
        if options["json"]:
            self.stdout.write(json.dumps([asdict(row) for row in rows], default=str, ensure_ascii=False, indent=2))
            return
        table = [HEADINGS, *([_printable(cell) for cell in row.cells()] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for line in table:
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.stdout.write("  ".join(padded).rstrip())


def _printable(text: str) -> str:
    """Return `text` without control characters for the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
