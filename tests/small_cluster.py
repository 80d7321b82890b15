"""The shape of compose.cluster.yaml on one machine: a proxy, two web processes, PostgreSQL, Redis, and two workers with
an engine each. `python -m tests.small_cluster` serves it: `make cluster`.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from executions.cluster.board import Board, connect
from tests.engine import OwnEngine
from tests.servers import PostgreSQL, Proxy, Redis
from tests.service import ORIGIN, ROOT, Service
from tests.waiting import eventually
from tests.worker import Worker

READY_SECONDS = 120
PORT = 8000
FOR_PEOPLE = {"PLAYGROUND": "public", "METRICS_ALLOWED_IPS": "127.0.0.1", "SANDBOX_SCIENCE_POOL_SIZE": "1"}


@dataclass(frozen=True)
class Cluster:
    """The parts: `web` and `other_web` share records and workers. `engine` is that of the second worker. `front` is for
    requests through the proxy.
    """

    redis: Redis
    postgresql: PostgreSQL
    engine: OwnEngine
    web: Service
    other_web: Service
    workers: tuple[Worker, Worker]
    proxy: Proxy
    front: Service

    def board(self) -> Board:
        return Board(connect(self.redis.url))

    def await_workers(self, number: int) -> None:
        """Wait until so many workers can run programs, and both web processes know it."""
        board = self.board()

        def are_serving() -> bool:
            serving = {state.label for state in board.workers() if state.is_serving}
            return len(serving) == number and ready(self.web) == ready(self.other_web) == serving

        assert eventually(are_serving, READY_SECONDS), [worker.log() for worker in self.workers]

    def parts(self) -> dict[str, Redis | PostgreSQL | Service | Worker | Proxy]:
        """Return all processes but the engines, by the names that they have in compose.cluster.yaml."""
        one, two = self.workers
        return {
            "db": self.postgresql,
            "redis": self.redis,
            "worker-1": one,
            "worker-2": two,
            "web-1": self.web,
            "web-2": self.other_web,
            "proxy": self.proxy,
        }


def ready(web: Service) -> set[str]:
    """Return the names of the workers to which a web process sends programs."""
    return {each["worker"] for each in web.health()["workers"] if each["status"] == "ready"}


@contextmanager
def small_cluster(
    directory: Path, port: int | None = None, run_worker: str = "codeexec.run_worker", **environment: str
) -> Iterator[Cluster]:
    """Run a cluster whose proxy listens on `port`, or a free one. It has answered `/health` before.

    The module `run_worker` runs the workers.
    """
    with ExitStack() as stack:
        redis, postgresql = stack.enter_context(Redis()), stack.enter_context(PostgreSQL())
        engine = stack.enter_context(OwnEngine())
        urls = {"REDIS_URL": redis.url, "DATABASE_URL": postgresql.url, "TRUSTED_PROXY_COUNT": "1"}
        web = Service(directory, EXECUTOR="celery", DOCKER_HOST="unix:///nowhere", **urls, **environment)
        other_web = web.sibling()
        shared_engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        workers = (
            stack.enter_context(Worker(web, directory / "one", run_worker, DOCKER_HOST=shared_engine)),
            stack.enter_context(Worker(web, directory / "two", run_worker, DOCKER_HOST=engine.url)),
        )
        stack.enter_context(web)
        stack.callback(other_web.stop)
        other_web.start()
        proxy = stack.enter_context(Proxy((web.port, other_web.port), port))
        front = web.sibling()
        front.port, front.url, front.log_path = proxy.port, proxy.url, web.log_path
        yield Cluster(redis, postgresql, engine, web, other_web, workers, proxy, front)


def main() -> int:
    """Serve until SIGINT or SIGTERM, or the end of this process; return the exit status.

    Another process does it, in a session of its own: Ctrl+C would end all parts at once, and lose what runs.
    """
    end, keep = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(keep)
        os.setsid()
        serve(end)
        return 0
    os.close(end)
    is_kept = threading.Event()
    is_kept.set()

    def stop(*_: object) -> None:
        if is_kept.is_set():
            is_kept.clear()
            os.close(keep)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def serve(end: int) -> None:
    """Serve until the pipe `end` is closed. A part that ends by itself is started again."""

    def stop(*_: object) -> None:
        raise SystemExit

    def wait_for_end() -> None:
        os.read(end, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=wait_for_end, daemon=True).start()
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"]
    try:
        subprocess.run(collect, cwd=ROOT, check=True)
        with tempfile.TemporaryDirectory(prefix="cluster-") as directory:
            port = int(os.environ.get("PORT", PORT))
            with small_cluster(Path(directory), port, **FOR_PEOPLE) as cluster:
                introduce(cluster, directory)
                keep_alive(cluster)
    finally:
        print("cluster: all parts have ended", flush=True)


def introduce(cluster: Cluster, directory: str) -> None:
    """Make a member of staff, and print where everything is."""
    password = secrets.token_urlsafe(9)
    make = f"from django.contrib.auth.models import User; User.objects.create_superuser('admin', password='{password}')"
    cluster.web.manage("shell", "--verbosity=0", "-c", make)
    cluster.await_workers(2)
    site = f"http://localhost:{cluster.proxy.port}"
    processes = "\n".join(f"  {name:9} {part.process.pid}" for name, part in cluster.parts().items() if part.process)
    body = '{"code": "print(\\"Hello\\")"}'
    print(
        f"""
The cluster serves; its processes are

{processes}

Kill one, and it starts again. Open

  {site}/playground/  write programs and run them
  {site}/admin/       records and the state of the workers (admin, {password})
  {site}/metrics      the numbers of each worker

Or try it from another terminal:

curl {site}/execute -H 'X-API-Key: {cluster.web.api_key}' -H 'Origin: {ORIGIN}' \\
  -H 'Content-Type: application/json' -d '{body}'

The logs are in {directory}. Ctrl+C ends all parts; records and logs are then deleted.
""",
        flush=True,
    )


def keep_alive(cluster: Cluster) -> None:
    """Start each part again that has ended, as `restart: unless-stopped` does."""
    while True:
        for name, part in cluster.parts().items():
            if part.process is not None and part.process.poll() is None:
                continue
            print(f"cluster: {name} has ended, and starts again", flush=True)
            with contextlib.suppress(AssertionError):  # its port is not free yet: the next round tries again
                part.start()
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
