"""Finds output on record that another program has printed. Each program of a soak has a number that only it knows."""

import random
import re
from collections.abc import Callable

DIGITS = 18
NUMBER = re.compile(rf"(?<!\d)\d{{{DIGITS}}}")
PAGE_ROWS = 500

ASKED = "code || ' ' || input_data || ' ' || coalesce(cast(test_cases as text), '')"
PRINTED = "output || ' ' || error || ' ' || coalesce(cast(test_results as text), '')"

Query = Callable[[str], list[tuple[object, ...]]]
"""Returns the rows of a query of the service's database."""


def new_number(dice: random.Random) -> int:
    """Return the number of a program, which no other has."""
    return dice.randrange(10 ** (DIGITS - 1), 10**DIGITS)


def strays(query: Query) -> list[str]:
    """Return a line for each record that holds the number of another program, or the place of another execution."""
    owned: set[str] = set()
    printed: dict[int, set[str]] = {}
    last = 0
    while rows := query(
        f"select id, {ASKED}, {PRINTED} from executions_execution where id > {last} order by id limit {PAGE_ROWS}"
    ):
        for row_id, asked, answered in rows:
            own = set(NUMBER.findall(str(asked)))
            owned |= own
            last = int(str(row_id))
            if others := set(NUMBER.findall(str(answered))) - own:  # of others, or sums that the program has worked out
                printed[last] = others
    found = [f"execution {row_id} has {found}" for row_id, others in printed.items() if (found := others & owned)]
    twice = query(
        "select container, submission_number, count(*) from executions_execution where container is not null"
        " group by container, submission_number having count(*) > 1"
    )
    return found + [f"{count} executions were submission {number} of {name}" for name, number, count in twice]
