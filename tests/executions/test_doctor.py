"""`manage.py doctor` reports each mistake of an operator, and nothing else."""

import stat
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from apikeys.environment import sync_environment_key
from executions.cluster.board import PREFIX, Board, connect
from executions.configuration import sandbox_settings
from executions.management import faults
from executions.management.commands.doctor import Command, examine, time_of
from executions.management.faults import Fault
from executions.records import servers
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.sandbox import SandboxHealth
from executions.sandbox.settings import SandboxSettings
from tests.fakes import seen_worker
from tests.servers import Redis, free_port

SOCKET = stat.S_IFSOCK | 0o660
DIRECTORY = stat.S_IFDIR | 0o755
CAPS = {"MemoryLimit": True, "SwapLimit": True, "CpuCfsQuota": True, "PidsLimit": True}
GIGABYTE = 1024**3
PROXY = ["10.0.1.5"] * 20
PEOPLE = ["198.51.100.1", *PROXY]


def check_memory(total_bytes: int, **changed: int) -> Fault | None:
    """Check settings that need exactly one gigabyte, with some of them `changed`."""
    fitting = {"pool_size": 5, "science_pool_size": 4, "max_concurrent": 2, "max_interactive": 2}
    return faults.check_memory(total_bytes, **{**fitting, **changed})


