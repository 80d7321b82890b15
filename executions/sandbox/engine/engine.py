"""The calls that we make to the Docker Engine. The only module that imports docker."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import docker
import requests
import urllib3
from docker.errors import APIError, BuildError, DockerException, ImageNotFound, NotFound
from docker.transport import UnixHTTPAdapter
from docker.utils import kwargs_from_env
from urllib3._collections import RecentlyUsedContainer

from executions.sandbox.counters import ENGINE_ERRORS
from executions.sandbox.engine.options import LABEL, MAPPED_USERS, USERS

CALL_SECONDS = 10
"""The longest that one call may take. A thread that runs a program makes none."""


class EngineError(Exception):
    """The engine did not do what it was asked. `missing`: it does not know the container or image."""

    def __init__(self, message: str, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class ContainerSummary:
    """One container in the engine's list. `state` is the engine's word: created, running, exited, …"""

    id: str
    name: str
    state: str
    labels: dict[str, str]

    @classmethod
    def parse(cls, listed: dict[str, Any]) -> "ContainerSummary":
        """Return an entry of the list. A container that a dying engine left half-made may have no name."""
        names = listed["Names"] or [""]
        return cls(listed["Id"], str(names[0]).lstrip("/"), listed["State"], listed["Labels"])


@dataclass(frozen=True, slots=True)
class ContainerEvent:
    """Something that happened to one of our containers: `action` is oom, kill or die.

    `exit_code` is given when a container has died.
    """

    container_id: str
    action: str
    exit_code: int | None = None


class BoundedClient(docker.APIClient):
    """docker-py's client, bounded in time and in connections.

    docker-py attaches without a timeout: an engine that hangs would block the thread for ever. And it keeps a
    connection for each path that it has requested, and so for each container, up to 25.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Otherwise each call reads the environment for proxies, and fails when another thread changes it meanwhile.
        self.trust_env = False
        for adapter in self.adapters.values():
            if isinstance(adapter, UnixHTTPAdapter):  # docker-py ignores the option for it
                adapter.pools = RecentlyUsedContainer(1, dispose_func=lambda pool: pool.close())

    def post(self, url: Any, *arguments: Any, **options: Any) -> requests.Response:
        """Send a POST, always in bounded time."""
        return super().post(url, *arguments, **{"timeout": self.timeout, **options})


def client_from_environment() -> docker.APIClient:
    """Return a client of the engine that DOCKER_HOST names, by default /var/run/docker.sock."""
    return BoundedClient(**kwargs_from_env(), version="auto", timeout=CALL_SECONDS)


