"""A container of the service's own image, used as an operator, a proxy and a page would."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml
from docker import APIClient

from tests.service import ORIGIN
from tests.waiting import eventually

IMAGE = "code-exec-service"
HEALTHY_SECONDS = 240
STOP_SECONDS = 30
"""How long Coolify waits for a container to stop."""


def docker(*arguments: str) -> str:
    """Run the docker client; return what it printed."""
    done = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True)
    return (done.stdout + done.stderr if arguments[0] == "logs" else done.stdout).strip()


ENGINES_SOCKET = "--volume=/var/run/docker.sock:/var/run/docker.sock"


COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parent.parent / "compose.yaml").read_text())["services"]


def confinement(service: str) -> list[str]:
    """Return the options of `docker run` with which a service runs as confined as in compose.yaml."""
    options = COMPOSE[service]
    return [
        "--read-only",
        *(f"--tmpfs={path}" for path in options["tmpfs"]),
        *(f"--cap-drop={name}" for name in options["cap_drop"]),
        *(f"--cap-add={name}" for name in options["cap_add"]),
        *(f"--security-opt={option.replace(':', '=')}" for option in options["security_opt"]),
        f"--pids-limit={options['pids_limit']}",
        f"--memory={options['mem_limit']}",
    ]


@contextmanager
def broker_with(volume: str) -> Iterator[str]:
    """Run the image's broker as compose.yaml does, with its socket in `volume`; yield its container once it is healthy.

    Until then compose does not start the service.
    """
    broker = COMPOSE["broker"]
    container = docker(
        "run",
        "--detach",
        ENGINES_SOCKET,
        f"--volume={volume}:/run/broker",
        f"--entrypoint={broker['entrypoint'][0]}",
        f"--network={broker['network_mode']}",
        *confinement("broker"),
        f"--health-cmd={' '.join(broker['healthcheck']['test'][1:])}",
        "--health-interval=1s",
        IMAGE,
    )
    status = "--format={{.State.Health.Status}}"
    try:
        assert eventually(lambda: docker("inspect", status, container) == "healthy", 30), docker("logs", container)
        yield container
    finally:
        docker("rm", "--force", container)


class Deployment:
    """A running container with only the documented settings and those in `environment`.

    It has the engine's socket, or that of the broker whose volume is given: then it is confined as in compose.yaml.
    """

    def __init__(
        self, api_key: str, volume: str | None = None, brokers_volume: str | None = None, **environment: str
    ) -> None:
        self.api_key = api_key
        variables = {"API_KEY": api_key, "PORT": "8000", **environment}
        options = [ENGINES_SOCKET, "--memory=1g"]
        if brokers_volume is not None:
            options = [f"--volume={brokers_volume}:/run/broker", *confinement("code")]
            variables["DOCKER_HOST"] = "unix:///run/broker/docker.sock"
        self.id = docker(
            "run",
            "--detach",
            *options,
            *([f"--volume={volume}:/data"] if volume else []),
            *(f"--env={name}={value}" for name, value in variables.items()),
            "--cpus=1",
            "--publish=127.0.0.1::8000",
            IMAGE,
        )
        self.host_name = self.id[:12]
        self._find()

    def _find(self) -> None:
        """Find the port, which changes with each start."""
        port = docker("port", self.id, "8000").rpartition(":")[2]
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self) -> "Deployment":
        return self

    def __exit__(self, *error: object) -> None:
        docker("rm", "--force", "--volumes", self.id)

    def state(self) -> dict[str, Any]:
        """Return the container's state as the engine reports it. Tests ask often: each client's process costs more."""
        with closing(APIClient()) as engine:
            state: dict[str, Any] = engine.inspect_container(self.id)["State"]
            return state

    def is_healthy(self) -> bool:
        """Return whether a proxy would send requests to this container."""
        return bool(self.state()["Health"]["Status"] == "healthy")

    def wait_until_healthy(self) -> None:
        """Wait until the container is healthy, as Coolify does before it stops the previous version."""
        deadline = time.monotonic() + HEALTHY_SECONDS
        while not self.is_healthy():
            assert self.state()["Running"], docker("logs", self.id)
            assert time.monotonic() < deadline, docker("logs", self.id)
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop the container as Coolify does. It keeps its data."""
        docker("stop", f"--time={STOP_SECONDS}", self.id)

    def start(self) -> None:
        """Start it again and wait until it can run programs."""
        docker("start", self.id)
        self._find()
        self.wait_until_healthy()

    def manage(self, *arguments: str) -> str:
        """Run a management command as described in docs/coolify.md."""
        return docker("exec", self.id, "manage", *arguments)

    def post(self, code: str, **fields: Any) -> requests.Response:
        """Send a program as a page would."""
        headers = {"X-API-Key": self.api_key, "Origin": ORIGIN}
        return requests.post(f"{self.url}/execute", json={"code": code, **fields}, headers=headers, timeout=60)
