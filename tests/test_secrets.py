"""Neither the repository nor a log contains a token."""

import re
import subprocess
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
