"""The scripts that set up a fresh clone, as far as tests can run them without changing the machine."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def make_env(target: Path) -> dict[str, str]:
    subprocess.run([sys.executable, ROOT / "scripts/make-env", target], check=True)
    return read_env(target)


def read_env(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_env_has_every_setting_of_the_example(target: Path) -> None:
    assert make_env(target).keys() == read_env(ROOT / ".env.example").keys()


def test_env_is_accepted_by_the_settings(target: Path) -> None:
    make_env(target)
    clean = {name: value for name, value in os.environ.items() if name not in read_env(target)}
    command = [sys.executable, "-c", "import codeexec.settings"]
    subprocess.run(command, cwd=ROOT, env=clean | {"ENV_FILE": str(target)}, check=True)


def test_example_has_every_setting_that_is_read() -> None:
    example = (ROOT / ".env.example").read_text()
    read = re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "codeexec/settings.py").read_text())
    assert set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)) == set(read)


def test_only_the_owner_can_read_env(target: Path) -> None:
    make_env(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_each_env_has_different_secrets(tmp_path: Path) -> None:
    one, other = make_env(tmp_path / "one"), make_env(tmp_path / "other")
    secrets = [one["SECRET_KEY"], one["API_KEY"], other["SECRET_KEY"], other["API_KEY"]]
    assert len(set(secrets)) == 4
    assert all(len(secret) >= 50 for secret in secrets)


def test_example_contains_no_secret() -> None:
    example = read_env(ROOT / ".env.example")
    assert example["SECRET_KEY"] == example["API_KEY"] == ""


def test_existing_env_is_not_overwritten(target: Path) -> None:
    target.write_text("PORT=9000\n")
    assert make_env(target) == {"PORT": "9000"}
