"""Executions whose process is gone are closed by another, and those of a living one never."""

import time
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from executions.models import Execution, Server
from executions.owner import Owner
from executions.records.servers import LIFE_SECONDS, dead_owners, forget_dead, living, recover_interrupted, renew
from executions.running.heartbeat import Heartbeat
from tests.conftest import Page, database_fails
from tests.fakes import FakeExecutor

HERE = Owner.of_this_process()


def server_seen(seconds_ago: float) -> Server:
    """Create the row of another process, which renewed it so long ago."""
    seen = timezone.now() - timedelta(seconds=seconds_ago)
    other = uuid.uuid4()
    return Server.objects.create(id=other, owner=f"1-{other.hex}@elsewhere", secret_key="other", seen=seen)


def running(page: Page, server: Server | None) -> Execution:
    """Create an execution that a process has begun."""
    return Execution.objects.create(code="1", timeout=5, key=page.key, server=server.id if server else None)


def ripe() -> Heartbeat:
    """Return a heartbeat that may judge others from its second beat on."""
    heartbeat = Heartbeat(life_seconds=0)
    heartbeat.beat()
    return heartbeat


def test_executions_of_a_dead_process_are_internal_errors(page: Page) -> None:
    finished = page.run().json()["id"]
    alive, dead = server_seen(LIFE_SECONDS - 5), server_seen(LIFE_SECONDS + 5)
    interrupted, of_an_older_version, going_on = running(page, dead), running(page, None), running(page, alive)
    assert recover_interrupted() == 2
    assert recover_interrupted() == 0
    assert Execution.objects.get(public_id=finished).status == "success"
    assert Execution.objects.get(pk=going_on.pk).status == "running"
    for execution in (interrupted, of_an_older_version):
        execution.refresh_from_db()
        assert (execution.status, execution.error) == (
            "internal_error",
            "The service was interrupted while this program ran.",
        )


def test_a_process_that_seemed_dead_may_still_finish_its_record(page: Page, executor: FakeExecutor) -> None:
    recovered: list[int] = []
    executor.meanwhile = lambda: recovered.append(recover_interrupted())
    page.run()
    assert recovered == [1]
    assert Execution.objects.get().status == "success"


def test_an_execution_belongs_to_the_process_that_runs_it(page: Page) -> None:
    renew()
    page.run()
    assert Execution.objects.get().server == HERE.id
    assert [server.id for server in living()] == [HERE.id]


@pytest.mark.django_db
def test_a_process_is_on_record_while_it_renews_its_row() -> None:
    assert renew() is False
    assert renew() is True
    Server.objects.filter(id=HERE.id).update(seen=timezone.now() - timedelta(seconds=LIFE_SECONDS / 2 + 1))
    assert renew() is False  # the database was down, or this machine slept
    assert renew() is True
    Server.objects.all().delete()  # a backup was restored
    assert renew() is False
    assert Server.objects.get().owner == str(HERE)


@pytest.mark.django_db
def test_containers_are_orphans_once_no_program_can_run_in_them() -> None:
    server_seen(60 + 300 + LIFE_SECONDS - 5)
    dead = server_seen(60 + 300 + LIFE_SECONDS + 5)
    assert dead_owners() == {dead.owner}


@pytest.mark.django_db
def test_rows_of_long_ago_are_deleted() -> None:
    server_seen(31 * 86400)
    recent = server_seen(29 * 86400)
    forget_dead()
    assert Server.objects.get() == recent


@pytest.mark.django_db(transaction=True)
def test_heartbeat_declares_nobody_dead_while_its_own_row_is_late(page: Page) -> None:
    """After an outage, others are as late as this process."""
    heartbeat = ripe()
    heartbeat.beat()
    other = server_seen(3600)
    running(page, other)
    Server.objects.filter(id=HERE.id).update(seen=timezone.now() - timedelta(seconds=LIFE_SECONDS))
    heartbeat.beat()
    assert Execution.objects.get().status == "running"
    heartbeat.beat()
    assert Execution.objects.get().status == "internal_error"
    assert heartbeat.dead_owners == {other.owner}


@pytest.mark.django_db(transaction=True)
def test_a_new_process_waits_before_it_judges_others(page: Page) -> None:
    running(page, server_seen(3600))
    heartbeat = Heartbeat(life_seconds=0.5)
    heartbeat.beat()
    heartbeat.beat()
    assert Execution.objects.get().status == "running"
    time.sleep(0.5)
    heartbeat.beat()
    assert Execution.objects.get().status == "internal_error"


@pytest.mark.django_db(transaction=True)
def test_heartbeat_reports_whether_the_database_accepts_writes(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    heartbeat = ripe()
    assert (heartbeat.database.works, heartbeat.cache.works) == (True, True)
    with database_fails("UPDATE"):
        heartbeat.beat()
    assert (heartbeat.database.works, heartbeat.cache.works) == (False, True)
    assert "programs are refused: the database fails: the database is away" in caplog.text
    with caplog.at_level("INFO"):
        heartbeat.beat()
    assert heartbeat.database.works
    assert "the database works again" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_part_that_fails_from_the_start_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    heartbeat = Heartbeat()
    with database_fails("UPDATE"):
        heartbeat.beat()
        heartbeat.beat()
    assert caplog.text.count("programs are refused: the database fails: the database is away") == 1
