"""Each alert of docs/monitoring fires under the fault that it is for, and no other alert does."""

import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import requests

from executions.records.servers import LIFE_SECONDS
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import OWNER_LABEL, SANDBOX_LABEL, container_options
from tests.e2e import test_cluster
from tests.fake_engine import FakeEngine, Fault, How
from tests.promtool import Scrape, alerts, firing
from tests.servers import PostgreSQL, Redis
from tests.service import ORIGIN, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(420)]

PROVED: dict[str, str] = {
    "CodeExecutionAway": "test_unreachable_service_raises_away",
    "CodeExecutionNotReady": "test_missing_redis_or_postgresql_raises_not_ready",
    "CodeExecutionRunsLost": "test_crash_while_programs_run_raises_runs_lost",
    "CodeExecutionUnavailable": "test_missing_redis_or_postgresql_raises_not_ready",
    "CodeExecutionRefusing": "test_too_few_containers_raise_refusing",
    "CodeExecutionSlowToStart": "test_long_line_raises_slow_to_start",
    "CodeExecutionEngineFails": "test_failing_engine_raises_engine_fails",
    "CodeExecutionLeftovers": "test_containers_that_do_not_stop_raise_leftovers",
    "CodeExecutionKeysTried": "test_guessed_keys_raise_keys_tried",
    "CodeExecutionLimited": "test_site_at_its_limit_raises_limited",
    "CodeExecutionShutOut": "test_class_that_is_shut_out_raises_shut_out",
    "CodeExecutionWorkerLost": "test_killed_worker_loses_what_it_ran_and_nothing_else",
    "CodeExecutionWorkerNotReady": "test_killed_engine_loses_what_ran_on_it_and_nothing_else",
    "CodeExecutionWorkersBusy": "test_workers_whose_slots_are_all_in_use_have_a_load_above_one",
    "CodeExecutionGrows": "test_service_near_its_memory_limit_raises_grows",
}
ONE = {"SANDBOX_POOL_SIZE": "1", "SANDBOX_MAX_CONCURRENT": "1"}

Start = Callable[..., Service]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts the test's service with its settings, and waits until its containers are ready."""
    services = []

    def start_service(**settings: str) -> Service:
        service = Service(tmp_path, METRICS_ALLOWED_IPS="127.0.0.1", **settings)
        services.append(service)
        service.migrate()
        service.start()
        warm(service)
        return service

    yield start_service
    for service in services:
        service.stop()


def warm(service: Service) -> None:
    """Wait until the service's containers are ready, and use one."""
    assert eventually(lambda: service.health()["pool"]["idle"] >= 1, 120)
    service.execute("print(1)")
    assert eventually(lambda: service.health()["pool"]["idle"] >= 1, 120)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("service"), METRICS_ALLOWED_IPS="127.0.0.1") as service:
        yield service


@pytest.fixture
def service(lasting: Service) -> Service:
    """Return the service that is shared by the tests after which it works, with its containers ready."""
    if lasting.process is None:
        lasting.start()
    warm(lasting)
    return lasting


