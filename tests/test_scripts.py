"""The scripts that set up a fresh clone, as far as tests can run them without changing the machine."""

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parent.parent
BASE_PYTHON = Path(sys.base_prefix) / "bin/python3"  # without the packages of .venv


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
    read = re.findall(r'(?:env\.\w+|int_or_auto)\(\s*"([A-Z_]+)"', (ROOT / "codeexec/settings.py").read_text())
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


def copy_project(directory: Path) -> None:
    """Copy what git has, as a clone would."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.decode()
    for name in filter(None, listed.split("\0")):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, directory / name)


def write_script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_make_run_shows_what_the_file_says_in_quotes_and_after_export(tmp_path: Path) -> None:
    copy_project(tmp_path)
    write_script(tmp_path / ".venv/bin/gunicorn", "true")
    write_script(tmp_path / ".venv/bin/python", f'exec {sys.executable} "$@"')
    key = "k" * 8 + "0123456789"
    lines = [f"SECRET_KEY='{'x1y2z3w4' * 8}'", f'export API_KEY="{key}"', "PORT='9123' # ours"]
    (tmp_path / ".env").write_text("\n".join([*lines, 'ALLOWED_ORIGINS="https://a.example, https://b.example"']))
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(["scripts/serve"], cwd=tmp_path, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"curl http://localhost:9123/execute -H 'X-API-Key: {key}' -H 'Origin: https://a.example' " in done.stdout
    assert "http://localhost:9123/docs/" in done.stdout


def test_a_command_finds_the_environment_by_itself(tmp_path: Path) -> None:
    command: list[str | Path] = [BASE_PYTHON, "-I", ROOT / "manage.py", "create_key", "--help"]
    shown = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert "--origin URL" in shown


def test_a_command_says_what_to_do_first(tmp_path: Path) -> None:
    shutil.copy(ROOT / "manage.py", tmp_path)
    command: list[str | Path] = [BASE_PYTHON, "-I", "-S", tmp_path / "manage.py", "list_keys"]
    done = subprocess.run(command, capture_output=True, text=True)
    said = "Django is not installed: run `make run` first, which installs what is missing.\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_without_a_recent_python_nothing_is_installed(tmp_path: Path) -> None:
    copy_project(tmp_path)
    for tool in ("docker", "dockerd", "apt-get"):
        write_script(tmp_path / "bin" / tool, f"touch {tmp_path}/used-{tool}; exit 1")
    write_script(tmp_path / "bin/python3", "exit 1")
    given = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    done = subprocess.run(["make", "run"], cwd=tmp_path, env=given, capture_output=True, text=True)
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert list(tmp_path.glob("used-*")) == []


NORMAL = re.compile(r"[-_.]+")


def pinned(text: str) -> dict[str, str]:
    """Return the versions that a requirements file or a lock names, by normal name."""
    found = re.findall(r"^([\w.-]+)(?:\[[\w.,-]+\])?==([\w.]+)", text, re.MULTILINE)
    return {NORMAL.sub("-", name).lower(): version for name, version in found}


@pytest.mark.parametrize(
    "name",
    [
        "requirements",
        "requirements-worker",
        "requirements-dev",
        "requirements-tools",
        "guest/requirements",
        "guest/requirements-pip",
    ],
)
def test_locks_have_every_requirement(name: str) -> None:
    lock = (ROOT / f"{name}.lock").read_text()
    versions = pinned(lock)
    assert pinned((ROOT / f"{name}.txt").read_text()).items() <= versions.items(), "run `make constraints KEEP=1`"
    entries = re.split(r"\n(?=\S)", lock.partition("--only-binary :all:\n\n")[2])
    assert len(entries) == len(versions) > 0
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in lock  # a mirror of the machine that wrote it


def test_all_locks_name_the_same_versions() -> None:
    worker, service, tests = (
        pinned((ROOT / f"requirements{name}.lock").read_text()) for name in ("-worker", "", "-dev")
    )
    assert worker.items() < service.items() <= tests.items()


@pytest.mark.parametrize("name", ["Dockerfile", "guest/Dockerfile"])
def test_images_install_only_what_a_hash_covers(name: str) -> None:
    lines = (ROOT / name).read_text().replace("\\\n", "")
    installs = re.findall(r"\bpip .*?\binstall\b[^&|;\n]*", lines)
    locks = {"Dockerfile": ["/requirements-worker.lock", "/requirements.lock"]}.get(name, ["/requirements.lock"])
    assert len(installs) == len(locks)
    for install, lock in zip(installs, locks, strict=True):
        assert {"--require-hashes", "--no-deps"} <= set(install.split())
        assert install.split()[-1].endswith(lock)


def test_npm_locks_have_hashes_and_name_no_registry_but_the_public_one() -> None:
    locks = list(ROOT.glob("clients/*/package-lock.json"))
    assert len(locks) == 2
    for lock in locks:
        packages = json.loads(lock.read_text())["packages"]
        fetched = {
            name: package
            for name, package in packages.items()
            if "node_modules/" in name and not package.get("resolved", "").startswith("file:")
        }
        assert fetched
        assert [name for name, package in fetched.items() if "integrity" not in package] == []
        assert {urlsplit(package.get("resolved", "")).netloc for package in fetched.values()} <= {
            "",
            "registry.npmjs.org",
        }


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    wheel = tmp_path / "wheels/lesson-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("lesson.py", "")
        archive.writestr("lesson-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: lesson\nVersion: 1.0\n")
        archive.writestr("lesson-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("lesson-1.0.dist-info/RECORD", "")
    return wheel


@pytest.mark.timeout(240)
def test_a_changed_package_is_not_installed(wheel: Path, tmp_path: Path) -> None:
    lock, venv = tmp_path / "requirements.lock", tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent), "PIP_CONFIG_FILE": os.devnull}

    def install(text: str) -> str:
        """Install a lock; return the error."""
        lock.write_text(text)
        command = [ROOT / "scripts/ensure-venv", lock, venv]
        done = subprocess.run(command, env=os.environ | offline, stderr=subprocess.PIPE, text=True)
        assert (done.returncode == 0) is (done.stderr == "")
        return done.stderr

    assert "--require-hashes" in install("lesson==1.0\n")
    with_its_hash = f"lesson==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
    original = wheel.read_bytes()
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("evil.py", "")
    assert "DO NOT MATCH THE HASHES" in install(with_its_hash)
    wheel.write_bytes(original)
    assert install(with_its_hash) == ""


def test_npm_runs_no_script_of_a_package() -> None:
    scripts = "\n".join(path.read_text() for path in (ROOT / "scripts").iterdir())
    assert re.findall(r"npm ci(?! --ignore-scripts)|npm install", scripts.replace("apt-get", "")) == []


@pytest.mark.parametrize(
    ("finding", "status", "printed"),
    [
        ("", 0, "requirements.lock: no known vulnerability"),
        ("Found 1 known vulnerability in 1 package", 1, "Found 1 known vulnerability"),
        ("requests.exceptions.ConnectionError: HTTPSConnectionPool: Max retries exceeded", 1, "cannot be asked"),
        ("ERROR: Dependency not found on PyPI and could not be audited: attrs", 1, "cannot be asked"),
        ("npm error audit endpoint returned an error", 1, "cannot be asked"),
    ],
)
def test_audit_fails_unless_it_knows_that_all_is_well(tmp_path: Path, finding: str, status: int, printed: str) -> None:
    for tool in ("pip-audit", "npm"):
        (tmp_path / tool).write_text(f"#!/bin/sh\necho '{finding}'\nexit {status}\n")
        (tmp_path / tool).chmod(0o755)
    given = os.environ | {"TOOLS": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([ROOT / "scripts/audit"], env=given, capture_output=True, text=True)
    assert done.returncode == status
    assert (done.stdout + done.stderr).count(printed) >= 1
