"""The database's disk fills up: a real file system that is small enough to fill."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

MIB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "disk"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=200", "tmpfs", directory], check=True)
    yield directory
    subprocess.run(["umount", "--lazy", directory], check=True)


def fill_bytes(directory: Path) -> None:
    (directory / "full").write_bytes(bytes(61 * MIB))


def fill_inodes(directory: Path) -> None:
    (directory / "full").mkdir()
    for number in range(192):
        (directory / "full" / str(number)).touch()


def test_a_full_disk_refuses_requests_before_recording_them(small_disk: Path, tmp_path: Path) -> None:
    database = small_disk / "db.sqlite3"
    with Service(tmp_path, DATABASE_URL=f"sqlite:///{database}", SANDBOX_POOL_SIZE="1") as service:
        service.database = database
        for fill, what in ((fill_bytes, "bytes"), (fill_inodes, "inodes")):
            before = service.query("SELECT count(*) FROM executions_execution")
            fill(small_disk)
            assert eventually(lambda: service.health()["disk"] == "full", 30), service.health()
            refused = service.post("print(1)")
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert "disk" not in refused.text
            assert service.health()["status"] == "unhealthy"
            assert f"% of its {what} left" in service.log()
            assert service.query("SELECT count(*) FROM executions_execution") == before
            subprocess.run(["rm", "-r", small_disk / "full"], check=True)
            assert eventually(service.is_healthy, 120), service.health()
            assert service.execute("print(1)")["output"] == "1\n"
