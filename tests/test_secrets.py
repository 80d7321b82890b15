"""Neither the repository nor a log contains a token, and no image what an operator keeps beside the code."""

import io
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from apikeys import tokens
from tests.conftest import Page

ROOT = Path(__file__).parent.parent
TOKEN = re.compile(r"pl_(?:live|test)_(?:pub|sec)_[0-9A-Za-z]{33}")


def test_no_token_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.decode()
    files = [ROOT / name for name in listed.split("\0") if name]
    found = [
        f"{file.name}: {token[:16]}…"
        for file in files
        if file.is_file()
        for token in TOKEN.findall(file.read_text(errors="replace"))
        if tokens.is_well_formed(token)
    ]
    assert len(files) > 100
    assert found == []


def test_no_token_is_logged(page: Page, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    caplog.set_level("DEBUG")
    page.run()
    page.run("")
    page.post({"code": "1"}, origin="https://evil.example")
    page.post({"code": "1"}, x_api_key=page.token + "x")
    page.client.get(f"/execute?key={page.token}", headers={"Authorization": page.token, "Cookie": f"key={page.token}"})
    assert page.token not in caplog.text
    assert page.token not in "".join(capsys.readouterr())


PLANTED = (
    *(".env", ".env.production", "env", "settings", "code.dump", "db-2026-01-01.dump", "db-2026-01-01.sqlite3"),
    *("backup.sql", "db.sqlite3", "var/db.sqlite3", "code-backups/db-2026-01-01.dump", "server.pem", "id_ed25519"),
    *(".git/config", ".ssh/id_ed25519", "codeexec/.env", "executions/.env.swp", "requirements.lock.save"),
)


@pytest.mark.docker
def test_no_secret_beside_the_code_gets_into_the_image(tmp_path: Path) -> None:
    """Docker itself builds an image of the context, in which backups and settings lie as operators leave them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.decode()
    for name in filter(None, listed.split("\0")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    for name in PLANTED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("SECRET")
    build = ["docker", "build", "--quiet", "--file=-", str(tmp_path)]
    dockerfile = b"FROM scratch\nCOPY . /\n"
    image = subprocess.run(build, input=dockerfile, check=True, stdout=subprocess.PIPE).stdout.decode().strip()
    container = subprocess.run(
        ["docker", "create", image, "none"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    try:
        exported = subprocess.run(["docker", "export", container.strip()], check=True, stdout=subprocess.PIPE).stdout
    finally:
        subprocess.run(["docker", "rm", container.strip()], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["docker", "rmi", image], check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(fileobj=io.BytesIO(exported)) as archive:
        files = {file.name: archive.extractfile(file).read() for file in archive if file.isfile()}  # type: ignore[union-attr]
    assert {
        "manage.py",
        "requirements.lock",
        "codeexec/settings.py",
        "guest/Dockerfile",
        "container/start",
    } <= files.keys()
    assert {name for name, content in files.items() if content == b"SECRET"} == set()
    outside = {name for name in files if name.split("/")[0] in {"tests", "docs", "scripts", "benchmarks", "clients"}}
    assert outside == set()
