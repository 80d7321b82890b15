"""Full-text search in what was run and printed: an index that the database itself keeps.

Words count, not letters: `os.fork` finds "os" followed by "fork", the last word may be the beginning of one, and case
does not matter. Only what has ended is indexed, and of each text the head. docs/decisions/0009-search.md tells why so.
"""

import logging
import re

from django.db import OperationalError, connection, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from psycopg.errors import QueryCanceled

from executions.models import Execution

log = logging.getLogger(__name__)

TABLE = "executions_execution"
INDEX = "execution_text"
INDEXED_CHARACTERS = 20_000
"""Of each text. PostgreSQL refuses a row whose words take more than 1 MB."""
NEWEST_LOOKED_AT = 5_000
PARTS = (2_000, 20_000, 200_000)
"""How many of the newest rows are asked for what is common, one after another, until enough is found."""
ENOUGH = 1_000
LONGEST_QUERY_MILLISECONDS = 300
LONGEST_WORD = 100
MOST_WORDS = 20
COLUMNS = ("code", "input_data", "output", "error")


class NoWords(Exception):
    """There is nothing in the search that could be looked for."""


def find(executions: QuerySet[Execution], text: str) -> QuerySet[Execution]:
    """Return those of `executions` that hold the words of `text` in a row, of the newest that do. Raises NoWords."""
    words = [word[:LONGEST_WORD] for word in re.findall(r"[^\W_]+", text)][:MOST_WORDS]
    if not words:
        raise NoWords
    if connection.vendor == "postgresql":
        return executions.filter(pk__in=_newest_in_postgresql(" <-> ".join(words) + ":*"))
    newest = f"SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH %s ORDER BY rowid DESC LIMIT %s"  # noqa: S608 (constants)
    query = '"' + " ".join(words) + '" *'
    return executions.filter(pk__in=RawSQL(newest, (query, NEWEST_LOOKED_AT)))  # noqa: S611 (the words are parameters)


def _newest_in_postgresql(query: str) -> list[int]:
    """Return the numbers of the newest rows that match.

    A GIN index gives its rows in no order, and the planner cannot tell a common word from a rare one. So all matches
    are asked for first, for a moment: that is enough for what is rare. What is common is looked for among the newest
    rows, and among more of them if a word is found there too seldom; a phrase has each row read, so only few are.
    """
    matching = f"SELECT id FROM {TABLE} WHERE status <> 'running' AND {_vector()} @@ to_tsquery('simple', %s)"  # noqa: S608
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {TABLE}")  # noqa: S608
        last = cursor.fetchone()[0]
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL work_mem = '64MB'")
        found = _within(cursor, f"{matching} LIMIT %s", (query, NEWEST_LOOKED_AT))
        if found is not None and len(found) < NEWEST_LOOKED_AT:
            return found
        newest: list[int] = []
        for rows in PARTS if "<->" not in query else PARTS[:1]:
            ordered = f"{matching} AND id > %s ORDER BY id DESC LIMIT %s"
            found = _within(cursor, ordered, (query, last - rows, NEWEST_LOOKED_AT))
            if found is None:
                break
            newest = found
            if len(newest) >= ENOUGH:
                break
    return newest


def _within(cursor: CursorWrapper, statement: str, values: tuple[str | int, ...]) -> list[int] | None:
    """Return the numbers that a query gives, None if it takes too long."""
    try:
        with transaction.atomic():
            cursor.execute("SET LOCAL statement_timeout = %s", (LONGEST_QUERY_MILLISECONDS,))
            cursor.execute(statement, values)
            return [number for (number,) in cursor.fetchall()]
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        log.info("a search for common words: %s", error)
        return None


def create_index(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the index and what keeps it, and index what there is. For migrations."""
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement, None)


def drop_index(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Undo `create_index`. For migrations."""
    for statement in DROP[schema_editor.connection.vendor]:
        schema_editor.execute(statement, None)


def _body(row: str) -> str:
    """Return the SQLite expression for what is indexed of a row."""
    return " || ' ' || ".join(f"substr({row}{column}, 1, {INDEXED_CHARACTERS})" for column in COLUMNS)


def _vector() -> str:
    """Return the PostgreSQL expression for it. Its parser takes `os.fork` for a host, so only words are left to it."""
    text = " || ' ' || ".join(f"left({column}, {INDEXED_CHARACTERS})" for column in COLUMNS)
    return rf"to_tsvector('simple', regexp_replace({text}, '[!-/:-@\[-`{{-~]+', ' ', 'g'))"


def _add(row: str) -> str:
    return f"INSERT INTO {INDEX}(rowid, body) VALUES ({row}.id, {_body(row + '.')})"  # noqa: S608


def _remove(row: str) -> str:
    return f"INSERT INTO {INDEX}({INDEX}, rowid, body) VALUES ('delete', {row}.id, {_body(row + '.')})"  # noqa: S608


def _trigger(name: str, event: str, condition: str, *actions: str) -> str:
    body = "; ".join(actions)
    return f"CREATE TRIGGER {INDEX}_{name} AFTER {event} ON {TABLE} WHEN {condition} BEGIN {body}; END"


WAS, IS = "OLD.status <> 'running'", "NEW.status <> 'running'"
CREATE = {
    "sqlite": (
        f"CREATE VIRTUAL TABLE {INDEX} USING fts5(body, content='', tokenize='unicode61 remove_diacritics 0')",
        _trigger("insert", "INSERT", IS, _add("NEW")),
        _trigger("end", "UPDATE OF status", f"NOT ({WAS}) AND {IS}", _add("NEW")),
        _trigger("change", f"UPDATE OF {', '.join(COLUMNS)}", f"{WAS} AND {IS}", _remove("OLD"), _add("NEW")),
        _trigger("delete", "DELETE", WAS, _remove("OLD")),
        f"INSERT INTO {INDEX}(rowid, body) SELECT id, {_body('')} FROM {TABLE} WHERE status <> 'running'",  # noqa: S608
    ),
    "postgresql": (f"CREATE INDEX {INDEX} ON {TABLE} USING gin ({_vector()}) WHERE status <> 'running'",),
}
DROP = {
    "sqlite": (
        *(f"DROP TRIGGER {INDEX}_{name}" for name in ("insert", "end", "change", "delete")),
        f"DROP TABLE {INDEX}",
    ),
    "postgresql": (f"DROP INDEX {INDEX}",),
}
