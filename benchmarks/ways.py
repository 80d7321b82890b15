"""The ways to run a program that `make bench` compares."""

import json
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from typing import Any

import docker

from executions.bounds import LONGEST_TIMEOUT_SECONDS
from executions.owner import Owner
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import container_options
from tests.service import ORIGIN, Service

PRINTED = "Hello\n"
PROGRAM = 'print("Hello")'
SCIENCE_PROGRAM = f"import numpy, pandas, matplotlib.pyplot\n{PROGRAM}"
TEN_TESTS = {"test_cases": [{"input": "add(5, 3)", "expected_output": "8"}] * 10}
TESTED_PROGRAM = f"def add(a, b):\n    return a + b\n\n{PROGRAM}"


class NotServed(Exception):
    """The service had no room for a program in time, or the program ran out of time on a busy machine."""


class OverHTTP:
    """Runs the program through the service. Each thread keeps its connection, as a browser does."""

    def __init__(self, service: Service, code: str = PROGRAM, **fields: Any) -> None:
        self._port = service.port
        self._headers = {"X-API-Key": service.api_key, "Origin": ORIGIN, "Content-Type": "application/json"}
        self._body = json.dumps({"code": code, "timeout": LONGEST_TIMEOUT_SECONDS, **fields})
        self._local = threading.local()

    def __call__(self) -> dict[str, Any]:
        """Run the program and return the answer. Raises NotServed."""
        if not hasattr(self._local, "connection"):
            self._local.connection = HTTPConnection("127.0.0.1", self._port)
        self._local.connection.request("POST", "/execute", self._body, self._headers)
        response = self._local.connection.getresponse()
        body = response.read()
        if response.status == 503:
            raise NotServed
        assert response.status == 200, body
        answer: dict[str, Any] = json.loads(body)
        if answer["status"] == "timeout":
            raise NotServed
        assert answer["output"] == PRINTED, answer
        return answer


def run_bare() -> None:
    """Run the program in a fresh interpreter on this machine, without any protection."""
    # The virtual environment's interpreter, because another may load much more at its start.
    done = subprocess.run([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, check=True)
    assert done.stdout == PRINTED.encode()


class ContainerPerRequest:
    """Runs the program in a new container: create, start, wait, read the log, remove; with our limits."""

    def __init__(self, program: str = PROGRAM) -> None:
        self._client = docker.from_env()
        options = container_options(Engine().image_id(image_name()), str(Owner.of_this_process()))
        options |= {"Entrypoint": ["python3", "-c", program], "OpenStdin": False, "AttachStdin": False}
        options["HostConfig"] |= {"AutoRemove": False, "LogConfig": {"Type": "json-file", "Config": {}}}
        self._options = options

    def __call__(self) -> None:
        api = self._client.api
        container_id = api.create_container_from_config(self._options)["Id"]  # type: ignore[no-untyped-call]
        container = self._client.containers.get(container_id)
        container.start()
        container.wait()
        assert container.logs() == PRINTED.encode()
        container.remove(force=True)


class CreateAndRemove:
    """Creates, starts and removes one of our containers without using it."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._owner = str(Owner.of_this_process())

    def __call__(self) -> None:
        if not hasattr(self._local, "engine"):
            self._local.engine = Engine()
            self._local.options = container_options(self._local.engine.image_id(image_name()), self._owner)
        engine: Engine = self._local.engine
        container_id = engine.create(f"code_exec_benchmark_{time.monotonic_ns()}", self._local.options)
        engine.start(container_id)
        engine.remove(container_id)
