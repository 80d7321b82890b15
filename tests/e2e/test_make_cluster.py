"""`make cluster`: it serves, starts again what has ended, and leaves nothing behind."""

import os
import re
import signal
import sys

import pexpect
import pytest
import requests

from tests.servers import free_port
from tests.service import ORIGIN, ROOT
from tests.small_cluster import READY_SECONDS
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.server, pytest.mark.timeout(300)]

ENDED_SECONDS = 60


def test_cluster_serves_until_it_is_interrupted() -> None:
    environment = {**os.environ, "PORT": str(free_port())}
    command = ["-m", "tests.small_cluster"]
    with pexpect.spawn(sys.executable, command, cwd=ROOT, env=environment, encoding="utf-8") as terminal:
        terminal.expect("Ctrl.C ends all parts", timeout=READY_SECONDS)
        told = terminal.before or ""
        headers = dict(re.findall(r"-H '([\w-]+): ([^']+)'", told))
        assert headers["Origin"] == ORIGIN

        def answer() -> str:
            response = requests.post(
                f"http://localhost:{environment['PORT']}/execute", '{"code": "print(8)"}', headers=headers, timeout=60
            )
            return response.json().get("output", "") if response.status_code == 200 else response.text

        assert answer() == "8\n"
        pids = dict(re.findall(r"^  ([\w-]+) +(\d+)\r$", told, re.MULTILINE))
        assert len(pids) == 7
        os.kill(int(pids["worker-1"]), signal.SIGKILL)
        terminal.expect("worker-1 has ended, and starts again", timeout=ENDED_SECONDS)
        assert eventually(lambda: answer() == "8\n")
        terminal.sendintr()
        terminal.expect("all parts have ended", timeout=ENDED_SECONDS)
        terminal.expect(pexpect.EOF, timeout=ENDED_SECONDS)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids.values())