class Engine:
    """The engine that `make_client` connects to, at the first call. For one thread at a time."""

    def __init__(self, make_client: Callable[[], docker.APIClient] = client_from_environment) -> None:
        self._make_client = make_client
        self._client: docker.APIClient | None = None

    def ping(self) -> None:
        """Raise EngineError unless the engine answers."""
        with self._calling("ping") as client:
            client.ping()

    def info(self) -> dict[str, Any]:
        """Return the engine's description of itself and its host (`docker info`)."""
        with self._calling("info") as client:
            return dict(client.info())

    def directory(self) -> Path:
        """Return where the engine keeps images and containers, as a path in its own file system."""
        with self._calling("ask for the directory") as client:
            return Path(client.info()["DockerRootDir"])

    def user_ids(self) -> range:
        """Return the user IDs that containers may have: few if the engine maps them to others of the host."""
        with self._calling("ask for its security options") as client:
            options = " ".join(client.info()["SecurityOptions"] or ())
            return MAPPED_USERS if "name=rootless" in options or "name=userns" in options else USERS

    def api_version(self) -> str:
        """Return the newest version of the API that the engine speaks."""
        with self._calling("version") as client:
            return str(client.version()["ApiVersion"])

    def image_id(self, name: str) -> str:
        """Return the id of the local image `name`. Never pulls."""
        with self._calling(f"look up image {name}") as client:
            return str(client.inspect_image(name)["Id"])  # type: ignore[no-untyped-call]

    def architecture(self) -> str:
        """Return the engine's architecture in Docker's words: amd64, arm64, …"""
        with self._calling("ask for the version") as client:
            return str(client.version()["Arch"])

    def build_image(self, context: Path, name: str) -> Iterator[str]:
        """Build the image `name` from the Dockerfile in `context`; yield the build's log as it comes."""
        with self._calling(f"build image {name}") as client:
            for part in client.build(path=str(context), tag=name, rm=True, forcerm=True, decode=True, timeout=600):
                if "error" in part:
                    raise EngineError(f"build image {name}: {part['error']}")
                yield str(part.get("stream", ""))

    def create(self, name: str, options: dict[str, Any]) -> str:
        """Create a container and return its id."""
        with self._calling(f"create {name}") as client:
            created = client.create_container_from_config(options, name)  # type: ignore[no-untyped-call]
            return str(created["Id"])

    def start(self, container_id: str) -> None:
        """Start a created container."""
        with self._calling(f"start {container_id:.12}") as client:
            client.start(container_id)

    def attach(self, container_id: str) -> socket.socket:
        """Return a socket to a container's stdin that gives its output in the engine's multiplexed form.

        Attach before the start: what a container has printed by then may be in a buffer of the HTTP client.
        """
        with self._calling(f"attach to {container_id:.12}") as client:
            parameters = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            stream = client.attach_socket(container_id, parameters)
            # docker-py returns the HTTP client's file object, whose connection ends with its last reference. We alone
            # decide the timeout and the end of a duplicate of its socket.
            connection = cast("socket.socket", stream._sock).dup()
            stream._response.close()
            return connection

    def inspect(self, container_id: str) -> dict[str, Any]:
        """Return what the engine knows of a container."""
        with self._calling(f"inspect {container_id:.12}") as client:
            return dict(client.inspect_container(container_id))

    def remove(self, container_id: str) -> bool:
        """Kill and remove a container; return whether the engine still had it. Accepts one that is gone."""
        with self._calling(f"remove {container_id:.12}") as client:
            try:
                client.remove_container(container_id, force=True, v=True)
            except APIError as error:
                # 409: automatic removal is under way already.
                if error.status_code not in (404, 409):
                    raise
                return error.status_code == 409
            return True

    def containers(self) -> list[ContainerSummary]:
        """Return all containers with our label, of any owner and in any state."""
        with self._calling("list containers") as client:
            found = client.containers(all=True, filters={"label": LABEL})
            return [ContainerSummary.parse(each) for each in found]

    def events(self, labels: list[str]) -> Iterator[ContainerEvent]:
        """Yield the events of containers with all of `labels` from now on, until the engine goes away."""
        filters = {"type": ["container"], "label": labels, "event": ["oom", "kill", "die"]}
        with self._calling("watch events") as client:
            for event in client.events(filters=filters, decode=True):
                exit_code = event["Actor"]["Attributes"].get("exitCode")
                yield ContainerEvent(
                    event["Actor"]["ID"], event["Action"], None if exit_code is None else int(exit_code)
                )

    def close(self) -> None:
        """Close the connections to the engine."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextlib.contextmanager
    def _calling(self, what: str) -> Iterator[docker.APIClient]:
        """Give the client for one call, and turn every error of the call into EngineError."""
        try:
            if self._client is None:
                self._client = self._make_client()
            yield self._client
        except (NotFound, ImageNotFound) as error:
            raise EngineError(f"{what}: {error.explanation}", missing=True) from error
        except (DockerException, BuildError, requests.RequestException, urllib3.exceptions.HTTPError) as error:
            ENGINE_ERRORS.inc()
            raise EngineError(f"{what}: {error}") from error
        except (OSError, ValueError, KeyError, TypeError) as error:  # cut or malformed answers
            ENGINE_ERRORS.inc()
            raise EngineError(f"{what}: {error!r}") from error
