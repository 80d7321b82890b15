"""Each mistake that an operator can make is found, and what is well is left alone."""

import stat
from contextlib import closing

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from executions.management import diagnosis
from executions.management.commands import doctor
from executions.management.diagnosis import Fault
from executions.running.executor import sandbox_settings
from executions.sandbox.engine.engine import Engine
from executions.sandbox.settings import SandboxSettings

SOCKET = stat.S_IFSOCK | 0o660
DIRECTORY = stat.S_IFDIR | 0o755
CAPS = {"MemoryLimit": True, "SwapLimit": True, "CpuCfsQuota": True, "PidsLimit": True}
GIGABYTE = 1024**3
PROXY = ["10.0.1.5"] * 20
PEOPLE = ["198.51.100.1", *PROXY]


def check_memory(total_bytes: int, **changed: int) -> Fault | None:
    """Look at settings that need just a gigabyte, but for what is changed."""
    fitting = {"pool_size": 5, "science_pool_size": 4, "max_concurrent": 2, "max_interactive": 2}
    return diagnosis.check_memory(total_bytes, **{**fitting, **changed})


CASES: list[tuple[Fault | None, str | None]] = [
    (diagnosis.check_socket("/s", SOCKET, 105, {105}, may_use=True), None),
    (diagnosis.check_socket("/s", None, 0, (), may_use=False), "not there"),
    (diagnosis.check_socket("/s", DIRECTORY, 0, (), may_use=True), "no socket"),
    (diagnosis.check_socket("/s", SOCKET, 105, {10001}, may_use=False), "its group is 105, ours are [10001]"),
    (diagnosis.check_engine("", "1.41"), None),
    (diagnosis.check_engine("", "1.100"), None),
    (diagnosis.check_engine("", "1.40"), "API 1.40"),
    (diagnosis.check_engine("refused", ""), "refused"),
    (diagnosis.check_cgroups(CAPS), None),
    (diagnosis.check_cgroups({**CAPS, "SwapLimit": False}), "caps no swap"),
    (diagnosis.check_cgroups({}), "caps no memory, swap, CPU time, processes"),
    (diagnosis.check_seccomp(["name=apparmor", "name=seccomp,profile=builtin"]), None),
    (diagnosis.check_seccomp(["name=seccomp,profile=unconfined"]), "without seccomp"),
    (diagnosis.check_seccomp([]), "without seccomp"),
    (diagnosis.check_runtime("", ["runc"]), None),
    (diagnosis.check_runtime("runsc", ["runc", "runsc"]), None),
    (diagnosis.check_runtime("runsc", ["runc"]), "no runtime 'runsc', only runc"),
    (diagnosis.check_image("guest:1", is_there=True), None),
    (diagnosis.check_image("guest:1", is_there=False), "no image guest:1"),
    (check_memory(GIGABYTE), None),
    (check_memory(GIGABYTE - 1), "the host has 1024 MB"),
    (check_memory(GIGABYTE, pool_size=6), "10 warm containers"),
    (check_memory(GIGABYTE, science_pool_size=5), "10 warm containers"),
    (check_memory(GIGABYTE, max_concurrent=3), "3 programs that run"),
    (check_memory(GIGABYTE, max_interactive=3), "3 that wait for a person"),
    (diagnosis.check_database("", ()), None),
    (diagnosis.check_database("no route", ()), "no route"),
    (diagnosis.check_database("", ["apikeys.0004"]), "apikeys.0004"),
    (diagnosis.check_cache(""), None),
    (diagnosis.check_cache("no route"), "no route"),
    (diagnosis.check_proxies(0, PROXY), "all came from 10.0.1.5"),
    (diagnosis.check_proxies(0, PROXY[1:]), None),
    (diagnosis.check_proxies(1, PEOPLE), None),
    (diagnosis.check_proxies(0, ["1.1.1.1"] * 20), None),
    (diagnosis.check_proxies(2, [None, *PEOPLE]), "no address"),
    (diagnosis.check_disk(None), None),
    (diagnosis.check_disk("/data has 2.0 % of its bytes left"), "/data has 2.0 % of its bytes left"),
    (diagnosis.check_volume("/data/db.sqlite3", is_volume=True), None),
    (diagnosis.check_volume("/home/me/var/db.sqlite3", is_volume=False), None),
    (diagnosis.check_volume("", is_volume=False), None),
    (diagnosis.check_volume("/data/db.sqlite3", is_volume=False), "end with it"),
    (diagnosis.check_clock("database", -5), None),
    (diagnosis.check_clock("database", -6), "the database differ by 6 s"),
    (diagnosis.check_secrets("one", "two", "/data/env", 0o600), None),
    (diagnosis.check_secrets("one", "", "/data/env", None), None),
    (diagnosis.check_secrets("one", "one", "/data/env", 0o600), "are the same"),
    (diagnosis.check_secrets("one", "two", "/data/env", 0o640), "may read /data/env"),
]


@pytest.mark.parametrize(("fault", "told"), CASES, ids=[str(number) for number in range(len(CASES))])
def test_a_fault_is_found_and_no_other(fault: Fault | None, told: str | None) -> None:
    if told is None:
        assert fault is None
    else:
        assert fault is not None
        assert told in fault.what
        assert fault.remedy


@pytest.mark.docker
@pytest.mark.django_db
def test_doctor_finds_this_machine_well(capsys: pytest.CaptureFixture[str]) -> None:
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
        "cache",
    ):
        assert f"ok       {part}" in lines


@pytest.mark.docker
@pytest.mark.django_db
def test_doctor_names_what_is_to_be_mended(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.SANDBOX_RUNTIME, settings.API_KEY, settings.ALLOWED_ORIGINS = "nonsense", "x" * 16, []
    with pytest.raises(CommandError, match="2 to mend"):
        call_command("doctor")
    output = capsys.readouterr().out
    assert "FAULT    settings: API_KEY is set, but ALLOWED_ORIGINS is empty" in output
    assert "FAULT    runtime: the engine knows no runtime 'nonsense'" in output
    assert "-> Add it to /etc/docker/daemon.json" in output


@pytest.mark.docker
@pytest.mark.django_db
def test_doctor_finds_the_engines_disk_full(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "sandbox_settings", lambda: SandboxSettings(least_free_percent=100))
    with closing(Engine()) as engine:
        directory = engine.directory()
    with pytest.raises(CommandError, match="1 to mend"):
        call_command("doctor")
    assert f"FAULT    disk: {directory} has " in capsys.readouterr().out


def test_doctor_finds_the_databases_disk_full_without_an_engine(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], db: None
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    settings.LEAST_FREE_DISK_PERCENT = 100
    [directory] = sandbox_settings().directories
    with pytest.raises(CommandError):
        call_command("doctor")
    assert f"FAULT    disk: {directory} has " in capsys.readouterr().out


def test_doctor_has_something_to_say_where_no_engine_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], db: None
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(CommandError):
        call_command("doctor")
    output = capsys.readouterr().out
    assert "FAULT    socket: /nowhere/docker.sock is not there" in output
    assert "FAULT    engine: the engine does not answer" in output
    assert "ok       database" in output
    assert "ok       disk" in output
