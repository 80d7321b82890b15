"""Real PostgreSQL and Redis servers on loopback, which tests can stop and make hang."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import psycopg
import redis

START_SECONDS = 20
PROXY_SETTINGS = Path(__file__).parent.parent / "haproxy.cfg"
PORTS = range(12_000, 32_000)
XDIST = ("WORKER", "WORKER_COUNT")
"""Below net.ipv4.ip_local_port_range, so no outgoing connection can take one before the server does."""

TABLES = "SELECT 1 FROM pg_tables WHERE schemaname = 'public' LIMIT 1"

_given: set[int] = set()
_clusters: dict[str, "PostgreSQL"] = {}


class Server:
    """A server process with its own port and directory. Use it as a context manager."""

    stops_at = signal.SIGINT
    """What ends it at once."""

    def __init__(self) -> None:
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp())
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        shutil.rmtree(self.directory)

    def prepare(self) -> None:
        """Prepare the directory, once."""

    def command(self) -> list[str]:
        """Return the command that starts the server."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Return whether the server answers."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.process = subprocess.Popen(
            self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=_user(), cwd=self.directory
        )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            assert self.process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server at once and close all connections."""
        if self.process is not None:
            self.resume()
            self.process.send_signal(self.stops_at)
            self.process.wait(START_SECONDS)
            self.process = None

    def kill(self) -> None:
        """End the server with no time to clean up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(START_SECONDS)
        self.process = None

    def pause(self) -> None:
        """Make the server hang: connections stay open and get no answer."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the server continue."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the server first, so that it starts no more processes, and then to its child processes."""
        assert self.process is not None
        self.process.send_signal(number)
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in map(int, children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)


class PostgreSQL(Server):
    """A cluster with the role `code` and the database `code`; `url` is for DATABASE_URL."""

    def __init__(self) -> None:
        super().__init__()
        self._has_copy = False
        _clusters[self.url] = self

    @classmethod
    def at(cls, url: str) -> "PostgreSQL | None":
        """Return the cluster of this process with that `url`."""
        return _clusters.get(url)

    @property
    def url(self) -> str:
        return f"postgres://code@127.0.0.1:{self.port}/code"

    def prepare(self) -> None:
        if (user := _user()) is not None:
            shutil.chown(self.directory, user)
        initdb = [
            _postgresql("initdb"),
            "-D",
            "data",
            "-U",
            "owner",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        ]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=self.directory, user=_user())

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 200,
        }
        return [_postgresql("postgres"), "-D", "data", *(f"--{name}={value}" for name, value in settings.items())]

    def answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            self.sql("SELECT 1", user="owner", database="postgres")
            return True
        return False

    def start(self) -> None:
        super().start()
        if not self.sql("SELECT 1 FROM pg_database WHERE datname = 'code'", user="owner", database="postgres"):
            self.sql("CREATE ROLE code LOGIN CREATEDB", user="owner", database="postgres")
            self.sql("CREATE DATABASE code OWNER code", user="owner", database="postgres")

    def empty(self) -> None:
        """Drop everything in the database."""
        self.sql("DROP SCHEMA public CASCADE", user="owner")
        self.sql("CREATE SCHEMA public AUTHORIZATION code", user="owner")

    def migrate(self, command: Callable[[], object]) -> None:
        """Create the tables by `command`, or in an empty database as a copy of those that it has created before."""
        is_empty = not self.sql(TABLES)
        if is_empty and self._has_copy:
            self.copy("migrated", "code")
            return
        command()
        if is_empty:
            self.copy("code", "migrated")
            self._has_copy = True

    def copy(self, source: str, target: str) -> None:
        """Replace a database with a copy of another one, to which nobody may be connected."""
        self.sql(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)", user="owner", database="postgres")
        self.sql(f"CREATE DATABASE {target} TEMPLATE {source} OWNER code", user="owner", database="postgres")

    def sql(self, statement: str, user: str = "code", database: str = "code") -> list[tuple[object, ...]]:
        """Run a statement and return its rows."""
        address = {"host": "127.0.0.1", "port": self.port, "connect_timeout": 3}
        with psycopg.connect(user=user, dbname=database, autocommit=True, **address) as connection:  # type: ignore[arg-type]
            cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def run_script(self, path: Path, **variables: object) -> str:
        """Run a script with psql, which stops at the first error; return what it printed. Raises CalledProcessError."""
        options = [f"--set={name}={value}" for name, value in {"ON_ERROR_STOP": 1, **variables}.items()]
        command = [_postgresql("psql"), "--no-psqlrc", self.url, *options, f"--file={path}"]
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


class Redis(Server):
    """A Redis server without persistence; `url` is for REDIS_URL."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        if (user := _user()) is not None:
            shutil.chown(self.directory, user)

    def command(self) -> list[str]:
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]

    def client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.url, socket_timeout=1)

    def answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), contextlib.closing(self.client()) as client:
            return bool(client.ping())
        return False


class Proxy(Server):
    """The proxy of compose.cluster.yaml before web processes on two ports. It listens on `port`, or a free one."""

    stops_at = signal.SIGTERM

    def __init__(self, ports: tuple[int, int], port: int | None = None) -> None:
        super().__init__()
        self.port = port or self.port
        self._ports = ports

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        shutil.copy(PROXY_SETTINGS, self.directory)
        if (user := _user()) is not None:
            shutil.chown(self.directory, user)

    def command(self) -> list[str]:
        one, two = (f"127.0.0.1:{port}" for port in self._ports)
        environment = (f"LISTEN=127.0.0.1:{self.port}", f"WEB_1={one}", f"WEB_2={two}")
        return ["env", *environment, "haproxy", "-db", "-f", PROXY_SETTINGS.name]

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False


def _postgresql(program: str) -> str:
    """Return the path of a program of the newest installed PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda path: int(path.parts[4]))
    return str(found[-1]) if found else program


def _user() -> str | None:
    """Return the user to run a server as, because PostgreSQL refuses root; None for the current user."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free and that the kernel does not give to outgoing connections.

    No two processes of a test run, and no two calls in one, get the same: another server may not listen on it yet.
    """
    process, processes = (int(os.environ.get(f"PYTEST_XDIST_{name}", "0").removeprefix("gw")) for name in XDIST)
    ours = PORTS[process :: max(1, processes)]
    while True:
        port = ours[secrets.randbelow(len(ours))]
        if port in _given:
            continue
        _given.add(port)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
