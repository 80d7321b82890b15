"""The scripts of docs/partitions.md, with which operators partition the executions of a large PostgreSQL database."""

import subprocess
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.servers import PostgreSQL
from tests.service import ROOT, Service

pytestmark = [pytest.mark.docker, pytest.mark.server, pytest.mark.timeout(420)]

CONVERT, ROTATE = ROOT / "docs/partitions/convert.sql", ROOT / "docs/partitions/rotate.sql"
SPAN = 1000
ROWS = 2500
FILL = f"from benchmarks.population import populate; populate({ROWS}, traffic_days=1)"
PARTITIONS = (
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'executions_execution'::regclass ORDER BY 1"
)
INDEXES = (
    "SELECT pg_relation_filenode(indexrelid) FROM pg_index WHERE indrelid = '{}'::regclass AND indisvalid ORDER BY 1"
)
COUNT = "SELECT count(*) FROM executions_execution"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, postgresql_server: PostgreSQL) -> str:
    """Return the name of a database with ROWS executions."""
    postgresql_server.empty()
    service = Service(tmp_path_factory.mktemp("filled"), DATABASE_URL=postgresql_server.url)
    service.migrate()
    service.manage("shell", "--verbosity=0", "-c", FILL)
    postgresql_server.copy("code", "filled")
    return "filled"


@pytest.fixture
def stopped(tmp_path: Path, postgresql: PostgreSQL, filled: str) -> Service:
    """Return a service that has not been started, with ROWS executions on record, which it keeps."""
    postgresql.copy(filled, "code")
    return Service(tmp_path, DATABASE_URL=postgresql.url, EXECUTION_RETENTION_DAYS="0")


@pytest.fixture
def service(stopped: Service) -> Iterator[Service]:
    stopped.start()
    yield stopped
    stopped.stop()


@pytest.fixture
def partitioned(stopped: Service, postgresql: PostgreSQL) -> Iterator[Service]:
    """Return a running service whose executions are partitioned; those on record have the ids 1 to ROWS."""
    postgresql.run_script(CONVERT, span=SPAN)
    stopped.start()
    yield stopped
    stopped.stop()


def test_a_table_is_partitioned_while_programs_run(service: Service, postgresql: PostgreSQL) -> None:
    """Nothing is refused, lost, copied or indexed anew."""
    before = postgresql.sql(INDEXES.format("executions_execution"))
    over = threading.Event()

    def run(number: int) -> int:
        count = 0
        while not over.is_set():
            assert service.execute(f"print({number})")["output"] == f"{number}\n"
            count += 1
        return count

    with ThreadPoolExecutor(3) as clients:
        running = [clients.submit(run, number) for number in range(3)]
        try:
            postgresql.run_script(CONVERT, span=SPAN)
        finally:
            over.set()
        total = sum(each.result() for each in running)
    assert postgresql.sql(COUNT) == [(ROWS + total,)]
    assert postgresql.sql(INDEXES.format("executions_execution_first")) == before
    bounds = [name for (name,) in postgresql.sql(PARTITIONS)]
    assert len(bounds) == 4
    assert service.execute("print('after')")["output"] == "after\n"
    [(newest,)] = postgresql.sql("SELECT max(id) FROM executions_execution")
    assert newest == ROWS + total + 1  # the numbers go on


def test_the_script_refuses_a_partitioned_table(stopped: Service, postgresql: PostgreSQL) -> None:
    postgresql.run_script(CONVERT, span=SPAN)
    before = postgresql.sql(PARTITIONS)
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        postgresql.run_script(CONVERT, span=SPAN)
    assert "is partitioned already" in refusal.value.stdout
    assert postgresql.sql(PARTITIONS) == before
    assert postgresql.sql(COUNT) == [(ROWS,)]


