"""The service's own image, built and run: the first start as documented, and an update under load."""

import json
import os
import re
import secrets
import shlex
import subprocess
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles

import pytest
import requests

from codeexec.capacity import MIB, Capacity
from executions.sandbox.engine.options import OWNER_LABEL
from executions.sandbox.profiles import Profile
from executions.sandbox.settings import MEMORY_BYTES
from tests.deployment import IMAGE, STOP_SECONDS, Deployment, broker_with, docker
from tests.servers import Redis
from tests.service import UNLIMITED, Service
from tests.test_compose import DEFAULTS
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000
API_KEY = secrets.token_urlsafe(32)
PROFILES = (Profile.PLAIN, Profile.SCIENCE)
CLIENTS = 3
GUIDE = (ROOT / "docs/coolify.md").read_text()
COMMANDS = [textwrap.dedent(block) for block in re.findall(r"^ *```sh\n(.*?)^ *```$", GUIDE, re.MULTILINE | re.DOTALL)]
PROMISED_SECONDS = 3
"""In which 95 % of a class have their answers."""
SMALL = Capacity.of(1, 796 * MIB)
"""What `auto` means on a server with one gigabyte, of which the system takes 128 MB and the service 100 MB."""
STOCK = SMALL.pool_size + SMALL.science_pool_size
SETTINGS = {
    f"SANDBOX_{name.upper()}": str(getattr(SMALL, name))
    for name in ("pool_size", "science_pool_size", "max_concurrent", "max_interactive", "queue_length")
}

PRINT_SETTINGS = "from django.conf import settings as s; print(s.TRUSTED_PROXY_COUNT, s.HTTPS)"
PRINT_STATUSES = (
    "from executions.models import Execution;print(*set(Execution.objects.values_list('status', flat=True)))"
)


