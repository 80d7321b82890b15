"""The broker in front of the real engine: the service runs through it, and nothing else does."""

import contextlib
import http.client
import io
import json
import os
import socket
import tarfile
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from executions.owner import Owner
from executions.sandbox.broker.broker import LAST_WORDS_SECONDS
from executions.sandbox.container.stream import FrameStream
from executions.sandbox.engine.engine import BoundedClient, Engine, EngineError
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import LABEL, NAME_PREFIX, container_options
from executions.sandbox.profiles import Profile
from executions.sandbox.results import RunStatus, SandboxError, Submission
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.settings import SandboxSettings
from executions.sandbox.timing import Deadline
from guest import protocol
from tests.sandbox.broker_process import BrokerProcess
from tests.sandbox.conftest import READY_SECONDS, containers_of
from tests.sandbox.probing import FEW_PROBES
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

SANDBOX_ID = uuid.uuid4().hex


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path_factory.mktemp("broker"), BROKER_MOST_CONTAINERS="12") as broker:
        yield broker


def connect(broker: BrokerProcess) -> Engine:
    return Engine(lambda: BoundedClient(base_url=broker.url, version="auto", timeout=10))


@pytest.fixture
def through(broker: BrokerProcess) -> Iterator[Engine]:
    with contextlib.closing(connect(broker)) as engine:
        yield engine


@pytest.fixture
def options(engine: Engine) -> dict[str, Any]:
    owner = str(Owner.of_this_process())
    return container_options(engine.image_id(image_name()), owner, None, Profile.PLAIN, SANDBOX_ID)


@pytest.fixture
def stranger(engine: Engine, options: dict[str, Any]) -> Iterator[str]:
    """Yield the id of a container that is not the service's, and has a secret."""
    container_id = engine.create(
        f"stranger_{uuid.uuid4()}", {**options, "Labels": {}, "Env": ["TOKEN=geheim"], "HostConfig": {}}
    )
    yield container_id
    engine.remove(container_id)


class Connection(http.client.HTTPConnection):
    """A connection to the broker on which a test says what it likes."""

    def __init__(self, broker: BrokerProcess) -> None:
        super().__init__("docker", timeout=10)
        self._path = str(broker.path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self._path)


def ask(broker: BrokerProcess, method: str, target: str, body: Any = None) -> tuple[int, Any]:
    """Make one call; return the status and the answer."""
    with contextlib.closing(Connection(broker)) as connection:
        connection.request(method, target, None if body is None else json.dumps(body))
        response = connection.getresponse()
        content = response.read()
        return response.status, json.loads(content or b"null")


def new_name() -> str:
    return f"{NAME_PREFIX}{uuid.uuid4()}"


def test_sandbox_runs_through_the_broker(broker: BrokerProcess, engine: Engine) -> None:
    before = broker.log()
    settings = SandboxSettings(pool_size=1, max_concurrent=2, queue_seconds=20)
    sandbox = Sandbox(settings, connect=lambda: connect(broker))
    sandbox.start()
    try:
        assert sandbox.wait_until_ready(READY_SECONDS), sandbox.health()  # and so the probes have passed
        outcome = sandbox.execute(Submission("print(input()[::-1] * 100_000)", "olleh", (), 5.0))
        assert outcome.main.stdout.startswith("hellohello")
        killed = sandbox.execute(Submission("data = bytearray(300_000_000)", "", (), 5.0))
        assert killed.main.status is RunStatus.MEMORY_LIMIT
        ours = containers_of(engine, sandbox)
        assert ours
        assert {each.id for each in connect(broker).containers()} >= ours
    finally:
        sandbox.close(drain_seconds=5)
    assert eventually(lambda: not containers_of(engine, sandbox), 20)
    assert "refused" not in broker.log().removeprefix(before)


def test_container_has_last_words_after_the_client_has_ended_its_input(
    through: Engine, options: dict[str, Any]
) -> None:
    container_id = through.create(new_name(), options)
    with contextlib.closing(through.attach(container_id)) as connection:
        through.start(container_id)
        stream = FrameStream(connection)
        assert stream.receive(Deadline.after(20))[0] == protocol.READY
        feed = protocol.pack_task(protocol.PROGRAM, "import time\nprint('begun', flush=True)\ntime.sleep(9)", 0)
        stream.send(protocol.pack_run(8, len(feed), False, False) + feed)
        assert stream.receive(Deadline.after(8))[0] != protocol.RESULT
        stream.end_sending()
        kinds = []
        while protocol.RESULT not in kinds:
            kinds.append(stream.receive(Deadline.after(LAST_WORDS_SECONDS))[0])


def test_container_ends_with_the_connection_to_the_broker(through: Engine, options: dict[str, Any]) -> None:
    container_id = through.create(new_name(), options)
    connection = through.attach(container_id)
    through.start(container_id)
    assert connection.recv(1)
    connection.close()
    assert eventually(lambda: container_id not in {each.id for each in through.containers()}, 20)