CASES: list[tuple[Fault | None, str | None]] = [
    (faults.check_socket("/s", SOCKET, 105, {105}, may_use=True), None),
    (faults.check_socket("/s", None, 0, (), may_use=False), "does not exist"),
    (faults.check_socket("/s", DIRECTORY, 0, (), may_use=True), "not a socket"),
    (faults.check_socket("/s", SOCKET, 105, {10001}, may_use=False), "its group is 105, ours are [10001]"),
    (faults.check_engine("", "1.41"), None),
    (faults.check_engine("", "1.100"), None),
    (faults.check_engine("", "1.40"), "API 1.40"),
    (faults.check_engine("refused", ""), "refused"),
    (faults.check_cgroups(CAPS), None),
    (faults.check_cgroups({**CAPS, "SwapLimit": False}), "cannot limit swap"),
    (faults.check_cgroups({}), "cannot limit memory, swap, CPU time, processes"),
    (faults.check_seccomp(["name=apparmor", "name=seccomp,profile=builtin"]), None),
    (faults.check_seccomp(["name=seccomp,profile=unconfined"]), "without seccomp"),
    (faults.check_seccomp([]), "without seccomp"),
    (faults.check_runtime("", ["runc"]), None),
    (faults.check_runtime("runsc", ["runc", "runsc"]), None),
    (faults.check_runtime("runsc", ["runc"]), "no runtime 'runsc', only runc"),
    (faults.check_image("guest:1", is_there=True), None),
    (faults.check_image("guest:1", is_there=False), "no image guest:1"),
    (check_memory(GIGABYTE), None),
    (check_memory(GIGABYTE - 1), "the host has 1024 MB"),
    (check_memory(GIGABYTE, pool_size=6), "10 warm containers"),
    (check_memory(GIGABYTE, science_pool_size=5), "10 warm containers"),
    (check_memory(GIGABYTE, max_concurrent=3), "3 running programs"),
    (check_memory(GIGABYTE, max_interactive=3), "3 waiting for input"),
    (faults.check_database("", ()), None),
    (faults.check_database("no route", ()), "no route"),
    (faults.check_database("", ["apikeys.0004"]), "migrations are missing: apikeys.0004"),
    (faults.check_database("", [f"app.{number}" for number in range(9)]), "app.2 and 6 more"),
    (faults.check_connections(12, 1, 34), None),
    (faults.check_connections(12, 1, 33), "PostgreSQL accepts 33 connections; 1 services"),
    (faults.check_connections(12, 2, 34), "may need 46"),
    (faults.check_secret_keys("a", {}), None),
    (faults.check_secret_keys("a", {"1-0-2@one": "a", "2-0-3@two": "a"}), None),
    (faults.check_secret_keys("a", {"1-0-2@one": "a", "2-0-3@two": "b"}), "another SECRET_KEY: 2-0-3@two"),
    (faults.check_shared_counts(1, has_redis=False), None),
    (faults.check_shared_counts(3, has_redis=True), None),
    (faults.check_shared_counts(3, has_redis=False), "3 services use this database, and each counts rates"),
    (faults.check_cache(""), None),
    (faults.check_cache("no route"), "no route"),
    (faults.check_redis(""), None),
    (faults.check_redis("no route"), "Redis does not answer: no route"),
    (faults.check_redis_memory("noeviction", 80, 100), None),
    (faults.check_redis_memory("noeviction", 80, 0), None),
    (faults.check_redis_memory("noeviction", 81 * 1024**2, 100 * 1024**2), "Redis uses 81 MB of 100 MB"),
    (faults.check_redis_memory("allkeys-lru", 1, 100), "evicts keys when its memory is full (allkeys-lru)"),
    (faults.check_broker(""), None),
    (faults.check_broker("no route"), "the broker does not answer: no route"),
    (faults.check_workers(1, 0), None),
    (faults.check_workers(0, 0), "no worker is alive"),
    (faults.check_workers(2, 1), "1 of 3 workers speak another version"),
    (faults.check_worker("one", "ready", "", "guest:1", "guest:1"), None),
    (faults.check_worker("one", "unready", "no engine", "guest:1", "guest:1"), "it runs no programs: no engine"),
    (faults.check_worker("one", "ready", "", "guest:1", "guest:2"), "in the image guest:1, but ours is guest:2"),
    (faults.check_worker("one", "leaving", "", "guest:1", "guest:1"), "about to end"),
    (faults.check_threads(2, 8, 16), None),
    (faults.check_threads(2, 8, 17), "2 web processes with 8 threads each cannot keep 17 slots"),
    (faults.check_proxies(0, PROXY), "all came from 10.0.1.5"),
    (faults.check_proxies(0, PROXY[1:]), None),
    (faults.check_proxies(1, PEOPLE), None),
    (faults.check_proxies(0, ["1.1.1.1"] * 20), None),
    (faults.check_proxies(2, [None, *PEOPLE]), "no address"),
    (faults.check_disk(None), None),
    (faults.check_disk("/data has 2.0 % of its bytes left"), "/data has 2.0 % of its bytes left"),
    (faults.check_volume("/data/db.sqlite3", is_volume=True), None),
    (faults.check_volume("/home/me/var/db.sqlite3", is_volume=False), None),
    (faults.check_volume("", is_volume=False), None),
    (faults.check_volume("/data/db.sqlite3", is_volume=False), "are lost with it"),
    (faults.check_clock("database", -5), None),
    (faults.check_clock("database", -6), "the database differ by 6 s"),
    (faults.check_keys(1), None),
    (faults.check_keys(0), "there is no key in use"),
    (faults.check_limits({}, {}), None),
    (faults.check_limits({"DEFAULT_RATE": "60/m"}, {"rate": "60/m"}), None),
    (faults.check_limits({"DEFAULT_RATE": "9/m"}, {"rate": "60/m"}), "DEFAULT_RATE is 9/m, but API_KEY has 60/m"),
    (faults.check_secrets("one", "two", "/data/env", 0o600), None),
    (faults.check_secrets("one", "", "/data/env", None), None),
    (faults.check_secrets("one", "one", "/data/env", 0o600), "are the same"),
    (faults.check_secrets("one", "two", "/data/env", 0o640), "may read /data/env"),
]


@pytest.mark.parametrize(("fault", "reported"), CASES, ids=[str(number) for number in range(len(CASES))])
def test_only_existing_faults_are_reported(fault: Fault | None, reported: str | None) -> None:
    if reported is None:
        assert fault is None
    else:
        assert fault is not None
        assert reported in fault.what
        assert fault.remedy


