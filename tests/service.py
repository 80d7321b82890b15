"""The whole service in its own process, for tests and benchmarks: gunicorn, a database file, real containers."""

import contextlib
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter

from tests.servers import PostgreSQL, free_port

ROOT = Path(__file__).resolve().parent.parent
ORIGIN = "https://pylearn.net"
READY_SECONDS = 180
PAUSE_SECONDS = 0.25
"""Between two looks at a service that starts: each look takes some of the processor from it."""
UNLIMITED = {
    "DEFAULT_RATE": "1000000/m",
    "DEFAULT_ADDRESS_RATE": "1000000/m",
    "DEFAULT_LEARNER_RATE": "1000000/m",
    "DEFAULT_MAX_CONCURRENT": "1000",
    "DEFAULT_EXECUTIONS_PER_DAY": "10000000",
    "DEFAULT_CPU_SECONDS_PER_DAY": "10000000",
}
FEW = {
    "SANDBOX_POOL_SIZE": "4",
    "SANDBOX_SCIENCE_POOL_SIZE": "0",  # they cost seconds of CPU at each start, and few tests need them
    "SANDBOX_MAX_CONCURRENT": "4",
    "SANDBOX_MAX_INTERACTIVE": "8",
    "SANDBOX_QUEUE_LENGTH": "32",
}
"""As many as most tests need: many services start on one machine."""

STOP_SECONDS = 60


class Service:
    """A running service with its own port, database and key. Use it as a context manager.

    Its sandbox runs few probes: all of them would cost more than the rest of its start. See DeployedService.
    """

    configuration = "tests/gunicorn.py"

    def __init__(self, directory: Path, **environment: str) -> None:
        self.database = directory / "db.sqlite3"
        self.log_path = directory / "log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api_key = secrets.token_urlsafe(32)
        self.environment = {
            **os.environ,
            "ENV_FILE": "",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "API_KEY": self.api_key,
            "PORT": str(self.port),
            "DATABASE_URL": f"sqlite:///{self.database}",
            **UNLIMITED,
            **FEW,
            **environment,
        }
        self.command = [sys.executable, "-m", "gunicorn", "-c", self.configuration, "codeexec.wsgi"]
        self._session = requests.Session()
        self.process: subprocess.Popen[bytes] | None = None

    def sibling(self) -> "Service":
        """Return another service with the same settings, database and key, but another port."""
        other = type(self)(self.log_path.parent)
        other.log_path = self.log_path.with_name(f"log-{other.port}")
        other.api_key = self.api_key
        other.environment = {**self.environment, "PORT": str(other.port)}
        return other

    def __enter__(self) -> Self:
        self.migrate()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def migrate(self) -> None:
        """Create the tables. Those of a new database are copies of those that an earlier service has created."""
        url = self.environment["DATABASE_URL"]
        if url == f"sqlite:///{self.database}" and not self.database.exists():
            self.database.write_bytes(_empty_database())
        elif cluster := PostgreSQL.at(url):
            cluster.migrate(self._migrate)
        else:
            self._migrate()

    def _migrate(self) -> None:
        self.manage("migrate", "--verbosity=0")

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    def start(self) -> None:
        """Start the service and wait until it is healthy."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not self.is_healthy():
                assert self.process.poll() is None, self.log()
                assert time.monotonic() < deadline, self.log()
                time.sleep(PAUSE_SECONDS)
        except BaseException:
            self.stop()
            raise

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the service. SIGKILL goes to all of its processes."""
        if self.process is None:
            return
        self._hang_up()
        processes = [self.process.pid, *_children(self.process.pid)]
        if self.process.poll() is None:
            for pid in processes if how is signal.SIGKILL else processes[:1]:
                os.kill(pid, how)
        self.process.wait(STOP_SECONDS)
        self.process = None

    def _hang_up(self) -> None:
        """Close the connections that are kept. Else gunicorn would wait for two seconds for requests on them.

        Session.close() leaves that to the garbage collector.
        """
        adapter = self._session.get_adapter(self.url)
        assert isinstance(adapter, HTTPAdapter)
        kept = adapter.poolmanager.connection_from_url(self.url)
        self._session.close()
        kept.close()

    def worker_pid(self) -> int:
        """Return the PID of the process that handles requests and owns the containers."""
        assert self.process is not None
        [pid] = _children(self.process.pid)
        return pid

    def is_healthy(self) -> bool:
        """Return whether `/health` answers 200."""
        try:
            return self._session.get(f"{self.url}/health", timeout=5).status_code == 200
        except (requests.ConnectionError, requests.Timeout):  # gunicorn listens before the application has loaded
            return False

    def health(self) -> dict[str, Any]:
        """Return the body of `/health`."""
        answer: dict[str, Any] = self._session.get(f"{self.url}/health", timeout=30).json()
        return answer

    def post(self, code: str, **fields: Any) -> requests.Response:
        """Send a program as a page of our site would."""
        return self.send(json.dumps({"code": code, **fields}).encode())

    def send(self, body: bytes) -> requests.Response:
        """Send the JSON of a request to run a program."""
        headers = {"X-API-Key": self.api_key, "Origin": ORIGIN, "Content-Type": "application/json"}
        return self._session.post(f"{self.url}/execute", body, headers=headers, timeout=60)

    def execute(self, code: str, **fields: Any) -> dict[str, Any]:
        """Run a program and return the answer, which must be a 200."""
        response = self.post(code, **fields)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Query the service's database and return the rows."""
        if postgresql := PostgreSQL.at(self.environment["DATABASE_URL"]):
            return postgresql.sql(sql)
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def change(self, sql: str) -> None:
        """Change the service's database behind its back."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=10)) as connection, connection:
            connection.execute(sql)

    def log(self) -> str:
        """Return the service's log."""
        return self.log_path.read_text()


class DeployedService(Service):
    """A service that starts as a deployed one does, with all probes."""

    configuration = "codeexec/gunicorn.py"


@cache
def _empty_database() -> bytes:
    """Return the content of an SQLite file with all tables."""
    with tempfile.TemporaryDirectory() as directory:
        service = Service(Path(directory))
        service.manage("migrate", "--verbosity=0")
        return service.database.read_bytes()


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:  # it has ended
        return []
