"""README.md, followed to the letter in a copy of the project: each command works and prints what is shown."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.servers import free_port
from tests.service import ROOT
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
START, TOUR = BLOCKS[:2], BLOCKS[2:]
VARYING = ("execution_time",)
READY_SECONDS = 300


def test_every_code_block_is_a_command_or_its_output() -> None:
    assert START == [("sh", "make run\n"), ("sh", "make test\n")]  # the second runs this test
    assert {kind for kind, _ in TOUR} == {"sh", "json", "text"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """Run `make run` where nothing is set up yet; return the directory and the port used in place of 8000."""
    directory = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).exists():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    log = directory / "log"
    with log.open("wb") as output:
        service = subprocess.Popen(
            ["make", "run"],
            cwd=directory,
            env={**environment, "PORT": str(port)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def is_healthy() -> bool:
        assert service.poll() is None, log.read_text()
        try:
            return requests.get(f"http://localhost:{port}/health", timeout=5).ok
        except requests.ConnectionError:
            return False

    try:
        assert eventually(is_healthy, READY_SECONDS), log.read_text()
        yield directory, port
    finally:
        os.killpg(service.pid, signal.SIGTERM)
        service.wait(60)


def test_every_documented_command_prints_the_documented_output(port: tuple[Path, int]) -> None:
    commands = "printf '\\0'\n".join(text for kind, text in TOUR if kind == "sh")
    shell = ["bash", "-euo", "pipefail", "-c", commands.replace(":8000", f":{port[1]}")]
    done = subprocess.run(shell, cwd=port[0], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    outputs = iter(done.stdout.split("\0"))
    answers: list[Any] = []
    for kind, text in TOUR:
        if kind == "sh":
            assert not answers  # the README has shown all of the last command's output
            answers = answers_in(next(outputs))
        elif kind == "json":
            for shown in answers_in(text):
                assert_shows(shown, answers.pop(0))
        else:
            (started, _), printed = events_in(text)
            (has_started, _), *came = answers.pop(0)
            assert started == has_started
            assert came[0][0] == printed[0]
            # A newline is written separately and may arrive separately.
            assert "".join(data["text"] for name, data in came if name == printed[0]).startswith(printed[1]["text"])
    assert not answers


def test_every_printed_address_opens(port: tuple[Path, int]) -> None:
    printed = (port[0] / "log").read_text().split("open\n")[1]
    addresses = re.findall(rf"^  (http://localhost:{port[1]}/[a-z/]*)", printed, re.M)
    assert len(addresses) == 4
    assert [requests.get(address, timeout=10).status_code for address in addresses] == [200] * 4


def answers_in(output: str) -> list[Any]:
    """Return the JSON documents or the events of a stream in the output of a command."""
    if output.startswith("event: "):
        return [events_in(output)]
    documents = []
    while output := output.lstrip():
        document, end = json.JSONDecoder().raw_decode(output)
        documents.append(document)
        output = output[end:]
    return documents


def events_in(stream: str) -> list[tuple[str, Any]]:
    return [(name, json.loads(data)) for name, data in re.findall("^event: (.*)\ndata: (.*)", stream, re.M)]


def assert_shows(shown: Any, answer: Any, name: str = "") -> None:
    """Compare the README's abridged answer with the real one."""
    if isinstance(shown, dict):
        for key, value in shown.items():
            assert_shows(value, answer[key], key)
    elif isinstance(shown, list):
        assert len(shown) == len(answer)
        for one, other in zip(shown, answer, strict=True):
            assert_shows(one, other)
    elif name in VARYING:
        assert type(shown) is type(answer)
    else:
        assert shown == answer, name
