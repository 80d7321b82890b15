"""Search in code, input, output and error: words, in a row, whatever their case."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from executions.models import Execution
from executions.records.search import INDEX, MOST_WORDS, NoWords, find
from tests.conftest import Page

pytestmark = pytest.mark.django_db


def add(code: str = "", **fields: Any) -> int:
    """Leave an execution that has ended; return its number."""
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
def test_other_words_are_not(search: str) -> None:
    add("os.forks")
    assert found(search) == (set() if search != "for" else {Execution.objects.get().pk})


def test_every_text_is_searched() -> None:
    rows = {add("alpha"), add(input_data="alpha"), add(output="alpha"), add(error="alpha")}
    assert found("alpha") == rows


@pytest.mark.parametrize("search", ["", " ", "...", "'\"*()", "_", "\u202e"])
def test_what_has_no_word_is_said_to_have_none(search: str) -> None:
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
def test_hostile_searches_are_only_words(search: str) -> None:
    add("nothing of the kind")
    assert found(search) == set()


def test_only_so_many_words_are_looked_for() -> None:
    wanted = add("word " * MOST_WORDS)
    assert found("word " * 1_000) == {wanted}


def test_the_index_follows_the_rows(page: Page) -> None:
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


def test_what_died_with_its_process_is_found() -> None:
    row = add("alpha", status="running")
    Execution.objects.filter(pk=row).update(status="internal_error")
    assert found("alpha") == {row}


def test_only_the_head_of_a_text_is_searched() -> None:
    row = add("x " * 9_990 + "inside " + "y " * 20_000 + "outside")
    assert found("inside") == {row}
    assert found("outside") == set()


def test_a_later_migration_has_not_lost_the_triggers() -> None:
    """SQLite makes a table anew for many changes, and the triggers of the old one go with it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'executions_execution'")
        names = {name for (name,) in cursor.fetchall()}
    assert names == {f"{INDEX}_{event}" for event in ("insert", "end", "change", "delete")}


@pytest.mark.django_db(transaction=True)
def test_rows_from_before_the_index_are_found() -> None:
    row = add("alpha")
    call_command("migrate", "executions", "0004", verbosity=0)
    call_command("migrate", "executions", verbosity=0)
    assert found("alpha") == {row}