@pytest.fixture(scope="module", autouse=True)
def image() -> None:
    """Build the image. Unchanged layers come from the engine's cache, which `make test` has filled."""
    subprocess.run([ROOT / "scripts/service-image", IMAGE], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def volume() -> Iterator[str]:
    name = docker("volume", "create")
    yield name
    docker("volume", "rm", name)


@pytest.fixture(scope="module")
def started(volume: str, image: None) -> Iterator[Deployment]:
    """Return a container that was started with an empty volume."""
    with Deployment(API_KEY, volume, **UNLIMITED, **SETTINGS) as deployment:
        deployment.wait_until_healthy()
        yield deployment


@pytest.fixture
def first(started: Deployment) -> Deployment:
    """Return the same container, and start it again if another test has stopped it."""
    if not started.state()["Running"]:
        started.start()
    return started


def memory_megabytes(*containers: str) -> list[float]:
    """Return the memory that `docker stats` reports for each container."""
    units = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
    lines = docker("stats", "--no-stream", "--format={{.Container}} {{.MemUsage}}", *containers).splitlines()
    used = {line.split()[0]: line.split()[1] for line in lines}
    return [float(used[each][:-3]) * units[used[each][-3:]] / MEGABYTE for each in containers]


def pool_of(deployment: Deployment) -> dict[str, str]:
    """Return the profile of each running container that the deployment owns, by container ID."""
    shown = f'{{{{.ID}}}} {{{{.Label "{OWNER_LABEL}"}}}} {{{{.Command}}}}'
    lines = docker("ps", "--no-trunc", f"--format={shown}", f"--filter=label={OWNER_LABEL}").splitlines()
    owned = [line.split() for line in lines if f"@{deployment.host_name} " in line]
    return {container: command[-1].strip('"') for container, _, *command in owned}


def is_at_rest(deployment: Deployment) -> bool:
    """Return whether the pool is full and no program is running or waiting."""
    at_rest = {"idle": STOCK, "in_use": 0, "waiting": 0}
    health = requests.get(f"{deployment.url}/health", timeout=10).json()
    return health["pool"] == at_rest and len(pool_of(deployment)) == STOCK


def test_the_image_is_small_and_contains_no_secret() -> None:
    [image] = json.loads(docker("image", "inspect", IMAGE))
    assert image["Size"] < 250 * MEGABYTE
    assert not [entry for entry in image["Config"]["Env"] if "KEY" in entry]
    assert not image["Config"]["Volumes"]


def test_the_two_documented_settings_are_enough(first: Deployment) -> None:
    answer = first.post("print(input())", input_data="ok")
    assert answer.status_code == 200, answer.text
    assert answer.json()["output"] == "ok\n"
    assert "API_KEY of the environment" in first.manage("list_keys")


def test_every_line_of_the_containers_log_is_json(first: Deployment) -> None:
    first.stop()
    first.start()
    lines = [json.loads(line) for line in docker("logs", first.id).splitlines()]
    assert "stopping" in {line["event"].partition(":")[0] for line in lines}
    assert [line for line in lines if line.get("request") == "GET /health"] == []


def test_the_service_runs_unprivileged_and_without_capabilities(first: Deployment) -> None:
    status = docker("exec", first.id, "cat", "/proc/1/status")
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert set(lines["Uid"].split()) == {"10001"}
    assert lines["NoNewPrivs"] == "1"
    assert {lines[name].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {""}


def test_the_service_fits_a_server_with_one_gigabyte(first: Deployment) -> None:
    """Idle, it takes less than 400 MB. All that may run at once fits, too, with the stock that callers in line want."""
    assert eventually(lambda: is_at_rest(first), 240), (pool_of(first), docker("logs", first.id)[-3000:])
    pool = pool_of(first)
    service, *used = memory_megabytes(first.id, *pool)
    plain, science = ([size for size, own in zip(used, pool.values(), strict=True) if own == each] for each in PROFILES)
    figures = f"service {service:.0f} MB, plain containers {plain}, with packages {science}"
    print(figures)
    assert (len(plain), len(science)) == (SMALL.pool_size, SMALL.science_pool_size)
    at_rest = service + sum(plain) + sum(science)
    assert at_rest < 400, figures
    more = sum(max(0, SMALL.max_concurrent - len(sizes)) * max(sizes) for sizes in (plain, science))
    programs = (SMALL.max_concurrent + SMALL.max_interactive) * MEMORY_BYTES / MEGABYTE
    assert at_rest + more + programs < 2**30 / MEGABYTE, figures


def test_coolifys_variables_set_proxy_count_and_https(volume: str) -> None:
    with Deployment(API_KEY, volume, COOLIFY_URL="https://code.pylearn.net") as deployment:
        printed = deployment.manage("shell", "--verbosity=0", "-c", PRINT_SETTINGS)
        assert printed == "1 True"


def test_every_command_of_the_guide_works(first: Deployment, tmp_path: Path) -> None:
    """The commands for the server's shell, in order; the application stops and starts where the guide says so."""
    find, *others = COMMANDS[1:]
    label = find.splitlines()[0]
    assert label.startswith("CONTAINER=")
    assert first.host_name in docker("ps", "--quiet", "--filter=label=net.pylearn.service=code-execution").split()
    run_shell(COMMANDS[0], first, tmp_path)
    run_shell("\n".join(find.splitlines()[1:]), first, tmp_path)
    kept = ""
    for block in others:
        if "cat >/data/db.sqlite3" in block:
            first.manage("create_key", "later", "--kind", "secret")
            first.stop()
            run_shell(kept + block, first, tmp_path)
            first.start()
            assert "later" not in first.manage("list_keys")
            continue
        run_shell(kept + block, first, tmp_path)
        kept += block if "VOLUME=" in block else ""
    assert first.post("print('ok')").json()["output"] == "ok\n"
    backups = tmp_path / "code-backups"
    assert backups.stat().st_mode & 0o777 == 0o700
    assert {path.name.partition("-")[0]: path.stat().st_mode & 0o777 for path in backups.iterdir()} == {
        "db": 0o600,
        "env": 0o600,
    }
    assert "backup" not in docker("exec", first.id, "ls", "/data")  # it would outlive the learners' data


def run_shell(block: str, deployment: Deployment, directory: Path) -> None:
    """Run commands as a person on the server would, up to the first that fails."""
    given = {**os.environ, "CONTAINER": deployment.id, "HOME": str(directory)}
    done = subprocess.run(["sh", "-eux"], input=block, cwd=directory, env=given, capture_output=True, text=True)
    assert done.returncode == 0, (block, done.stdout, done.stderr)


def test_an_update_under_load_loses_nothing(first: Deployment, volume: str) -> None:
    """The proxy sends requests to healthy containers and notices a change a moment later, as Coolify's does."""
    secret = docker("exec", first.id, "cat", "/data/env")
    routes = [first]
    stopping = threading.Event()
    answers: list[int] = []

    def client(number: int) -> None:
        sent = 0
        while not stopping.is_set():
            server = routes[(number + sent) % len(routes)]
            try:
                answers.append(server.post("import time; time.sleep(0.5)").status_code)
            except OSError:
                answers.append(0)
            sent += 1

    def proxy(*servers: Deployment) -> None:
        while not stopping.is_set():
            routes[:] = [server for server in servers if server.is_healthy()] or routes
            time.sleep(0.2)

    with Deployment(API_KEY, volume, **UNLIMITED) as second:
        threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
        threads.append(threading.Thread(target=proxy, args=(first, second)))
        for thread in threads:
            thread.start()
        try:
            second.wait_until_healthy()
            before = len(answers)
            began = time.monotonic()
            docker("stop", f"--time={STOP_SECONDS}", first.id)
            took = time.monotonic() - began
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
        assert set(answers) == {200}, answers
        assert len(answers) > before > 0
        assert took < STOP_SECONDS - 5
        assert first.state()["ExitCode"] == 0
        assert not pool_of(first)
        assert docker("exec", second.id, "cat", "/data/env") == secret
        rows = second.manage("shell", "--verbosity=0", "-c", PRINT_STATUSES)
        assert rows.split() == ["success"]


ATTEMPT = """
import os, sys, uuid
from docker import APIClient
from docker.errors import APIError
client = APIClient(base_url=os.environ["DOCKER_HOST"], version="auto")
for host_config in ({"Binds": ["/:/host"]}, {"Privileged": True}, {"NetworkMode": "host"}):
    try:
        options = {"Image": sys.argv[1], "HostConfig": host_config}
        client.create_container_from_config(options, f"code_exec_{uuid.uuid4()}")
        print("created")
    except APIError as error:
        print(error.status_code)
"""


def test_behind_the_broker_the_service_works_and_has_no_docker_socket() -> None:
    volume, data = docker("volume", "create"), docker("volume", "create")
    settings = {**UNLIMITED, **SETTINGS}
    try:
        with broker_with(volume) as broker, Deployment(API_KEY, data, volume, **settings) as deployment:
            deployment.wait_until_healthy()
            deployment.stop()
            deployment.start()  # with a directory of data that is no longer root's
            answer = deployment.post("print(input())", input_data="ok")
            assert answer.json().get("output") == "ok\n", (answer.text, docker("logs", broker))
            assert "socket" in deployment.manage("doctor")
            with pytest.raises(subprocess.CalledProcessError):
                docker("exec", deployment.id, "ls", "/var/run/docker.sock")
            attempt = ("/app/container/entrypoint", "python", "-c", ATTEMPT, IMAGE)
            assert docker("exec", deployment.id, *attempt).split() == ["403"] * 3
            status = dict(
                line.split(":\t", 1)
                for line in docker("exec", broker, "cat", "/proc/1/status").splitlines()
                if "\t" in line
            )
            assert status["Uid"].split() == ["10002"] * 4
            assert {status[name].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {""}
            assert status["NoNewPrivs"] == "1"
            limit = int(docker("inspect", "--format={{.HostConfig.Memory}}", broker))
            assert memory_megabytes(broker)[0] < 0.9 * limit / MEGABYTE
    finally:
        docker("volume", "rm", volume, data)


def test_a_class_that_presses_run_at_once_is_answered_with_the_defaults_of_compose() -> None:
    """One program runs at a time, for want of memory. In a line of 16, some of thirty callers found no place."""
    volume, data = docker("volume", "create"), docker("volume", "create")
    try:
        with broker_with(volume), Deployment(API_KEY, data, volume, **DEFAULTS) as deployment:
            deployment.wait_until_healthy()
            seconds: list[float] = []

            def press(number: int) -> tuple[int, str]:
                began = time.monotonic()
                answer = deployment.post(f"print({number})", learner=f"pupil {number}")
                seconds.append(time.monotonic() - began)
                return answer.status_code, answer.json().get("output", answer.text)

            with ThreadPoolExecutor(30) as clients:
                answers = list(clients.map(press, range(30)))
            late = quantiles(seconds, n=20)[-1]
            print(f"answered within {max(seconds):.1f} s, 95 % within {late:.1f} s")
            assert answers == [(200, f"{number}\n") for number in range(30)]
            assert late < PROMISED_SECONDS
    finally:
        docker("volume", "rm", volume, data)


def test_worker_starts_with_the_documented_command_and_runs_programs(redis: Redis, tmp_path: Path) -> None:
    [command] = re.findall(r"^docker run .*?(?=^```)", (ROOT / "docs/scale.md").read_text(), re.MULTILINE | re.DOTALL)
    program, *arguments = shlex.split(
        command.replace("\\\n", " ")
        .replace("redis://:PASSWORD@10.0.0.1:6379/0", redis.url)
        .replace("--name worker", "--network host")
    )
    assert program == "docker"
    worker = docker(*arguments)
    try:
        with Service(tmp_path, EXECUTOR="celery", REDIS_URL=redis.url) as web:  # waits until programs can run
            assert web.execute("print(input())", input_data="Ada")["output"] == "Ada\n"
        started = time.monotonic()
        docker("stop", worker)
        assert time.monotonic() - started < STOP_SECONDS
        assert docker("inspect", "--format={{.State.ExitCode}}", worker) == "0", docker("logs", worker)
    finally:
        docker("rm", "--force", worker)
