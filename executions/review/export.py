"""Export executions as CSV. No cell may become a formula in a spreadsheet, whatever an attacker wrote."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from executions.models import Execution
from web.visible_text import make_visible

MOST_ROWS = 10_000
LONGEST_CELL = 1_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the full-width forms of the first, which some spreadsheets take for them."""
COLUMNS = (
    "public_id created status flags key learner learner_is client_address origin waited_seconds execution_time "
    "total_cpu_seconds memory_peak_kb container submission_number exercise exit_code code output error"
).split()


def csv_lines(executions: Iterable[Execution]) -> Iterator[str]:
    """Yield the lines of the file, the header first."""
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield writer.writerow(COLUMNS)
    for execution in executions:
        yield writer.writerow([_cell(_value(execution, column)) for column in COLUMNS])


class _Echo:
    """A file whose `write` returns the text."""

    def write(self, text: str) -> str:
        return text


def _value(execution: Execution, column: str) -> Any:
    if column == "flags":
        return " ".join(sorted(flag.kind for flag in execution.flags.all()))
    if column == "learner_is":
        return ("claimed" if execution.has_claimed_learner else "proven") if execution.learner else ""
    return getattr(execution, column)


def _cell(value: Any) -> str:
    """Return a value as text that no spreadsheet evaluates."""
    text = make_visible("" if value is None else str(value)[:LONGEST_CELL])
    is_number = isinstance(value, int | float)
    return f"'{text}" if not is_number and text.lstrip(" ").startswith(FORMULA_STARTS) else text
