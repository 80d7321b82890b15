"""Services that start together on an empty database, each of which migrates it first."""

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddIndex, CreateModel

from codeexec.management.commands.migrate import LOCK_NUMBER
from tests.servers import PostgreSQL
from tests.service import ROOT, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.server, pytest.mark.timeout(420)]

AT_ONCE = 3


def begin(service: Service) -> subprocess.Popen[str]:
    """Start to migrate the database of a service."""
    command = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=0"]
    return subprocess.Popen(command, cwd=ROOT, env=service.environment, stderr=subprocess.PIPE, text=True)


def errors_of(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    """Wait for the processes; return the exit code and the errors of each that failed."""
    ended = [(process.communicate()[1], process.returncode) for process in processes]
    return [(code, error) for error, code in ended if code or error]


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
def test_services_migrate_an_empty_database_one_after_the_other(
    tmp_path: Path, postgresql: PostgreSQL, vendor: str
) -> None:
    service = Service(tmp_path, **({"DATABASE_URL": postgresql.url} if vendor == "postgresql" else {}))
    assert errors_of([begin(service) for _ in range(AT_ONCE)]) == []
    assert "[ ]" not in service.manage("showmigrations")


def test_a_migration_waits_for_one_that_takes_long(tmp_path: Path, postgresql: PostgreSQL) -> None:
    service = Service(tmp_path, DATABASE_URL=postgresql.url)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND query LIKE '%pg_try_advisory_lock%'"
    with psycopg.connect(host="127.0.0.1", port=postgresql.port, user="code", dbname="code") as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK_NUMBER])
        migration = begin(service)
        assert eventually(lambda: postgresql.sql(waiting) == [(1,)], 30)
        with pytest.raises(subprocess.TimeoutExpired):
            migration.wait(7)  # longer than a request may take
        assert postgresql.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    assert errors_of([migration]) == []


def test_a_migration_that_waits_for_a_table_keeps_nobody_else_waiting(tmp_path: Path, postgresql: PostgreSQL) -> None:
    """A backup has read the table, and keeps its lock on it until it ends."""
    service = Service(tmp_path, DATABASE_URL=postgresql.url)
    service.migrate()
    service.manage("migrate", "executions", "0003_servers", "--verbosity=0")
    tries = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"
    read = "SELECT count(*) FROM executions_execution"
    with psycopg.connect(postgresql.url) as backup, psycopg.connect(postgresql.url, autocommit=True) as request:
        backup.execute(read)
        request.execute("SET lock_timeout = 15000")
        migration = begin(service)
        for _ in range(3):
            assert eventually(lambda: postgresql.sql(tries) != [(0,)], 30)
            request.execute(read)
        assert migration.poll() is None
    assert errors_of([migration]) == []
    assert "[ ]" not in service.manage("showmigrations")


def test_an_index_is_built_while_others_write(tmp_path: Path, postgresql: PostgreSQL) -> None:
    """A request has written and not committed yet. What a migration that fails has left is built anew."""
    service = Service(tmp_path, DATABASE_URL=postgresql.url)
    service.migrate()
    service.manage("migrate", "executions", "0007_webhooks", "--verbosity=0")
    is_valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('execution_exercise')"
    builders = "FROM pg_stat_activity WHERE query LIKE '%INDEX CONCURRENTLY%' AND pid <> pg_backend_pid()"
    write = "DELETE FROM executions_execution"
    with psycopg.connect(postgresql.url) as other, psycopg.connect(postgresql.url, autocommit=True) as request:
        other.execute(write)
        request.execute("SET lock_timeout = 100")
        for _ in range(2):
            migration = begin(service)
            assert eventually(lambda: postgresql.sql(f"SELECT count(*) {builders}") == [(1,)], 30)
            for _ in range(10):
                request.execute(write)
                time.sleep(0.1)
            assert migration.poll() is None
            assert postgresql.sql(f"SELECT pg_terminate_backend(pid) {builders}") == [(True,)]
            assert errors_of([migration]) != []
            assert postgresql.sql(is_valid) == [(False,)]
    assert errors_of([begin(service)]) == []
    assert postgresql.sql(is_valid) == [(True,)]


def test_no_migration_keeps_a_table_locked_while_it_builds_an_index() -> None:
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        created = {each.name_lower for each in migration.operations if isinstance(each, CreateModel)}
        indexed = {each.model_name_lower for each in migration.operations if isinstance(each, AddIndex)}
        assert indexed <= created, f"{app} {name}"


def test_a_killed_migration_keeps_no_lock(tmp_path: Path, postgresql: PostgreSQL) -> None:
    service = Service(tmp_path, DATABASE_URL=postgresql.url)
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    migration = begin(service)
    assert eventually(lambda: postgresql.sql(held) == [(1,)], 30)
    migration.kill()
    migration.communicate()
    assert errors_of([begin(service)]) == []