@pytest.mark.docker
@pytest.mark.django_db
def test_doctor_finds_no_fault_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("doctor")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("FAULT")] == []
    for part in (
        "settings",
        "secrets",
        "socket",
        "engine",
        "cgroups",
        "seccomp",
        "runtime",
        "image",
        "database",
        "one SECRET_KEY",
        "shared rates",
        "cache",
    ):
        assert f"ok       {part}" in lines


@pytest.mark.docker
@pytest.mark.django_db
def test_doctor_reports_faults_and_how_to_fix_them(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.SANDBOX_RUNTIME, settings.API_KEY, settings.ALLOWED_ORIGINS = "nonsense", "x" * 16, []
    with pytest.raises(CommandError, match="2 to fix"):
        call_command("doctor")
    output = capsys.readouterr().out
    assert "FAULT    settings: API_KEY is set, but ALLOWED_ORIGINS is empty" in output
    assert "FAULT    runtime: the engine has no runtime 'nonsense'" in output
    assert "-> Add it to /etc/docker/daemon.json" in output


@pytest.mark.docker
@pytest.mark.django_db
def test_doctor_reports_a_service_with_another_secret_key(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    servers.renew()
    call_command("doctor")
    settings.SECRET_KEY = "another-one-0123456789-0123456789-0123456789"
    with pytest.raises(CommandError, match="1 to fix"):
        call_command("doctor")
    assert "FAULT    one SECRET_KEY: other services of this database" in capsys.readouterr().out


@pytest.mark.docker
@pytest.mark.django_db
def test_doctor_reports_a_full_disk_of_the_engine(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(Engine()) as engine:
        directory = engine.directory()
    with pytest.raises(CommandError, match="1 to fix"):
        Command().report(examine(SandboxSettings(least_free_percent=100)), strict=False)
    assert f"FAULT    disk: {directory} has " in capsys.readouterr().out


def test_doctor_reports_a_full_disk_of_the_database_without_an_engine(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], db: None
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    settings.LEAST_FREE_DISK_PERCENT = 100
    [directory] = sandbox_settings().directories
    with pytest.raises(CommandError):
        call_command("doctor")
    assert f"FAULT    disk: {directory} has " in capsys.readouterr().out


@pytest.mark.parametrize("address", ["ssh://root@192.0.2.1", "tcp://127.0.0.1:1"])
def test_doctor_reports_an_engine_over_tls_or_ssh(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], db: None, address: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    monkeypatch.setenv("DOCKER_CERT_PATH", "/certificates")
    with pytest.raises(CommandError):
        call_command("doctor")
    output = capsys.readouterr().out
    assert "FAULT    settings: DOCKER_HOST asks for TLS or SSH" in output
    assert "-> Use the socket of an engine on this host" in output
    assert "ok       database" in output


def test_doctor_checks_the_rest_if_no_engine_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], db: None
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(CommandError):
        call_command("doctor")
    output = capsys.readouterr().out
    assert "FAULT    socket: /nowhere/docker.sock does not exist" in output
    assert "FAULT    engine: the engine does not answer" in output
    assert "ok       database" in output
    assert "ok       disk" in output


def test_doctor_reports_missing_keys_and_limits_that_reach_no_key(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], db: None
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    def said() -> str:
        with pytest.raises(CommandError):  # no engine
            call_command("doctor")
        return capsys.readouterr().out

    assert "warning  keys: there is no key in use" in said()
    sync_environment_key("0123456789abcdef", ["https://pylearn.net"])
    assert "ok       keys\nok       limits of API_KEY" in said()
    settings.DEFAULT_RATE, settings.DEFAULT_MAX_CONCURRENT = "9/m", 3
    assert "ok       limits of API_KEY" in said()  # nobody has set them
    monkeypatch.setenv("DEFAULT_RATE", "9/m")
    monkeypatch.setenv("DEFAULT_MAX_CONCURRENT", "3")
    expected = "DEFAULT_RATE is 9/m, but API_KEY has 12000/m, DEFAULT_MAX_CONCURRENT is 3, but API_KEY has 256"
    assert f"warning  limits of API_KEY: {expected}" in said()


@pytest.fixture
def board(settings: Settings, redis: Redis, db: None) -> Iterator[Board]:
    """Return the board of a cluster that has no worker yet."""
    settings.EXECUTOR, settings.REDIS_URL, settings.CELERY_BROKER_URL = "celery", redis.url, redis.url
    with closing(redis.client()) as client:
        client.flushdb()
        yield Board(client)
        client.config_set("maxmemory-policy", "noeviction")


def show_worker(board: Board, name: str, host: str = "one", **changed: Any) -> None:
    board.show_worker(seen_worker(name, host, **{"image": image_name(), "clock": time.time(), **changed}).state)
    with closing(connect(django_settings.REDIS_URL)) as client:
        client.persist(f"{PREFIX}worker:{name}")  # a worker would say it again


@pytest.mark.server
def test_doctor_examines_the_workers_and_needs_no_engine(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    show_worker(board, "8f14e45fceea")
    call_command("doctor")
    lines = capsys.readouterr().out.splitlines()
    use = "3 of 8 slots in use, 4 in stock, 1 in line"
    parts = ("Redis", "Redis's memory", "broker", "workers", f"worker 8f14e45f on one: {use}", "threads", "database")
    assert [part for part in parts if f"ok       {part}" not in lines] == []
    assert not any(line.startswith("ok       engine") for line in lines)


@pytest.mark.server
def test_doctor_reports_the_faults_of_a_cluster(
    board: Board, redis: Redis, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    show_worker(board, "8f14e45fceea", "one", health=SandboxHealth(reason="no engine"))
    show_worker(board, "c9f0f895fb98", "two", image="guest:0")
    show_worker(board, "45c48cce2e2d", "three", clock=time.time() - 60)
    show_worker(board, "d3d9446802a4", "four", slots=10_000)
    show_worker(board, "6512bd43d9ca", "five")
    settings.CELERY_BROKER_URL = f"amqp://127.0.0.1:{free_port()}//"
    with closing(redis.client()) as client:
        client.set(f"{PREFIX}worker:6512bd43d9ca", b"\xff{}")
        client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(CommandError, match="6 to fix"):
        call_command("doctor")
    output = capsys.readouterr().out
    for fault in (
        "FAULT    Redis's memory: Redis evicts keys when its memory is full (allkeys-lru)",
        "FAULT    broker: the broker does not answer: ",
        "FAULT    workers: 1 of 5 workers speak another version",
        "FAULT    worker 8f14e45f on one: it runs no programs: no engine",
        f"FAULT    worker c9f0f895 on two: it runs programs in the image guest:0, but ours is {image_name()}",
        "FAULT    worker 45c48cce on three: our clock and that of the worker 45c48cce on three differ by 6",
        "ok       worker d3d94468 on four",
        "warning  threads: 1 web processes with ",
    ):
        assert fault in output


@pytest.mark.server
def test_doctor_reports_that_nothing_can_run(
    board: Board, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="1 to fix"):
        call_command("doctor")
    assert "FAULT    workers: no worker is alive" in capsys.readouterr().out
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    with pytest.raises(CommandError, match="1 to fix"):
        call_command("doctor")
    output = capsys.readouterr().out
    assert "FAULT    Redis: Redis does not answer: " in output
    assert "ok       database" in output


@pytest.mark.parametrize(
    "moment", ["2026-11-29T01:02:46.784268382Z", "2026-11-29T02:02:46.784268382+01:00", "2026-11-28T20:02:46-05:00"]
)
def test_clock_of_an_engine_in_another_time_zone_is_right(moment: str) -> None:
    assert time_of(moment) == datetime(2026, 11, 29, 1, 2, 46, tzinfo=UTC).timestamp()
