"""Other users of the machine cannot read the database."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.private_files import keep_private


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    old = os.umask(0o022)
    yield
    os.umask(old)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS code (text)")
    connection.execute("INSERT INTO code VALUES ('print(1)')")
    connection.commit()
    return connection


def test_new_database_and_its_directory_are_private(tmp_path: Path) -> None:
    database = tmp_path / "var/db.sqlite3"
    keep_private(database, tmp_path / "var")
    connection = write(database)
    assert {path.name: mode(path) for path in database.parent.iterdir()} == {
        "db.sqlite3": 0o600,
        "db.sqlite3-wal": 0o600,
        "db.sqlite3-shm": 0o600,
    }
    connection.close()
    assert mode(database.parent) == 0o700


def test_existing_database_becomes_private_and_keeps_its_content(tmp_path: Path) -> None:
    database = tmp_path / "var/db.sqlite3"
    database.parent.mkdir()
    connection = write(database)
    assert mode(database) == 0o644
    keep_private(database, tmp_path / "var")
    assert {mode(path) for path in database.parent.iterdir()} == {0o600}
    assert mode(database.parent) == 0o700
    assert connection.execute("SELECT text FROM code").fetchall() == [("print(1)",)]
    connection.close()


def test_directory_of_others_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    keep_private(tmp_path / "db.sqlite3", tmp_path / "var")
    assert (mode(tmp_path), mode(tmp_path / "db.sqlite3")) == (0o755, 0o600)


def test_stricter_mode_stays(tmp_path: Path) -> None:
    database = tmp_path / "db.sqlite3"
    database.touch()
    database.chmod(0o400)
    keep_private(database, tmp_path / "var")
    assert mode(database) == 0o400