def post_at_once(service: Service, count: int, seconds: float) -> list[int]:
    """Send programs that sleep; return the statuses."""
    headers = {"X-API-Key": service.api_key, "Origin": ORIGIN}
    body = {"code": f"import time; time.sleep({seconds})"}

    def post(_: int) -> int:
        return requests.post(f"{service.url}/execute", json=body, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(count) as clients:
        return list(clients.map(post, range(count)))


def test_each_alert_has_its_fault() -> None:
    assert set(PROVED) == {rule["alert"] for rule in alerts()}
    assert set(PROVED.values()) <= globals().keys() | vars(test_cluster).keys()


def test_a_service_that_works_and_one_that_is_restarted_raise_no_alert(service: Service) -> None:
    before = Scrape.of(service.url)
    service.execute("print(2)")
    assert service.execute("1/0")["status"] == "error"
    assert firing(before, Scrape.of(service.url)) == set()
    service.stop()
    service.start()
    assert firing(before, Scrape.of(service.url)) == set()


def test_unreachable_service_raises_away(service: Service) -> None:
    before = Scrape.of(service.url)
    service.stop()
    with pytest.raises(requests.ConnectionError):
        Scrape.of(service.url)
    assert firing(before, Scrape.of_nothing()) == {"CodeExecutionAway"}


@pytest.mark.parametrize("part", ["redis", "postgresql"])
def test_missing_redis_or_postgresql_raises_not_ready(
    start: Start, redis: Redis, postgresql: PostgreSQL, part: str
) -> None:
    service = start(REDIS_URL=redis.url, DATABASE_URL=postgresql.url, SANDBOX_POOL_SIZE="1")
    before = Scrape.of(service.url)
    server = redis if part == "redis" else postgresql
    server.stop()
    try:
        assert [service.post("print(1)").status_code for _ in range(2)] == [503, 503]
        assert eventually(lambda: not service.is_healthy(), 60)
        during = Scrape.of(service.url)
    finally:
        server.start()
    assert firing(before, during) == {"CodeExecutionNotReady", "CodeExecutionUnavailable"}


def test_crash_while_programs_run_raises_runs_lost(start: Start) -> None:
    """gunicorn starts another worker, which closes the execution of the one that was killed."""
    service = start(SANDBOX_POOL_SIZE="1")
    before = Scrape.of(service.url)
    with ThreadPoolExecutor(1) as clients:
        lost = clients.submit(post_at_once, service, 1, 5)
        assert eventually(lambda: service.health()["pool"]["in_use"] == 1, 20)
        subprocess.run(["kill", "-KILL", str(service.worker_pid())], check=True)
        with pytest.raises(requests.ConnectionError):
            lost.result()
    [lost_runs] = [name for name in before.values if 'status="internal_error"' in name]
    assert eventually(service.is_healthy, 120)
    assert eventually(lambda: Scrape.of(service.url).values[lost_runs] == 1, 3 * LIFE_SECONDS)
    assert firing(before, Scrape.of(service.url)) == {"CodeExecutionRunsLost"}


def test_too_few_containers_raise_refusing(start: Start) -> None:
    service = start(**ONE, SANDBOX_QUEUE_LENGTH="0")
    before = Scrape.of(service.url)
    assert sorted(post_at_once(service, 3, 1)) == [200, 503, 503]
    assert firing(before, Scrape.of(service.url)) == {"CodeExecutionRefusing"}


def test_long_line_raises_slow_to_start(start: Start) -> None:
    service = start(**ONE)
    before = Scrape.of(service.url)
    assert post_at_once(service, 3, 2) == [200] * 3
    assert firing(before, Scrape.of(service.url)) == {"CodeExecutionSlowToStart"}


def test_failing_engine_raises_engine_fails(start: Start, tmp_path: Path) -> None:
    with FakeEngine(tmp_path) as fake:
        service = start(DOCKER_HOST=fake.url, SANDBOX_POOL_SIZE="1")
        before = Scrape.of(service.url)
        fake.plan(Fault("create", How.ERROR))
        while len(post_at_once(service, 2, 0)) and fake.fired("create") < 10:
            time.sleep(0.2)
        assert eventually(lambda: not service.is_healthy(), 60)
        alarms = firing(before, Scrape.of(service.url))
        assert {"CodeExecutionEngineFails", "CodeExecutionNotReady"} <= alarms
        assert alarms <= {"CodeExecutionEngineFails", "CodeExecutionNotReady", "CodeExecutionRefusing"}


def test_containers_that_do_not_stop_raise_leftovers(service: Service) -> None:
    before = Scrape.of(service.url)
    with closing(Engine()) as engine:
        pid = service.worker_pid()
        label = next(each.labels for each in engine.containers() if each.labels[OWNER_LABEL].startswith(f"{pid}-"))
        image = engine.image_id(image_name())
        options = container_options(image, label[OWNER_LABEL], sandbox_id=label[SANDBOX_LABEL])
        for _ in range(21):
            engine.create(f"code_exec_{uuid.uuid4()}", options)
    [strays] = [name for name in before.values if name.startswith("codeexec_strays_removed_total")]
    assert eventually(lambda: Scrape.of(service.url).values[strays] >= before.values[strays] + 21, 120)
    assert firing(before, Scrape.of(service.url)) == {"CodeExecutionLeftovers"}


def test_guessed_keys_raise_keys_tried(service: Service) -> None:
    before = Scrape.of(service.url)
    for number in range(70):  # more than one a second, if it was in a minute
        headers = {"X-API-Key": f"guess {number}", "Origin": ORIGIN}
        assert requests.post(f"{service.url}/execute", json={}, headers=headers, timeout=10).status_code == 403
    assert firing(before, Scrape.of(service.url)) == {"CodeExecutionKeysTried"}


def test_site_at_its_limit_raises_limited(start: Start) -> None:
    service = start(DEFAULT_RATE="5/h", DEFAULT_ADDRESS_RATE="5/h")
    before = Scrape.of(service.url)
    assert [service.post("print(1)").status_code for _ in range(6)][-2:] == [429, 429]
    assert firing(before, Scrape.of(service.url)) == {"CodeExecutionLimited"}


def test_class_that_is_shut_out_raises_shut_out(start: Start) -> None:
    service = start(SANDBOX_POOL_SIZE="1")
    before = Scrape.of(service.url)
    make = "from apikeys.models import Suspension; Suspension.objects.create(address='127.0.0.1', reason='a mistake')"
    service.manage("shell", "--verbosity=0", "-c", make)
    assert [service.post("print(1)").status_code for _ in range(2)] == [403, 403]
    assert firing(before, Scrape.of(service.url)) == {"CodeExecutionShutOut"}


def test_service_near_its_memory_limit_raises_grows(start: Start) -> None:
    """The process moves to a cgroup with a limit. What it has in memory remains charged to the former one."""
    cgroups = Path("/sys/fs/cgroup")
    hierarchy, limit = (cgroups, "memory.max")
    if (cgroups / "memory").exists():
        hierarchy, limit = cgroups / "memory", "memory.limit_in_bytes"
    service = start(SANDBOX_POOL_SIZE="1")
    before = Scrape.of(service.url)
    [resident] = [value for name, value in before.values.items() if name.startswith("process_resident_memory")]
    own = hierarchy / f"test_alerts_{uuid.uuid4().hex}"
    own.mkdir()
    try:
        (own / limit).write_text(str(int(resident / 0.85)))
        (own / "cgroup.procs").write_text(str(service.worker_pid()))
        assert firing(before, Scrape.of(service.url)) == {"CodeExecutionGrows"}
    finally:
        service.stop()
        own.rmdir()
