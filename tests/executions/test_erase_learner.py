"""Erasing a learner deletes everything about them, and nothing about others."""

import sqlite3
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError

from apikeys.keys import create_key
from apikeys.models import DailyUse, Suspension
from executions.models import Execution, ExecutionFlag
from executions.records import retention
from executions.running.backend import get_backend
from executions.running.service import run_again
from tests.audit_log import events, log_entry_fails
from tests.conftest import Page
from tests.service import Service


def erase(*arguments: str) -> str:
    output = StringIO()
    call_command("erase_learner", *arguments, stdout=output)
    return output.getvalue()


@pytest.fixture
def traces(page: Page, admin_user: User) -> str:
    """Create data of ada, with two keys, and of bob; return the prefix of the second key."""
    key, token = create_key("Server", "secret", [])
    for learner in ("ada", "ada", "bob"):
        page.run(learner=learner)
        page.post({"code": "1", "learner": learner}, x_api_key=token, origin=None)
    for learner in ("ada", "bob"):
        Suspension.objects.create(key=key, learner=learner, reason="a test")
    for execution in Execution.objects.filter(learner="ada"):
        ExecutionFlag.objects.create(execution=execution, kind="memory_kill")
    run_again(Execution.objects.filter(learner="ada").latest("pk"), admin_user, get_backend())
    return key.prefix


def learners() -> set[str]:
    return set(Execution.objects.values_list("learner", flat=True))


def test_erasure_leaves_nothing_of_a_learner(traces: str) -> None:
    assert erase("ada") == "5 executions erased\n"  # four executions, and one that staff ran again
    assert learners() == {"bob"}
    assert set(DailyUse.objects.filter(who__startswith="learner").values_list("who", flat=True)) == {"learner:bob"}
    assert set(Suspension.objects.values_list("learner", flat=True)) == {"bob"}
    assert not ExecutionFlag.objects.exists()


def test_repeated_reruns_by_staff_are_erased(traces: str, admin_user: User) -> None:
    again = Execution.objects.get(learner="")
    for _ in range(2):
        again = run_again(again, admin_user, get_backend())
    assert erase("ada") == "7 executions erased\n"
    assert learners() == {"bob"}


def test_audit_log_has_the_number_and_not_the_learner(traces: str) -> None:
    erase("ada")
    assert [entry.additional_data for entry in events("learner_erased")] == [
        {"event": "learner_erased", "executions": 1},
        {"event": "learner_erased", "executions": 4},
    ]


def test_erasure_by_key_leaves_other_keys_alone(traces: str) -> None:
    assert erase("ada", "--key", traces) == "3 executions erased\n"
    assert Execution.objects.filter(learner="ada").count() == 2
    assert not Suspension.objects.filter(learner="ada").exists()


@pytest.mark.parametrize("arguments", [("",), ("ada", "--key", "pl_live_nobody")])
def test_empty_learner_or_unknown_key_is_refused(traces: str, arguments: Any) -> None:
    with pytest.raises(CommandError):
        erase(*arguments)
    assert learners() == {"ada", "bob", ""}


def test_interrupted_erasure_can_be_run_again(traces: str) -> None:
    with log_entry_fails(3), pytest.raises(OperationalError):
        retention.erase_learner("ada", batch_rows=2)
    assert erase("ada") == "2 executions erased\n"
    assert learners() == {"bob"}


# In the database's files


WORD = "zanzibarquokka"
FILL = """
from executions.models import Execution
for number in range(60):
    learner, word = ("ada", "{word}") if number % 3 == 0 else ("bob", "perfectly ordinary")
    row = Execution.objects.create(learner=learner, code=f"# {{word}} " * (400 if number % 6 else 3), timeout=5)
    row.sent_files.create(name="helper.py", text=f"# {{word}}")
    Execution.objects.filter(pk=row.pk).update(status="success", output=word)
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Service]:
    """Return a service, which does not run, with a database that another process has open."""
    service = Service(tmp_path)
    service.migrate()
    open_elsewhere = sqlite3.connect(service.database)
    open_elsewhere.execute("SELECT count(*) FROM executions_execution").fetchall()
    service.manage("shell", "--verbosity=0", "--command", FILL.format(word=WORD))
    yield service
    open_elsewhere.close()


def stored(service: Service) -> int:
    """Return how often the files contain the word.

    Another process reads them: closing them here would release SQLite's locks of this process.
    """
    files = [str(file) for file in service.database.parent.glob("db.sqlite3*")]
    content = subprocess.run(["cat", *files], check=True, stdout=subprocess.PIPE).stdout
    return content.lower().count(WORD.encode())


@pytest.mark.timeout(120)
def test_erasure_leaves_no_word_in_the_files_of_the_database(database: Service) -> None:
    """Full-text segments, free pages and the write-ahead log would keep them."""
    assert stored(database) > 100
    assert database.manage("erase_learner", "ada") == "20 executions erased\n"
    assert stored(database) == 0
    found = "SELECT count(*) FROM execution_text WHERE execution_text MATCH "
    assert database.query(f"{found} '{WORD}'") == [(0,)]
    assert database.query(f"{found} 'ordinary'") == [(40,)]


@pytest.mark.timeout(120)
def test_erasure_says_if_a_reader_keeps_the_log(database: Service) -> None:
    reader = sqlite3.connect(database.database, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM executions_execution").fetchone()
    with pytest.raises(subprocess.CalledProcessError):
        database.manage("erase_learner", "ada")
    reader.close()
    database.manage("erase_learner", "ada")
    assert stored(database) == 0
