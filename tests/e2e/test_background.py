"""Programs in the background, with real containers: answers, several web processes, restarts and crashes."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from executions.bounds import MOST_POLLS
from tests.service import Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(420)]

SLOW = "import time\ntime.sleep(1)\nprint('done')"
STATUSES = "SELECT status, count(*) FROM executions_execution GROUP BY status"
ADD = {
    "code": "def add(a, b):\n    return a + b\n\nx = input()\nprint(x)",
    "input_data": "Ada",
    "trace": True,
    "test_cases": [
        {"input": "add(5, 3)", "expected_output": "8", "points": 2},
        {"input": "add(5, 3)", "expected_output": "9", "hidden": True, "points": 1},
    ],
}


@dataclass(frozen=True)
class Server:
    """A server of the site, which holds a secret key."""

    key: str

    @classmethod
    def of(cls, service: Service) -> "Server":
        return cls(service.manage("create_key", "Server", "--kind", "secret").splitlines()[-1])

    def send(self, service: Service, path: str, body: dict[str, Any], **headers: str) -> requests.Response:
        return requests.post(f"{service.url}{path}", json=body, headers={"X-API-Key": self.key, **headers}, timeout=60)

    def submit(self, service: Service, **fields: Any) -> str:
        response = self.send(service, "/executions", fields)
        assert response.status_code == 202, response.text
        given: str = response.json()["id"]
        return given

    def get(self, service: Service, public_id: str, wait: int = 30) -> dict[str, Any]:
        url = f"{service.url}/executions/{public_id}?wait={wait}"
        response = requests.get(url, headers={"X-API-Key": self.key}, timeout=60)
        assert response.status_code == 200, response.text
        stored: dict[str, Any] = response.json()
        return stored


@pytest.fixture(scope="module")
def server(service: Service) -> Server:
    return Server.of(service)


def test_the_answer_is_that_of_execute(service: Service, server: Server) -> None:
    later = server.get(service, server.submit(service, **ADD))
    at_once = server.send(service, "/execute", ADD).json()
    vary = {"id", "execution_time", "cpu_time", "memory_peak_kb"}
    for answer in (later, at_once):
        for result in answer["test_results"]:
            vary_in_result = result.pop("execution_time")
            assert vary_in_result >= 0
    assert at_once["trace"]["steps"]
    assert {name: later[name] for name in at_once.keys() - vary} == {
        name: at_once[name] for name in at_once.keys() - vary
    }


def test_any_web_process_has_the_answer(service: Service, server: Server) -> None:
    other = service.sibling()
    other.environment["SANDBOX_SCIENCE_POOL_SIZE"] = "0"
    try:
        other.start()
        given = server.submit(service, code=SLOW)
        assert server.get(other, given)["output"] == "done\n"
    finally:
        other.stop()


def test_more_programs_than_slots_all_run(service: Service, server: Server) -> None:
    given = [server.submit(service, code=f"print({number})") for number in range(40)]
    assert [server.get(service, each)["output"] for each in given] == [f"{number}\n" for number in range(40)]


def test_waiting_requests_keep_nobody_out(service: Service, server: Server) -> None:
    given = server.submit(service, code="import time\ntime.sleep(8)", timeout=10)
    clients = MOST_POLLS + 10
    begun = threading.Barrier(clients + 1)

    def wait(_: int) -> str:
        begun.wait()
        status: str = server.get(service, given)["status"]
        return status

    with ThreadPoolExecutor(clients) as pool:
        statuses = pool.map(wait, range(clients))
        begun.wait()
        assert service.execute("print('at once')")["output"] == "at once\n"
        assert service.is_healthy()
    found = list(statuses)
    assert set(found) == {"success", "running"}
    assert found.count("success") <= MOST_POLLS


def test_a_request_is_repeated_after_its_connection_broke(service: Service, server: Server) -> None:
    body, header = {"code": SLOW}, {"Idempotency-Key": "8e03978e"}
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{service.url}/execute", json=body, headers={"X-API-Key": server.key, **header}, timeout=0.5)
    answers: list[requests.Response] = []

    def is_answered() -> bool:
        answers.append(server.send(service, "/execute", body, **header))
        return answers[-1].status_code == 200

    assert eventually(is_answered, 60)
    assert {each.status_code for each in answers[:-1]} <= {409}
    assert answers[-1].json()["output"] == "done\n"
    assert answers[-1].headers["Idempotent-Replayed"] == "true"
    assert server.send(service, "/execute", body, **header).content == answers[-1].content


def test_a_restart_leaves_an_honest_record_of_each(tmp_path: Path) -> None:
    with Service(tmp_path, SANDBOX_MAX_CONCURRENT="2", SANDBOX_POOL_SIZE="2") as service:
        server = Server.of(service)
        given = [server.submit(service, code=SLOW) for _ in range(30)]
        service.stop()
        statuses = dict(service.query(STATUSES))
        assert statuses.keys() == {"success", "refused"}
        assert sum(statuses.values()) == 30
        assert service.query("SELECT count(*) FROM executions_execution WHERE finished IS NULL") == [(0,)]
        service.start()
        assert server.get(service, given[0])["output"] == "done\n"
        assert server.get(service, given[-1])["error"].startswith("Nothing ran:")


def test_a_crash_leaves_an_honest_record_of_each(tmp_path: Path) -> None:
    with Service(tmp_path, SANDBOX_MAX_CONCURRENT="2", SANDBOX_POOL_SIZE="2") as service:
        server = Server.of(service)
        for _ in range(20):
            server.submit(service, code=SLOW)
        service.stop(signal.SIGKILL)
        service.start()
        assert eventually(lambda: "running" not in dict(service.query(STATUSES)), 120)
        statuses = dict(service.query(STATUSES))
        assert statuses.keys() <= {"success", "internal_error"}
        assert sum(statuses.values()) == 20
        assert statuses["internal_error"] >= 15
        assert server.get(service, server.submit(service, code=SLOW))["output"] == "done\n"
