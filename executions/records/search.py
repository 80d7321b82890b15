"""Full-text search in code, input, output and errors, by an index that the database maintains.

A search finds words in a row: `os.fork` finds "os" followed by "fork". The last word matches as a prefix, and case does
not matter. executions/migrations/0001_squashed.py creates the index; docs/decisions/0009-search.md gives the reasons.
"""

import logging
import re

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from executions.models import Execution

log = logging.getLogger(__name__)

VECTOR = (
    "to_tsvector('simple', regexp_replace("
    "left(code, 20000) || ' ' || left(input_data, 20000) || ' ' || left(output, 20000) || ' ' || left(error, 20000), "
    r"'[!-/:-@\[-`{-~]+', ' ', 'g'))"
)
"""The indexed expression on PostgreSQL. Its parser takes `os.fork` for a host name, so punctuation becomes spaces."""
MOST_RESULTS = 5_000
ROWS_SEARCHED = (2_000, 20_000, 200_000)
"""How many of the newest rows are searched for common words, one step after another, until enough is found."""
ENOUGH_RESULTS = 1_000
LONGEST_QUERY_MILLISECONDS = 300
QUERY_CANCELED = "57014"
"""PostgreSQL's code for it. An import of its client would cost each process on SQLite a tenth of a second."""
LONGEST_WORD = 100
MOST_WORDS = 20


class NoWords(Exception):
    """The search text has no words."""


def find(executions: QuerySet[Execution], text: str) -> QuerySet[Execution]:
    """Return those of `executions` among the newest that contain the words of `text` in a row. Raises NoWords."""
    words = [word[:LONGEST_WORD] for word in re.findall(r"[^\W_]+", text)][:MOST_WORDS]
    if not words:
        raise NoWords
    if connection.vendor == "postgresql":
        return executions.filter(pk__in=_newest_in_postgresql(words))
    newest = "SELECT rowid FROM execution_text WHERE execution_text MATCH %s ORDER BY rowid DESC LIMIT %s"
    query = '"' + " ".join(words) + '" *'
    return executions.filter(pk__in=RawSQL(newest, (query, MOST_RESULTS)))  # noqa: S611 (the words are parameters)


def _newest_in_postgresql(words: list[str]) -> list[int]:
    """Return the ids of the newest rows that match.

    A GIN index returns rows in no order, and the planner cannot tell a common word from a rare one. So first ask for
    all matches, with a short timeout: that suffices for rare words. Search for common words among the newest rows, and
    among more of them until there are enough. A phrase reads each row, so search only the newest few for it.
    """
    matching = f"SELECT id FROM executions_execution WHERE status <> 'running' AND {VECTOR} @@ to_tsquery('simple', %s)"  # noqa: S608
    newest_first = f"{matching} AND id > %s ORDER BY id DESC LIMIT %s"
    query = " <-> ".join(words) + ":*"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM executions_execution")
        last = cursor.fetchone()[0]
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL work_mem = '64MB'")
        found = query_within_time(cursor, f"{matching} LIMIT %s", (query, MOST_RESULTS))
        if found is not None and len(found) < MOST_RESULTS:
            return found
        newest: list[int] = []
        for rows in ROWS_SEARCHED if len(words) == 1 else ROWS_SEARCHED[:1]:
            found = query_within_time(cursor, newest_first, (query, last - rows, MOST_RESULTS))
            if found is None:
                break
            newest = found
            if len(newest) >= ENOUGH_RESULTS:
                break
    return newest


def query_within_time(cursor: CursorWrapper, statement: str, values: tuple[str | int, ...]) -> list[int] | None:
    """Return the ids that a query returns, or None if it takes too long."""
    try:
        with transaction.atomic():
            cursor.execute("SET LOCAL statement_timeout = %s", (LONGEST_QUERY_MILLISECONDS,))
            cursor.execute(statement, values)
            return [number for (number,) in cursor.fetchall()]
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != QUERY_CANCELED:
            raise
        log.info("a search for common words timed out: %s", error)
        return None
