"""Which disks are checked. tests/e2e/test_full_disk.py fills one."""

from pathlib import Path

import pytest

from executions.sandbox.checks.disk import find_shortage
from executions.sandbox.engine.engine import Engine
from executions.sandbox.results import SandboxUnavailable, Submission
from executions.sandbox.settings import SandboxSettings
from tests.sandbox.conftest import Launch
from tests.waiting import eventually

ALL = 100.0
"""No disk has this many of its bytes free: the first disk that is checked is reported."""
NOWHERE = Path("/nowhere")


def test_disk_of_the_engines_directory_is_checked(tmp_path: Path) -> None:
    shortage = find_shortage(SandboxSettings(least_free_percent=ALL), tmp_path)
    assert shortage is not None
    assert shortage.startswith(f"{tmp_path} has ")
    assert find_shortage(SandboxSettings(least_free_percent=0), tmp_path) is None


def test_root_directory_is_checked_if_the_engines_directory_is_invisible() -> None:
    shortage = find_shortage(SandboxSettings(least_free_percent=ALL), NOWHERE)
    assert shortage is not None
    assert shortage.startswith("/ has ")


def test_unknown_or_missing_directory_is_skipped() -> None:
    assert find_shortage(SandboxSettings(directories=(NOWHERE,), least_free_percent=ALL), None) is None


@pytest.mark.docker
def test_full_disk_of_the_engine_refuses_programs_before_any_container_starts(
    launch_sandbox: Launch, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    sandbox = launch_sandbox(least_free_percent=ALL)
    assert eventually(lambda: sandbox.health().disk == "full"), sandbox.health()
    assert eventually(lambda: sandbox.health().reason.startswith(f"{engine.directory()} has ")), sandbox.health()
    assert not sandbox.health().ready
    with pytest.raises(SandboxUnavailable, match="% of its bytes left"):
        sandbox.execute(Submission("print('ok')", "", (), timeout_seconds=5))
    assert "code is not run" in caplog.text
    assert "probe" not in caplog.text