def test_container_ends_with_the_broker(tmp_path: Path, engine: Engine, options: dict[str, Any]) -> None:
    with BrokerProcess(tmp_path) as broker, contextlib.closing(connect(broker)) as through:
        container_id = through.create(new_name(), options)
        connection = through.attach(container_id)
        through.start(container_id)
        assert connection.recv(1)
        assert broker.process is not None
        broker.process.kill()
        while connection.recv(65536):
            pass
        connection.close()
    assert eventually(lambda: container_id not in {each.id for each in engine.containers()}, 20)


def test_sandbox_recovers_when_the_broker_is_back(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path) as broker:
        settings = SandboxSettings(pool_size=1, queue_seconds=20)
        sandbox = Sandbox(settings, connect=lambda: connect(broker), probes=FEW_PROBES)
        sandbox.start()
        try:
            assert sandbox.wait_until_ready(READY_SECONDS), sandbox.health()
            assert broker.process is not None
            broker.process.kill()
            assert eventually(lambda: not sandbox.health().ready, 20)
            with BrokerProcess(tmp_path):
                assert eventually(lambda: _runs(sandbox), READY_SECONDS), sandbox.health()
        finally:
            sandbox.close(drain_seconds=5)


def _runs(sandbox: Sandbox) -> bool:
    try:
        return sandbox.execute(Submission("print(1)", "", (), 5.0)).main.stdout == "1\n"
    except SandboxError:
        return False


@pytest.mark.wall("broker_options")
@pytest.mark.parametrize(
    "changes",
    [
        {"HostConfig": {"Binds": ["/:/host"]}},
        {"HostConfig": {"Privileged": True}},
        {"HostConfig": {"NetworkMode": "host"}},
        {"Image": "python:3.13-slim"},
        {"Labels": {"other": "label"}},
    ],
    ids=str,
)
def test_deny_creating_any_other_container(
    broker: BrokerProcess, engine: Engine, options: dict[str, Any], changes: dict[str, Any]
) -> None:
    host_config = {**options["HostConfig"], **changes.get("HostConfig", {})}
    status, answer = ask(
        broker, "POST", f"/v1.41/containers/create?name={new_name()}", {**options, **changes, "HostConfig": host_config}
    )
    if status == 201:
        engine.remove(answer["Id"])
    assert status == 403


@pytest.mark.wall("broker_calls")
def test_deny_entering_and_changing_a_container(
    broker: BrokerProcess, through: Engine, options: dict[str, Any]
) -> None:
    container_id = through.create(new_name(), options)
    with contextlib.closing(through.attach(container_id)):
        through.start(container_id)
        for call in ("exec", "update", "rename?name=x", "pause", "kill", "restart", "wait", "resize?h=1&w=1"):
            assert ask(broker, "POST", f"/v1.41/containers/{container_id}/{call}", {"Cmd": ["sh"]})[0] == 403, call
        for call in ("archive?path=/", "logs?stdout=1", "export", "top", "changes", "stats"):
            assert ask(broker, "GET", f"/v1.41/containers/{container_id}/{call}")[0] == 403, call
        state = through.inspect(container_id)
        assert (state["State"]["Status"], state["ExecIDs"]) == ("running", None)


@pytest.mark.wall("broker_containers")
def test_deny_the_containers_of_others(broker: BrokerProcess, stranger: str, engine: Engine) -> None:
    attach = f"/v1.41/containers/{stranger}/attach?stdin=1&stdout=1&stderr=1&stream=1"
    assert ask(broker, "POST", attach)[0] == 403
    assert ask(broker, "DELETE", f"/v1.41/containers/{stranger}?v=True&link=False&force=True")[0] == 403
    assert ask(broker, "POST", f"/v1.41/containers/{stranger}/start")[0] == 403
    assert engine.inspect(stranger)["State"]["Status"] == "created"


@pytest.mark.wall("broker_lease")
def test_deny_starting_what_is_about_to_be_attached(broker: BrokerProcess, stranger: str) -> None:
    """While the broker asks the engine whose container it is, nobody knows."""
    attach = f"/v1.41/containers/{stranger}/attach?stdin=1&stdout=1&stderr=1&stream=1"
    statuses = set()
    with ThreadPoolExecutor(1) as executor:
        for _ in range(30):
            attaching = executor.submit(ask, broker, "POST", attach)
            while not attaching.done():
                statuses.add(ask(broker, "POST", f"/v1.41/containers/{stranger}/start")[0])
            assert attaching.result()[0] == 403
    assert statuses == {403}


@pytest.mark.wall("broker_containers")
def test_of_another_container_only_whether_it_runs_is_shown(through: Engine, stranger: str) -> None:
    assert through.inspect(stranger[:12]) == {"Id": stranger, "State": {"Running": False}}
    assert stranger not in {each.id for each in through.containers()}


@pytest.mark.wall("broker_lease")
def test_only_attached_containers_start(broker: BrokerProcess, through: Engine, options: dict[str, Any]) -> None:
    container_id = through.create(new_name(), options)
    try:
        assert ask(broker, "POST", f"/v1.41/containers/{container_id}/start")[0] == 403
    finally:
        through.remove(container_id)


