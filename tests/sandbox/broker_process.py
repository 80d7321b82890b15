"""The broker in its own process, in front of the real engine."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.waiting import eventually

ROOT = Path(__file__).parents[2]


class BrokerProcess:
    """A running broker. Use it as a context manager; `url` is for DOCKER_HOST."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.path = directory / "broker.sock"
        self.url = f"unix://{self.path}"
        self._log_path = directory / "broker.log"
        self._environment = os.environ | {"BROKER_SOCKET": str(self.path)} | environment
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "executions.sandbox.broker"]
        with self._log_path.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        if not eventually(self._accepts, 20):
            self.__exit__()
            raise RuntimeError(self.log())
        return self

    def __exit__(self, *error: object) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(10)

    def _accepts(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.path)) == 0

    def log(self) -> str:
        """Return the broker's log."""
        return self._log_path.read_text()
