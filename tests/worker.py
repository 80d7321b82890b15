"""A worker of a cluster in its own process: real containers, no database, no secret."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.service import ROOT, STOP_SECONDS, Service

KEPT_FROM_WORKERS = ("SECRET_KEY", "DATABASE_URL", "API_KEY", "PORT")


class Worker:
    """A worker for `service`, with its settings but none of its secrets. Use it as a context manager.

    `module` runs it: `tests.run_worker` with few probes.
    """

    def __init__(
        self, service: Service, directory: Path, module: str = "codeexec.run_worker", **environment: str
    ) -> None:
        self._module = module
        settings = {name: value for name, value in service.environment.items() if name not in KEPT_FROM_WORKERS}
        self._environment = {**settings, **environment}
        directory.mkdir()
        self._log = directory / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the worker. Returns before it can run programs."""
        command = [sys.executable, "-m", self._module]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop the worker and return its exit status; 0 if it was not running."""
        if self.process is None:
            return 0
        self.process.send_signal(how)
        status = self.process.wait(STOP_SECONDS)
        self.process = None
        return status

    def log(self) -> str:
        """Return what the worker has logged."""
        return self._log.read_text()