def test_all_that_staff_do_works_on_partitions(partitioned: Service, postgresql: PostgreSQL) -> None:
    postgresql.sql(f"SELECT setval(pg_get_serial_sequence('executions_execution', 'id'), {ROWS + SPAN + 5})")
    files = [{"name": "a.txt", "text": "a"}]
    marked = partitioned.execute("print('zanzibarquokka')", learner="eve", files=files)["id"]  # in the second partition
    [(partition,)] = postgresql.sql(
        f"SELECT tableoid::regclass::text FROM executions_execution WHERE public_id = '{marked}'"
    )
    assert partition == f"executions_execution_{ROWS + SPAN}"
    script = (
        "from executions.models import Execution; from executions.records.search import find\n"
        "print([str(row.public_id) for row in find(Execution.objects.all(), 'zanzibarquokka')])"
    )
    assert partitioned.manage("shell", "--verbosity=0", "-c", script) == f"['{marked}']\n"
    with pytest.raises(psycopg.errors.UniqueViolation):
        postgresql.sql(
            "INSERT INTO executions_execution (public_id, status, code, code_hash, input_data, timeout, output, error,"
            f" truncated, learner, origin, created) VALUES ('{marked}', 'success', '', '', '', 5, '', '', false, '',"
            " '', now())"
        )
    assert partitioned.manage("erase_learner", "eve") == "1 executions erased\n"
    assert postgresql.sql(f"SELECT count(*) FROM executions_execution WHERE public_id = '{marked}'") == [(0,)]
    assert postgresql.sql("SELECT count(*) FROM executions_executionfile") == [(0,)]
    old = postgresql.sql("SELECT count(*) FROM executions_execution WHERE created < now() - interval '30 days'")[0][0]
    assert partitioned.manage("prune_executions", "--older-than", "30d") == f"{old} executions deleted\n"
    assert postgresql.sql(COUNT) == [(ROWS - int(str(old)),)]
    # Migrations change a partitioned table as any other.
    partitioned.manage("migrate", "executions", "0003_servers", "--verbosity=0")
    partitioned.manage("migrate", "--verbosity=0")
    assert partitioned.execute("print(1)")["output"] == "1\n"


def test_old_partitions_are_dropped_with_what_refers_to_them(partitioned: Service, postgresql: PostgreSQL) -> None:
    kept = partitioned.execute("print('kept')", files=[{"name": "a.txt", "text": "a"}])["id"]
    postgresql.sql(f"SELECT setval(pg_get_serial_sequence('executions_execution', 'id'), {ROWS + 3 * SPAN})")
    new = partitioned.execute("print('new')")["id"]
    postgresql.sql(f"UPDATE executions_execution SET repeats_id = 1 WHERE public_id = '{new}'")
    for table in ("executionflag", "executionfile"):
        assert postgresql.sql(f"SELECT count(*) FROM executions_{table}") != [(0,)]
    postgresql.sql("INSERT INTO executions_webhook VALUES (1, 'https://a.example/', 'a.example', 'delivered', 1, NULL)")
    attempt = "INSERT INTO executions_webhookattempt (execution_id, number, begun, error) VALUES (1, 1, now(), '')"
    postgresql.sql(attempt)

    postgresql.run_script(ROTATE, span=SPAN, days=1)  # the newest of the first partition is of today
    assert postgresql.sql(f"SELECT count(*) FROM executions_execution WHERE public_id = '{kept}'") == [(1,)]

    postgresql.sql("UPDATE executions_execution_first SET created = now() - interval '2 days'")
    printed = postgresql.run_script(ROTATE, span=SPAN, days=1)
    assert f"dropped executions_execution_first: ids 1 to {ROWS + 1}" in printed
    assert postgresql.sql("SELECT public_id, repeats_id FROM executions_execution") == [(uuid.UUID(new), None)]
    for table in ("executionflag", "executionfile", "webhook", "webhookattempt"):
        assert postgresql.sql(f"SELECT count(*) FROM executions_{table}") == [(0,)]
    ahead = [int(str(name).rpartition("_")[2]) for (name,) in postgresql.sql(PARTITIONS)]
    assert max(ahead) + SPAN > ROWS + 3 * SPAN + 3 * SPAN  # partitions for the next ids were created
    assert partitioned.execute("print(1)")["output"] == "1\n"

    # Whoever forgets to create partitions in time gets no executions without a record.
    postgresql.sql(f"SELECT setval(pg_get_serial_sequence('executions_execution', 'id'), {ROWS + 50 * SPAN})")
    assert partitioned.post("print('never')").status_code == 503
    postgresql.run_script(ROTATE, span=50 * SPAN)
    assert partitioned.execute("print('again')")["output"] == "again\n"


def test_partitions_that_are_in_use_are_kept(stopped: Service, postgresql: PostgreSQL) -> None:
    postgresql.run_script(CONVERT, span=SPAN)
    postgresql.sql("UPDATE executions_execution SET created = now() - interval '9 days'")
    postgresql.run_script(ROTATE, span=SPAN, days=1)  # the next ids, perhaps after the holidays, belong to the first
    assert postgresql.sql(COUNT) == [(ROWS,)]

    postgresql.sql(f"UPDATE executions_execution SET id = {ROWS + 2 * SPAN} WHERE id = {ROWS}")
    postgresql.sql("UPDATE executions_execution SET status = 'running' WHERE id = 7")
    postgresql.run_script(ROTATE, span=SPAN, days=1)  # a program runs
    assert postgresql.sql(COUNT) == [(ROWS,)]
    postgresql.sql("UPDATE executions_execution SET status = 'success' WHERE id = 7")
    postgresql.run_script(ROTATE, span=SPAN, days=1)
    assert postgresql.sql(COUNT) == [(1,)]