def test_only_so_many_containers_are_attached(tmp_path: Path, options: dict[str, Any]) -> None:
    with BrokerProcess(tmp_path, BROKER_MOST_CONTAINERS="1") as broker, contextlib.closing(connect(broker)) as through:
        first, second = (through.create(new_name(), options) for _ in range(2))
        with contextlib.closing(through.attach(first)), pytest.raises(EngineError, match="no more"):
            through.attach(second)
        for container_id in (first, second):
            through.remove(container_id)
        assert eventually(lambda: _is_attachable(through, options), LAST_WORDS_SECONDS + 5)


def _is_attachable(through: Engine, options: dict[str, Any]) -> bool:
    container_id = through.create(new_name(), options)
    try:
        through.attach(container_id).close()
    except EngineError:
        return False
    finally:
        through.remove(container_id)
    return True


class KeepingEngine:
    """An engine that does not attach, but keeps the connection for another call, as HTTP allows."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "engine.sock"
        self.heard = b""
        self._server = socket.create_server(str(self.path), family=socket.AF_UNIX)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                with contextlib.closing(connection):
                    connection.settimeout(5)
                    if b"/attach" in connection.recv(65536):
                        connection.sendall(b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}")
                        while piece := connection.recv(65536):
                            self.heard += piece
                    else:
                        ours = json.dumps({"Config": {"Labels": {LABEL: "run"}}}).encode()
                        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + ours)

    def close(self) -> None:
        self._server.close()


@pytest.mark.wall("broker_attach")
def test_deny_calls_behind_an_attach_that_fails(tmp_path: Path) -> None:
    attach = f"POST /containers/{'0' * 64}/attach?stdin=1&stdout=1&stderr=1&stream=1 HTTP/1.1\r\n\r\n"
    with (
        contextlib.closing(KeepingEngine(tmp_path)) as engine,
        BrokerProcess(tmp_path, DOCKER_HOST=f"unix://{engine.path}") as broker,
        contextlib.closing(socket.socket(socket.AF_UNIX)) as connection,
    ):
        connection.settimeout(3)
        connection.connect(str(broker.path))
        connection.sendall((attach + "POST /containers/create HTTP/1.1\r\n\r\n").encode())
        answer = b""
        with contextlib.suppress(TimeoutError):
            while piece := connection.recv(65536):
                answer += piece
        assert engine.heard == b""
    assert answer.startswith(b"HTTP/1.1 409 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "request_text",
    [
        "POST /containers/create?name={name} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /containers/create?name={name} HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}",
        "POST /containers/create?name={name} HTTP/1.1\r\nContent-Length: 100000\r\n\r\n",
        "POST /containers/create?name={name} HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "GET /_ping HTTP/1.1\r\nContent-Length: 30\r\n\r\n" + "GET /containers/json HTTP/1.1\r\n",
        "GET /_ping HTTP/1.0\r\n\r\n",
        "GET  /_ping HTTP/1.1\r\n\r\n",
        "GET /_ping HTTP/1.1\r\nX: " + "x" * 20_000 + "\r\n\r\n",
        "nonsense\r\n\r\n",
    ],
)
def test_malformed_request_ends_the_connection(broker: BrokerProcess, request_text: str) -> None:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(10)
        connection.connect(str(broker.path))
        connection.sendall(request_text.format(name=new_name()).encode())
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_build_makes_the_brokers_own_image(broker: BrokerProcess, engine: Engine, through: Engine) -> None:
    name = f"smuggled-{uuid.uuid4()}"
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        content = b"FROM scratch\nLABEL smuggled=1\n"
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    before = engine.image_id(image_name())
    with contextlib.closing(Connection(broker)) as connection:
        connection.request("POST", f"/v1.41/build?t={name}&networkmode=host", context.getvalue())
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"")  # it is there already
    with contextlib.closing(BoundedClient(version="auto")) as client:
        made = client.images(name)
        if made:
            client.remove_image(name)
    assert made == []
    assert through.image_id(image_name()) == before


def test_info_has_only_what_the_service_reads(through: Engine, engine: Engine) -> None:
    info = through.info()
    assert info.keys() < engine.info().keys()
    assert not {name for name in info if "Proxy" in name or "Registry" in name}
    assert (through.directory(), through.api_version(), through.architecture()) == (
        engine.directory(),
        engine.api_version(),
        engine.architecture(),
    )


def test_engine_that_is_away_is_reported(tmp_path: Path) -> None:
    gone = {"DOCKER_HOST": f"unix://{tmp_path}/none"}
    with BrokerProcess(tmp_path, **gone) as broker, contextlib.closing(connect(broker)) as through:
        assert ask(broker, "GET", "/_ping")[0] == 502
        with pytest.raises(EngineError):
            through.ping()


def test_only_owner_and_group_may_use_the_brokers_socket(broker: BrokerProcess) -> None:
    assert os.stat(broker.path).st_mode & 0o777 == 0o660
