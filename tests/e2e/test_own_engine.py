"""A Docker Engine that is killed, pruned and loses its image while the service runs programs on it."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
import requests

from tests.engine import OwnEngine
from tests.service import ORIGIN, Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(480)]

RUNS = 20
NUMBERS = count()
FEW = 2
"""So few containers that there are moments without any while all are removed as fast as new ones are created."""

LINE_SECONDS = 20
RECOVERY_SECONDS = 120
STATUSES = "SELECT status, count(*) FROM executions_execution WHERE code = '{}' GROUP BY status"
CHARGED = "SELECT coalesce(sum(executions), 0) FROM apikeys_dailyuse"


@pytest.fixture(scope="module")
def engine() -> Iterator[OwnEngine]:
    with OwnEngine() as engine:
        yield engine


@pytest.fixture(scope="module")
def service(engine: OwnEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = {"POOL_SIZE": RUNS, "MAX_CONCURRENT": RUNS, "QUEUE_SECONDS": LINE_SECONDS}
    environment = {f"SANDBOX_{name}": str(value) for name, value in settings.items()}
    environment["TRUSTED_PROXY_COUNT"] = "1"
    with Service(tmp_path_factory.mktemp("service"), DOCKER_HOST=engine.url, **environment) as service:
        yield service


@pytest.fixture(autouse=True)
def _well(service: Service, engine: OwnEngine) -> Iterator[None]:
    """Start with all containers warm, and leave an engine that works even if the test fails."""
    assert_well(service, engine)
    yield
    if not engine.answers():
        engine.start()
    if not engine.docker("images", "-q"):
        engine.load_image()


@pytest.fixture
def with_few(service: Service) -> Iterator[Service]:
    """Return the service with few warm containers."""
    restart(service, FEW)
    yield service
    restart(service, RUNS)


def restart(service: Service, pool_size: int) -> None:
    service.stop()
    service.environment["SANDBOX_POOL_SIZE"] = str(pool_size)
    service.start()


def post(service: Service, code: str) -> requests.Response:
    """Run a program for a client at an address of its own: one address may not have all slots."""
    address = f"192.0.2.{next(NUMBERS) % 250}"
    headers = {"X-API-Key": service.api_key, "Origin": ORIGIN, "X-Forwarded-For": address}
    return requests.post(f"{service.url}/execute", json={"code": code, "timeout": 10}, headers=headers, timeout=60)


def assert_well(service: Service, engine: OwnEngine, warm: int = RUNS) -> None:
    """Wait until programs run and there are no containers but the warm ones."""

    def is_well() -> bool:
        is_full = service.is_healthy() and service.health()["pool"]["idle"] == warm
        return is_full and len(engine.containers()) == warm

    is_well_again = eventually(is_well, RECOVERY_SECONDS)
    assert is_well_again, (service.health(), engine.docker("ps", "-a"), service.log()[-3000:])


def assert_refused_at_once(service: Service) -> None:
    began = time.monotonic()
    response = post(service, "print('refused')")
    assert time.monotonic() - began < LINE_SECONDS / 2
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) >= 1


def test_a_killed_engine_loses_only_its_own_runs(service: Service, engine: OwnEngine) -> None:
    code = "import time; print(1, flush=True); time.sleep(9); print(2)"
    charged = service.query(CHARGED)
    with ThreadPoolExecutor(RUNS) as clients:
        answers = [clients.submit(post, service, code) for _ in range(RUNS)]
        all_run = eventually(lambda: service.health()["pool"]["in_use"] == RUNS, 30)
        assert all_run, (Counter(answer.result().text for answer in answers), service.log()[-3000:])
        engine.stop(signal.SIGKILL)
        killed = time.monotonic()
        assert {answer.result().status_code for answer in answers} == {503}
        took_seconds = time.monotonic() - killed
    assert service.query(STATUSES.format(code)) == [("internal_error", RUNS)]
    assert took_seconds < 9  # no request waited for its program to end
    assert service.query(CHARGED) == charged
    assert eventually(lambda: not service.is_healthy(), 60)
    assert_refused_at_once(service)
    assert service.health()["docker"] == "unreachable"
    engine.start()
    assert_well(service, engine)
    assert service.execute("print('ok')")["output"] == "ok\n"


def test_pruning_under_load_fails_no_request(service: Service, engine: OwnEngine) -> None:
    """Coolify prunes every night. This also removes containers that have not started yet; others replace them."""
    stopped = threading.Event()

    def run() -> Counter[tuple[int, str]]:
        counts: Counter[tuple[int, str]] = Counter()
        while not stopped.is_set():
            response = post(service, "print('ok')")
            counts[response.status_code, response.json().get("output", "")] += 1
        return counts

    with ThreadPoolExecutor(3) as clients:
        found = [clients.submit(run) for _ in range(3)]
        for _ in range(5):
            time.sleep(0.3)
            engine.docker("system", "prune", "-af")
        stopped.set()
        counts = sum((each.result() for each in found), Counter())
    assert set(counts) == {(200, "ok\n")}
    assert engine.image in engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}")
    assert service.is_healthy()


def test_programs_are_refused_while_the_image_is_missing(with_few: Service, engine: OwnEngine) -> None:
    service = with_few
    engine.docker("rmi", "-f", engine.image)
    assert service.execute("print('ok')")["output"] == "ok\n"  # only the image's tag is gone

    def is_gone() -> bool:
        engine.remove_containers()
        engine.docker("image", "prune", "-af")
        return not engine.docker("images", "-q")

    def is_refused() -> bool:
        """Return whether programs are refused and no container from before the image's removal is left."""
        is_left = engine.containers()
        return post(service, "print('refused')").status_code == 503 and not service.is_healthy() and not is_left

    assert eventually(is_gone, RECOVERY_SECONDS)
    assert eventually(is_refused, RECOVERY_SECONDS), (service.health(), engine.docker("ps", "-a"))
    assert_refused_at_once(service)
    assert service.health()["docker"] == "connected"
    assert not engine.docker("images", "-q")
    engine.load_image()
    assert_well(service, engine, FEW)
    assert service.execute("print('ok')")["output"] == "ok\n"
