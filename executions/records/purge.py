"""Removes what a database keeps of deleted rows: words in the full-text index, and pages in the write-ahead log."""

import time
from typing import Any, cast

from django.db import connection

MERGED_PAGES = 200
"""How much of SQLite's index one statement merges: a program that ends meanwhile waits for no more than this."""

LOG_SECONDS, LOG_PAUSE_SECONDS = 10, 0.5
"""How long to wait for readers of SQLite's write-ahead log, and between two attempts."""

TABLES = (
    "executions_execution, executions_executionfile, executions_attempt, executions_executionflag,"
    " executions_keptresult, executions_idempotentrequest, executions_webhook, executions_webhookattempt,"
    " apikeys_dailyuse, apikeys_suspension"
)


def purge_deleted() -> bool:
    """Remove what is left of deleted rows. Return whether all of it is gone. Not within a transaction."""
    if connection.vendor == "postgresql":
        _purge_postgresql()
        return True
    _merge_index()
    return _empty_log()


def _merge_index() -> None:
    """Merge all segments of SQLite's index: a deletion only adds a segment that hides the words of an earlier one."""
    pages = -MERGED_PAGES  # a negative number begins to merge all segments into one, a positive one goes on
    is_merged = False
    while not is_merged:
        with connection.cursor() as cursor:
            before = connection.connection.total_changes
            cursor.execute("INSERT INTO execution_text(execution_text, rank) VALUES('merge', %s)", [pages])
            is_merged = connection.connection.total_changes - before < 2  # its sign that there was nothing to do
        pages = MERGED_PAGES


def _empty_log() -> bool:
    """Write SQLite's log into the database and truncate it; False if somebody reads it all the time."""
    ends = time.monotonic() + LOG_SECONDS
    while True:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_busy = bool(cursor.fetchone()[0])
        if not is_busy or time.monotonic() > ends:
            return not is_busy
        time.sleep(LOG_PAUSE_SECONDS)


def _purge_postgresql() -> None:
    """Remove the dead rows, and build the full-text index anew: a GIN index never forgets a word."""
    cast(Any, connection).lift_time_limits()  # of our backend (codeexec/postgresql)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM {TABLES}")
        cursor.execute("REINDEX INDEX CONCURRENTLY execution_text")
