"""Search for consecutive words in code, input, output and error, ignoring case."""

from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.recorder import MigrationRecorder

from executions.models import Execution
from executions.records.search import MOST_WORDS, VECTOR, NoWords, find
from tests.conftest import Page

pytestmark = pytest.mark.django_db


def add(code: str = "", **fields: Any) -> int:
    """Record a finished execution; return its id."""
    return Execution.objects.create(code=code, timeout=5, **{"status": "success", **fields}).pk


def found(text: str) -> set[int]:
    return set(find(Execution.objects.all(), text).values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ("fork", "os.fork()"),
        ("os.fork", "import os\nos.fork()"),
        ("OS.FORK", "os.fork()"),
        ("os.fo", "os.fork()"),
        ("base64.b64decode(", "exec(base64.b64decode(x))"),
        ('"rm -rf"', "os.system('rm -rf /')"),
        ("snake_case", "snake_case = 1"),
        ("привет", "print('Привет')"),
        ("3", "x = 3"),
        ("http://evil.example/a?b", "get('http://evil.example/a?b=1')"),
    ],
)
def test_words_in_a_row_are_found(search: str, text: str) -> None:
    wanted = add(text)
    add("print('something else')")
    assert found(search) == {wanted}


@pytest.mark.parametrize("search", ["fork os", "for", "of"])
def test_other_words_are_not_found(search: str) -> None:
    add("os.forks")
    assert found(search) == (set() if search != "for" else {Execution.objects.get().pk})


def test_every_text_is_searched() -> None:
    rows = {add("alpha"), add(input_data="alpha"), add(output="alpha"), add(error="alpha")}
    assert found("alpha") == rows


@pytest.mark.parametrize("search", ["", " ", "...", "'\"*()", "_", "\u202e"])
def test_a_search_without_words_is_refused(search: str) -> None:
    with pytest.raises(NoWords):
        found(search)


@pytest.mark.parametrize(
    "search",
    [
        "a AND b",
        "NEAR(a b)",
        "a* OR",
        "a'; DROP TABLE x; --",
        "body:a",
        "-a",
        "^a",
        "a" * 10_000,
        "a " * 5_000,
        "é́",
    ],
)
def test_hostile_searches_count_as_plain_words(search: str) -> None:
    add("nothing of the kind")
    assert found(search) == set()


def test_words_past_the_limit_are_ignored() -> None:
    wanted = add("word " * MOST_WORDS)
    assert found("word " * 1_000) == {wanted}


def test_the_index_follows_changes_of_rows(page: Page) -> None:
    running = add("alpha", status="running")
    assert found("alpha") == set()
    Execution.objects.filter(pk=running).update(status="error", output="beta", finished="2026-01-01T00:00:00Z")
    assert found("alpha") == found("beta") == {running}
    Execution.objects.filter(pk=running).update(output="gamma")
    assert (found("beta"), found("gamma")) == (set(), {running})
    Execution.objects.filter(pk=running).update(status="internal_error")
    assert found("alpha") == {running}
    Execution.objects.filter(pk=running).delete()
    assert found("alpha") == found("gamma") == set()
    page.run("print('delta')")
    assert len(found("delta")) == 1


def test_an_interrupted_execution_is_found() -> None:
    row = add("alpha", status="running")
    Execution.objects.filter(pk=row).update(status="internal_error")
    assert found("alpha") == {row}


def test_only_the_first_characters_of_a_text_are_searched() -> None:
    row = add("x " * 9_990 + "inside " + "y " * 20_000 + "outside")
    assert found("inside") == {row}
    assert found("outside") == set()


def test_a_later_migration_has_not_lost_the_triggers() -> None:
    """For many changes SQLite recreates the table, and loses the old one's triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'executions_execution'")
        names = {name for (name,) in cursor.fetchall()}
    assert names == {f"execution_text_{event}" for event in ("insert", "end", "change", "delete")}


def test_postgresql_searches_the_expression_that_is_indexed() -> None:
    (create_index,) = import_module("executions.migrations.0001_squashed").POSTGRESQL
    assert f" USING gin ({VECTOR}) WHERE status <> 'running'" in create_index


@pytest.mark.parametrize("app", ["apikeys", "executions"])
def test_a_database_with_all_earlier_migrations_counts_as_migrated(app: str) -> None:
    row = add("alpha")
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(app, "0001_squashed")
    [(_, last)] = import_module(f"{app}.migrations.0001_squashed").Migration.replaces
    recorder.record_applied(app, last)
    output = StringIO()
    call_command("migrate", stdout=output)
    assert "No migrations to apply." in output.getvalue()
    assert (app, "0001_squashed") in recorder.applied_migrations()
    assert found("alpha") == {row}


@pytest.mark.parametrize("app", ["apikeys", "executions"])
def test_a_database_with_only_some_earlier_migrations_is_refused(app: str) -> None:
    recorder = MigrationRecorder(connection)
    [(_, last)] = import_module(f"{app}.migrations.0001_squashed").Migration.replaces
    for name in ("0001_squashed", last):
        recorder.record_unapplied(app, name)
    recorder.record_applied(app, "0001_initial")
    with pytest.raises(InconsistentMigrationHistory, match="before its dependency"):
        call_command("migrate", verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_the_index_is_created_and_dropped_by_the_migration() -> None:
    call_command("migrate", "staff", "zero", verbosity=0)
    call_command("migrate", "executions", "zero", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE name LIKE 'execution%'")
        assert cursor.fetchall() == []
    call_command("migrate", verbosity=0)
    row = add("alpha")
    assert found("alpha") == {row}
