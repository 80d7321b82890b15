"""The whole service on PostgreSQL, where its own role cannot change the audit log."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests

from tests.e2e.event_source import EventSource
from tests.servers import PostgreSQL
from tests.service import ORIGIN, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(360)]


@pytest.fixture(scope="module")
def postgresql(postgresql_server: PostgreSQL) -> PostgreSQL:
    """Return the server with an empty database that these tests share."""
    postgresql_server.empty()
    return postgresql_server


@pytest.fixture(scope="module")
def service(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("service")
    with Service(directory, DATABASE_URL=postgresql.url, SANDBOX_POOL_SIZE="1") as service:
        yield service


def test_a_program_is_run_and_recorded(service: Service, postgresql: PostgreSQL) -> None:
    used = "SELECT coalesce(sum(executions), 0) FROM apikeys_dailyuse WHERE who {}"

    def executions() -> list[int]:
        """Return the number of executions counted for the key and for its learners."""
        return [int(str(postgresql.sql(used.format(who))[0][0])) for who in ("= ''", "<> ''")]

    before = executions()
    answer = service.execute(
        "import sys\nsys.stdout.buffer.write(bytes(range(256)))",
        learner="ada",
        test_cases=[{"input": "1 + 1", "expected_output": "x"}],
    )
    assert "\ufffd" in answer["output"]
    [row] = postgresql.sql(
        f"SELECT status, output, learner, finished FROM executions_execution WHERE public_id = '{answer['id']}'"
    )
    assert row[:3] == ("success", answer["output"], "ada")
    assert row[3] is not None
    assert executions() == [count + 1 for count in before]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE auditlog_logentry SET object_repr = ''",
        "DELETE FROM auditlog_logentry",
        "TRUNCATE auditlog_logentry",
    ],
)
def test_the_services_own_role_cannot_change_the_audit_log(
    service: Service, postgresql: PostgreSQL, statement: str
) -> None:
    entries = postgresql.sql("SELECT count(*) FROM auditlog_logentry")
    assert entries != [(0,)]
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
        postgresql.sql(statement)
    assert postgresql.sql("SELECT count(*) FROM auditlog_logentry") == entries


def test_only_the_prune_command_can_delete_old_entries(service: Service, postgresql: PostgreSQL) -> None:
    postgresql.sql(
        "INSERT INTO auditlog_logentry (object_pk, object_repr, action, timestamp, content_type_id, additional_data,"
        " changes_text) SELECT '', 'old', 3, '2020-01-01', (SELECT min(id) FROM django_content_type), '{}', ''"
    )
    assert service.manage("prune_audit", "--older-than", "365d") == "1 entries deleted\n"
    assert postgresql.sql("SELECT count(*) FROM auditlog_logentry WHERE object_repr = 'old'") == [(0,)]
    assert postgresql.sql("SELECT count(*) FROM auditlog_logentry WHERE object_repr = 'audit_pruned'") == [(1,)]
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        postgresql.sql("DELETE FROM auditlog_logentry")


def test_a_role_that_does_not_own_the_table_cannot_remove_the_triggers(
    service: Service, postgresql: PostgreSQL
) -> None:
    """docs/decisions/0007-audit-log.md recommends this."""
    postgresql.sql("ALTER TABLE auditlog_logentry OWNER TO owner", user="owner")
    postgresql.sql("GRANT SELECT, INSERT ON auditlog_logentry TO code", user="owner")
    try:
        for statement in (
            "DROP TRIGGER audit_no_delete ON auditlog_logentry",
            "ALTER TABLE auditlog_logentry DISABLE TRIGGER ALL",
            "DELETE FROM auditlog_logentry",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                postgresql.sql(statement)
        service.manage("create_key", "Server", "--kind", "secret")
        assert service.execute("print(1)")["output"] == "1\n"
    finally:
        postgresql.sql("ALTER TABLE auditlog_logentry OWNER TO code", user="owner")


def test_no_program_runs_while_the_database_is_down(service: Service, postgresql: PostgreSQL) -> None:
    assert service.execute("print(1)")["output"] == "1\n"
    postgresql.stop()
    try:
        for _ in range(3):
            started = time.monotonic()
            response = service.post("print(2)")
            assert (response.status_code, response.json()["code"]) == (503, "unavailable")
            assert time.monotonic() - started < 10
        assert eventually(lambda: not service.is_healthy(), 60)
        assert {service.health()[part] for part in ("docker", "cache")} == {"connected"}
        assert service.health()["database"] == "unreachable"
    finally:
        postgresql.start()
    assert eventually(service.is_healthy, 60)
    assert eventually(lambda: service.post("print(3)").status_code == 200, 60)
    assert postgresql.sql("SELECT count(*) FROM executions_execution WHERE code = 'print(2)'") == [(0,)]


def test_search_on_postgresql_finds_what_it_finds_on_sqlite(service: Service, postgresql: PostgreSQL) -> None:
    """Searches in a process on that database; tests/executions/test_search.py has more cases."""
    ids = [
        service.execute(code)["id"]
        for code in ("import os\nos.fork()", "print('Привет, мир')", "x_y = '=HYPERLINK(1)'")
    ]
    script = (
        f"from executions.models import Execution; from executions.records.search import find; ids = {ids}\n"
        "print([[ids.index(str(row.public_id)) for row in find(Execution.objects.all(), words)] for words in"
        " ('os.fork', 'FORK', 'os.fo', 'привет', 'y', 'hyperlink', 'fork os', \"a' | b & !c <-> \", 'x' * 9999)])"
    )
    found = service.manage("shell", "--verbosity=0", "-c", script)
    assert found == "[[0], [0], [0], [1], [2], [2], [], [], []]\n"


def test_a_search_that_takes_too_long_is_given_up_and_one_that_fails_raises(service: Service) -> None:
    script = (
        "from django.db import OperationalError, connection\n"
        "from executions.records.search import query_within_time\n"
        "with connection.cursor() as cursor:\n"
        "    print(query_within_time(cursor, 'SELECT 1 FROM pg_sleep(%s)', (9,)))\n"
        "    try: query_within_time(cursor, 'SELECT pg_terminate_backend(pg_backend_pid())', ())\n"
        "    except OperationalError: print('raised')"
    )
    assert service.manage("shell", "--verbosity=0", "-c", script) == "None\nraised\n"


def test_erasure_empties_dead_rows_and_builds_the_index_anew(service: Service, postgresql: PostgreSQL) -> None:
    service.execute("print('zanzibarquokka')", learner="eve")
    index = "SELECT pg_relation_filenode('execution_text')"
    before = postgresql.sql(index)
    assert service.manage("erase_learner", "eve") == "1 executions erased\n"
    assert postgresql.sql(index) != before  # built anew: a GIN index never forgets a word
    emptied = "SELECT last_vacuum IS NOT NULL FROM pg_stat_user_tables WHERE relname = 'executions_execution'"
    assert eventually(lambda: postgresql.sql(emptied) == [(True,)], 30)
    assert service.execute("print(1)")["output"] == "1\n"


def test_learner_whose_program_ends_while_they_are_erased_is_gone(service: Service, postgresql: PostgreSQL) -> None:
    """The end of the program added a flag to the execution that was being deleted."""
    code = "import socket\ninput()\ntry: socket.create_connection(('192.0.2.1', 80))\nexcept OSError: print(1)"
    patient = service.sibling()
    patient.environment["DATABASE_URL"] += "?options=-c%20lock_timeout%3D30000"
    with ThreadPoolExecutor(1) as threads, EventSource(service, code, interactive=True, learner="mallory") as running:
        running.until("input")
        with psycopg.connect(f"host=127.0.0.1 port={postgresql.port} user=code dbname=code") as blocker:
            blocker.execute("LOCK TABLE executions_executionflag IN SHARE MODE")  # before the deletion of flags
            erasing = threads.submit(patient.manage, "erase_learner", "mallory")
            assert eventually(lambda: postgresql.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") != [(0,)], 20)
            assert running.answer("Ada") == 204
            time.sleep(1)
        assert erasing.result() == "1 executions erased\n"
        assert running.until("result").data["output"] == "1\n"
    count = "SELECT count(*) FROM executions_execution WHERE learner = 'mallory'"
    assert postgresql.sql(count) == [(0,)]


ODD_FILTERS = (
    "executions/execution/?status__exact=a%00b",
    "executions/execution/?learner=%00",
    "executions/execution/?client_address=nonsense",
    f"executions/execution/?q=fe80::1%25{50 * 'a'}",
    "apikeys/apikey/?kind__exact=%00",
    "apikeys/suspension/?address=abc",
)


def test_filters_that_postgresql_refuses_are_no_server_errors(static_files: None, service: Service) -> None:
    urls = ", ".join(repr(f"/admin/{each}") for each in ODD_FILTERS)
    script = (
        "from django.contrib.auth.models import User\n"
        "from django.test import Client\n"
        "user, _ = User.objects.get_or_create(username='odd', is_staff=True, is_superuser=True)\n"
        "client = Client(raise_request_exception=False, SERVER_NAME='127.0.0.1')\n"
        "client.force_login(user)\n"
        f"print([client.get(url, follow=True).status_code for url in [{urls}]])"
    )
    assert service.manage("shell", "--verbosity=0", "-c", script) == f"{[200] * len(ODD_FILTERS)}\n"


def test_one_address_has_half_of_what_a_key_runs_at_once(service: Service, postgresql: PostgreSQL) -> None:
    made = service.manage("create_key", "Shared", "--kind", "publishable", "--origin", ORIGIN, "--max-concurrent", "6")
    running = (
        "from apikeys.models import ApiKey; from executions.models import Execution\n"
        "row = {'key': ApiKey.objects.get(name='Shared'), 'code': '1', 'timeout': 10, 'client_address': '127.0.0.1'}\n"
        "Execution.objects.bulk_create(Execution(**row) for _ in range(3))"
    )
    service.manage("shell", "--verbosity=0", "-c", running)
    headers = {"X-API-Key": made.splitlines()[-1], "Origin": ORIGIN}
    response = requests.post(f"{service.url}/execute", json={"code": "1"}, headers=headers, timeout=60)
    assert (response.status_code, response.json()["code"]) == (429, "concurrency_limited")
    assert response.json()["detail"].startswith("Many people at your address are running programs.")
    assert 1 <= int(response.headers["Retry-After"]) <= 13


def test_a_migration_may_take_longer_than_a_request(service: Service) -> None:
    script = (
        "from django.core.management import call_command; from django.db import connection\n"
        "def bound():\n"
        "    with connection.cursor() as cursor:\n"
        "        cursor.execute(\"SELECT current_setting('statement_timeout'),"
        " current_setting('idle_in_transaction_session_timeout')\")\n"
        "        return *cursor.fetchone(), connection.connection.answer_seconds\n"
        "before = bound(); call_command('migrate', verbosity=0); print(before, bound())"
    )
    assert service.manage("shell", "--verbosity=0", "-c", script) == "('5s', '10s', 6) ('0', '0', None)\n"


OPEN = (
    "SELECT pid, xact_start::text FROM pg_stat_activity"
    " WHERE usename = 'code' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
)


@pytest.mark.parametrize("waits_for", ["time", "input"])
def test_no_transaction_is_open_while_a_program_runs(service: Service, postgresql: PostgreSQL, waits_for: str) -> None:
    """Else each program would hold a connection, and keep rows that were deleted meanwhile from being vacuumed."""
    code = "print('begun', flush=True)\n" + ("import time\ntime.sleep(9)" if waits_for == "time" else "input()")
    with EventSource(service, code, interactive=waits_for == "input", timeout=10) as stream:
        stream.until("stdout")
        status = f"SELECT status FROM executions_execution WHERE public_id = '{stream.id}'"
        samples = []
        for _ in range(6):
            samples.append(set(postgresql.sql(OPEN)))
            time.sleep(0.2)
        assert postgresql.sql(status) == [("running",)]
        assert set.intersection(*samples) == set()  # a heartbeat may be among them, but not all the time


def test_a_slow_statement_is_an_error_and_no_hang(service: Service, postgresql: PostgreSQL) -> None:
    postgresql.sql(
        "CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$"
    )
    postgresql.sql("CREATE TRIGGER slow BEFORE INSERT ON executions_execution FOR EACH ROW EXECUTE FUNCTION sleep()")
    try:
        response = service.post("print('never')")
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert "canceling statement due to statement timeout" in service.log()
    finally:
        postgresql.sql("DROP FUNCTION sleep CASCADE")
    assert service.execute("print('quick')")["output"] == "quick\n"
    assert postgresql.sql("SELECT count(*) FROM executions_execution WHERE code = 'print(''never'')'") == [(0,)]
