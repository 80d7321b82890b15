"""Two web processes without an engine, two workers with one each: what one machine promises holds for several."""

import base64
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
import requests

from benchmarks.soak.programs import honest
from benchmarks.soak.restarts import faults, run_course, show
from benchmarks.soak.witness import Witness
from executions.cluster.messages import WorkerState
from executions.sandbox.sandbox import SandboxHealth
from tests.e2e.event_source import EventSource
from tests.e2e.test_background import Server
from tests.e2e.test_faults import containers_of
from tests.promtool import Scrape, firing
from tests.servers import PostgreSQL, Redis
from tests.service import ORIGIN, Service
from tests.small_cluster import READY_SECONDS, Cluster, small_cluster
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.server, pytest.mark.timeout(600)]

DIFFERENT = {"id", "execution_time", "cpu_time", "memory_peak_kb", "waited_seconds"}
LISTEN = "0A"
"""A state of a socket in /proc/net/tcp."""

GREETING = "name = input('Who? ')\nprint('Hello', name)"
STARTED = ("events", "--since=10m", "--until=0s", "--filter=event=start", "--format={{.Actor.Attributes.name}}")
"""Arguments of the docker client that list the containers that an engine has started of late."""

CONTAINERS = "SELECT DISTINCT container FROM executions_execution WHERE code LIKE '%{}%'"
LOST = 0
"""In place of a status: the connection ended without an answer."""


@pytest.fixture(scope="module")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("cluster")
    with small_cluster(
        directory,
        run_worker="tests.run_worker",
        METRICS_ALLOWED_IPS="127.0.0.1",
        SANDBOX_REUSE="always",  # these tests are not about containers
    ) as cluster:
        yield cluster


@pytest.fixture
def cluster(running_cluster: Cluster) -> Cluster:
    """Return the cluster with all of its processes running, whatever an earlier test has done to them."""
    if not running_cluster.engine.answers():
        running_cluster.engine.start()
    for worker in running_cluster.workers:
        if worker.process is None:
            worker.start()
    running_cluster.await_workers(2)
    return running_cluster


def test_workers_run_programs_with_tests_errors_and_images(cluster: Cluster) -> None:
    assert cluster.web.execute("print(input())", input_data="Ada")["output"] == "Ada\n"
    answer = cluster.web.execute("1 / 0")
    assert (answer["status"], answer["error_detail"]["type"], answer["error_detail"]["line"]) == (
        "error",
        "ZeroDivisionError",
        1,
    )
    cases = [{"input": "add(1, 2)", "expected_output": "3"}, {"input": "add(1, 2)", "expected_output": "4"}]
    answer = cluster.web.execute("def add(a, b):\n    return a + b", test_cases=cases)
    assert [result["passed"] for result in answer["test_results"]] == [True, False]
    answer = cluster.web.execute("x = 1\nprint(x)", trace=True, test_cases=[{"uses": ["print"], "avoids": ["for"]}])
    assert answer["test_results"][0]["passed"]
    assert [step["line"] for step in answer["trace"]["steps"]] == [1, 2, 2]
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    assert len(cluster.web.execute(plot, timeout=10)["images"]) == 1
    answer = cluster.web.execute("open('out.bin', 'wb').write(bytes(1024 * 1024))", collect=["out.bin", "gone"])
    assert [base64.b64decode(file["base64"]) for file in answer["files"]] == [bytes(1024 * 1024)]
    assert answer["not_collected"] == [{"name": "gone", "reason": "missing"}]
    assert cluster.web.execute("while True: pass", timeout=1)["status"] == "timeout"
    assert cluster.web.execute("print('x' * 200_000)")["truncated"]


@pytest.mark.parametrize("seed", range(12))
def test_answers_are_those_of_a_single_service(cluster: Cluster, service: Service, seed: int) -> None:
    program = honest(random.Random(seed))
    answers = [each.execute(**program.body) for each in (cluster.front, service)]
    assert [program.mistake(answer) for answer in answers] == ["", ""]
    clustered, single = map(stable, answers)
    assert clustered == single


def stable(answer: Any) -> Any:
    """Return what does not differ from one run of a program to another."""
    if isinstance(answer, dict):
        return {name: stable(value) for name, value in answer.items() if name not in DIFFERENT}
    return [stable(each) for each in answer] if isinstance(answer, list) else answer


def test_workers_listen_on_no_port(cluster: Cluster) -> None:
    for worker in cluster.workers:
        assert worker.process is not None
        links = [str(each.readlink()) for each in Path(f"/proc/{worker.process.pid}/fd").iterdir()]
        sockets = {link[8:-1] for link in links if link.startswith("socket:")}
        tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
        listening = {line.split()[9] for lines in tables for line in lines if line.split()[3] == LISTEN}
        assert listening
        assert not sockets & listening


@pytest.mark.parametrize("has_other_key", [False, True])
def test_one_learners_many_programs_keep_no_other_waiting(cluster: Cluster, has_other_key: bool) -> None:
    """They have all slots of both workers that one caller may have, and the rest are in line."""

    def other() -> str:
        if not has_other_key:
            return str(cluster.front.execute("print(1)", learner="bob")["output"])
        return str(Server.of(cluster.web).send(cluster.front, "/execute", {"code": "print(1)"}).json()["output"])

    with ThreadPoolExecutor(24) as clients:
        code = "import time\ntime.sleep(2)"
        flood = [clients.submit(cluster.front.post, code, learner="ada") for _ in range(24)]
        assert eventually(lambda: _in_use(cluster) >= 6, 30)
        assert other() == "1\n"
        assert sum(not answer.done() for answer in flood) >= 8
        assert {answer.result().status_code for answer in flood} == {200}


def test_both_workers_get_programs_from_both_web_processes(cluster: Cluster) -> None:
    def run(number: int) -> str:
        web = (cluster.web, cluster.other_web)[number % 2]
        output: str = web.execute(f"import time\ntime.sleep(0.2)\nprint({number})")["output"]
        return output

    with ThreadPoolExecutor(16) as clients:
        assert list(clients.map(run, range(48))) == [f"{number}\n" for number in range(48)]
    assert eventually(lambda: cluster.web.health()["pool"]["idle"] > 4, 30)  # more than one worker keeps
    names = {name for (name,) in cluster.postgresql.sql(CONTAINERS.format("sleep(0.2)"))}
    assert names & set(cluster.engine.docker(*STARTED).split())


def test_any_web_process_answers_for_programs_in_the_background(cluster: Cluster) -> None:
    server = Server.of(cluster.web)
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    programs: list[dict[str, Any]] = [
        {"code": "print(1)", "trace": True, "learner": "ada"},
        {"code": plot, "timeout": 10},
        {"code": ""},
    ]
    body, header = {"executions": programs}, {"Idempotency-Key": "mine"}
    accepted = server.send(cluster.web, "/executions/batch", body, **header)
    printed, plotted, refused = accepted.json()["executions"]
    assert refused["error"]["code"] == "invalid"
    assert server.send(cluster.other_web, "/executions/batch", body, **header).content == accepted.content
    answer = server.get(cluster.other_web, printed["id"])
    assert (answer["output"], answer["learner"]) == ("1\n", "ada")
    assert [step["line"] for step in answer["trace"]["steps"]] == [1, 1]
    assert len(server.get(cluster.other_web, plotted["id"])["images"]) == 1
    changed = server.send(cluster.other_web, "/executions/batch", {"executions": programs[:1]}, **header)
    assert changed.status_code == 422
    once = {"Idempotency-Key": "other"}
    first = server.send(cluster.web, "/execute", programs[0], **once).json()
    again = server.send(cluster.other_web, "/execute", programs[0], **once)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first


def test_health_counts_the_workers_and_fails_without_one(cluster: Cluster) -> None:
    health = cluster.web.health()
    assert health["status"] == "healthy", health
    cluster.workers[0].stop()
    assert cluster.web.execute("print(1)")["output"] == "1\n"
    cluster.workers[1].stop()
    assert eventually(lambda: cluster.web.health()["status"] == "unhealthy", READY_SECONDS)
    assert cluster.web.post("print(1)").status_code == 503


def of_workers(web: Service) -> Scrape:
    """Return what a web process tells Prometheus about the workers."""
    return Scrape.of(web.url).about("codeexec_worker")


def load_of(web: Service) -> float:
    """Return how many programs run or wait for each slot, as a web process tells Prometheus."""
    [value] = [value for name, value in of_workers(web).values.items() if name.startswith("codeexec_workers_load")]
    return value


def test_workers_whose_slots_are_all_in_use_have_a_load_above_one(cluster: Cluster) -> None:
    before, scrapes = of_workers(cluster.web), [of_workers(cluster.web)]

    def load() -> float:
        scrapes.append(of_workers(cluster.web))
        [value] = [value for name, value in scrapes[-1].values.items() if name.startswith("codeexec_workers_load")]
        return value

    with ThreadPoolExecutor(14) as clients:
        answers = [clients.submit(cluster.web.execute, "import time\ntime.sleep(4)") for _ in range(14)]
        assert eventually(lambda: load() > 1, 30)
        assert sum(each["slots"] for each in cluster.web.health()["workers"]) == 8
        assert [answer.result()["status"] for answer in answers] == ["success"] * 14
    assert firing(before, scrapes[-1]) == {"CodeExecutionWorkersBusy"}
    assert eventually(lambda: load() == 0, 30)


def test_doctor_finds_no_fault(cluster: Cluster) -> None:
    lines = cluster.web.manage("doctor").splitlines()
    assert {"ok       Redis", "ok       broker", "ok       workers", "ok       threads"} <= set(lines)
    assert sum(line.startswith("ok       worker ") for line in lines) == 2


def test_proxy_passes_on_output_and_input_at_once(cluster: Cluster) -> None:
    for _ in range(3):  # input may come to the other web process
        with EventSource(cluster.front, GREETING, interactive=True) as stream:
            assert stream.printed_until("input") == "Who? "
            assert stream.answer("Ada") == 204
            assert stream.until("result").data["output"] == "Who? Hello Ada\n"


def test_output_comes_while_the_program_runs(cluster: Cluster) -> None:
    code = "import sys, time\nfor _ in range(5):\n    sys.stdout.write(str(time.time()))\n    time.sleep(0.5)"
    for web in (cluster.web, cluster.front):
        with EventSource(web, code) as stream:
            events = list(stream)
        late = [event.came - float(event.data["text"]) for event in events if event.name == "stdout"]
        assert len(late) == 5
        assert max(late) < 0.5  # before the next time is printed
        assert min(late[1:]) < 0.15  # a busy machine may keep some waiting, and a proxy must not keep all


def test_strokes_come_while_the_program_runs(cluster: Cluster) -> None:
    code = "import time, turtle\nturtle.forward(100)\ntime.sleep(1)\nprint(time.time())"
    with EventSource(cluster.web, code) as stream:
        drawing, printed = stream.until("drawing"), stream.until("stdout")
        assert drawing.came < float(printed.data["text"])
        assert drawing.data["strokes"][1]["points"] == [400, 300, 500, 300]
        assert len(stream.until("result").data["images"]) == 1


def test_learner_has_two_interactive_programs_in_all_web_processes(cluster: Cluster) -> None:
    with ExitStack() as streams:
        for web in (cluster.web, cluster.other_web):
            stream = streams.enter_context(EventSource(web, GREETING, interactive=True, learner="ada"))
            stream.until("input")
        for web in (cluster.web, cluster.other_web):
            body = {"code": GREETING, "interactive": True, "learner": "ada"}
            headers = {"X-API-Key": web.api_key, "Origin": ORIGIN, "Accept": "text/event-stream"}
            refused = requests.post(f"{web.url}/execute", json=body, headers=headers, timeout=60)
            assert (refused.status_code, refused.json()["code"]) == (429, "interactive_limited")


@pytest.mark.parametrize("is_through_other_web", [False, True])
def test_input_reaches_a_program_through_either_web_process(cluster: Cluster, is_through_other_web: bool) -> None:
    with EventSource(cluster.web, GREETING, interactive=True) as stream:
        assert stream.printed_until("input") == "Who? "
        assert stream.answer("Ada", cluster.other_web if is_through_other_web else cluster.web) == 204
        assert stream.until("result").data["output"] == "Who? Hello Ada\n"


def test_an_address_without_a_place_gets_one_of_those_that_wait(cluster: Cluster) -> None:
    places = int(cluster.web.environment["SANDBOX_MAX_INTERACTIVE"])
    most = places * 3 // 4
    addresses = ["192.0.2.1"] * most + [f"192.0.2.{10 + number}" for number in range(places - most)]
    with ExitStack() as stack:

        def begin(address: str) -> EventSource:
            stream = EventSource(cluster.web, GREETING, address=address, interactive=True)
            stack.enter_context(stream).until("input")
            return stream

        first, *_ = [begin(address) for address in addresses]
        newcomer = begin("192.0.2.9")
        result = first.until("result").data
        assert (result["status"], result["output"]) == ("timeout", "Who? ")
        assert newcomer.answer("Ada") == 204
        assert newcomer.until("result").data["output"] == "Who? Hello Ada\n"


def test_too_much_input_and_input_for_an_unknown_program_are_refused_by_either_web_process(cluster: Cluster) -> None:
    with EventSource(cluster.web, "while True: input()", interactive=True) as stream:
        stream.until("input")
        assert [stream.answer("x" * 16_000, cluster.other_web) for _ in range(17)] == [204] * 16 + [400]
        assert stream.answer("x" * 16_000, cluster.web) == 400
        stream.id = str(uuid4())
        assert [stream.answer("Eve", web) for web in (cluster.web, cluster.other_web)] == [404, 404]


def test_program_ends_when_its_watcher_leaves(cluster: Cluster) -> None:
    with EventSource(cluster.web, "while True: pass", timeout=10) as stream:
        execution = stream.id
    found = f"SELECT status FROM executions_execution WHERE public_id = '{execution}'"
    assert eventually(lambda: cluster.postgresql.sql(found) == [("cancelled",)], 30)


def test_program_ends_when_its_web_process_is_killed_and_the_proxy_asks_the_other(cluster: Cluster) -> None:
    """While it waits for input, it would wait for a minute."""
    with EventSource(cluster.other_web, "print('on', flush=True)\nwhile True: input()", interactive=True) as stream:
        stream.until("input")
        board = cluster.board()
        assert eventually(lambda: sum(state.watched for state in board.workers()) == 1, 30)
        cluster.other_web.stop(signal.SIGKILL)
    assert eventually(lambda: not cluster.other_web.is_healthy(), 30)
    assert [cluster.front.post("print(1)").status_code for _ in range(6)] == [200] * 6
    assert eventually(lambda: sum(state.watched for state in board.workers()) == 0, READY_SECONDS)
    cluster.other_web.start()
    assert cluster.other_web.execute("print(1)")["output"] == "1\n"


def unready(web: Service) -> list[str]:
    return [each["worker"] for each in web.health()["workers"] if each["status"] == "unready"]


def _in_use(cluster: Cluster) -> int:
    in_use: int = cluster.web.health()["pool"]["in_use"]
    return in_use


def test_killed_worker_loses_what_it_ran_and_nothing_else(cluster: Cluster) -> None:
    """What has begun is answered with a 503 and never runs again; what has not begun runs on the other worker."""
    statuses: list[int] = []
    webs = (cluster.web, cluster.other_web)
    before = [of_workers(web) for web in webs]

    def run() -> None:
        statuses.append(cluster.web.post("import time\ntime.sleep(8)\nprint('slept')", timeout=10).status_code)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: _in_use(cluster) >= 6, 30)
    assert cluster.workers[0].process is not None
    pid = cluster.workers[0].process.pid
    with load(cluster, "worker", 503) as loaded:
        cluster.workers[0].stop(signal.SIGKILL)
        for thread in threads:
            thread.join()
    assert sorted(set(statuses)) == [200, 503]
    assert_each_ran_once(cluster, "worker", loaded.count(200))
    assert eventually(lambda: all(load_of(web) == 0 for web in webs), 30)  # the other worker has had much to do
    alarms = set.union(*(firing(early, of_workers(web)) for early, web in zip(before, webs, strict=True)))
    assert alarms == {"CodeExecutionWorkerLost"}  # of that web process which noticed
    assert recorded(cluster, "slept") == {"internal_error": statuses.count(503), "success": statuses.count(200)}
    assert eventually(lambda: not containers_of(pid), 30)
    assert cluster.web.execute("print(1)")["output"] == "1\n"


def test_killed_engine_loses_what_ran_on_it_and_nothing_else(cluster: Cluster) -> None:
    before = of_workers(cluster.web)
    with ThreadPoolExecutor(8) as clients:
        code = "import time\ntime.sleep(8)\nprint('on an engine')"
        answers = [clients.submit(cluster.web.post, code, timeout=10) for _ in range(8)]
        assert eventually(lambda: _in_use(cluster) >= 6, 30)
        with load(cluster, "engine", 503) as loaded:
            cluster.engine.stop(signal.SIGKILL)
            statuses = [answer.result().status_code for answer in answers]
        assert statuses.count(200) >= 3
        assert set(statuses) <= {200, 503}
        for _ in range(5):
            assert cluster.web.execute("print(1)")["output"] == "1\n"
    assert eventually(lambda: len(unready(cluster.web)) == 1, READY_SECONDS)
    assert eventually(lambda: load_of(cluster.web) == 0, 30)
    assert firing(before, of_workers(cluster.web)) == {"CodeExecutionWorkerNotReady"}
    cluster.engine.start()
    cluster.await_workers(2)
    assert sum(recorded(cluster, "on an engine").values()) == 8
    stock = int(cluster.web.environment["SANDBOX_POOL_SIZE"])
    assert eventually(lambda: len(cluster.engine.containers()) == stock, READY_SECONDS)
    assert_each_ran_once(cluster, "engine", loaded.count(200))


def test_workers_that_restart_under_load_lose_no_run_and_repeat_none(cluster: Cluster) -> None:
    """A small `make soak CLUSTER=1`."""
    course = run_course(cluster, clients=8, runs=40, every_seconds=2)
    show(course)
    assert faults(course) == []
    assert course.restarts >= 1


def recorded(cluster: Cluster, word: str) -> dict[str, int]:
    """Return how many executions of programs with a word ended how."""
    found = cluster.postgresql.sql(
        f"SELECT status, count(*) FROM executions_execution WHERE code LIKE '%{word}%' GROUP BY status"
    )
    return dict(cast(list[tuple[str, int]], found))


def test_submission_that_a_worker_does_not_begin_runs_on_another(cluster: Cluster) -> None:
    """A worker that hangs: it is on the board, takes nothing from its queue, and then is silent."""
    idle = SandboxHealth(True, "connected", "", 50, 0, 0)
    cluster.board().show_worker(WorkerState("hanging", "nowhere", idle, 50, 50, 50))
    time.sleep(1)
    with ThreadPoolExecutor(4) as clients:
        outputs = list(clients.map(lambda number: cluster.web.execute(f"print({number})")["output"], range(4)))
    assert outputs == [f"{number}\n" for number in range(4)]


def test_stopped_worker_finishes_what_it_runs(cluster: Cluster) -> None:
    """Programs of six learners: one alone has three of a worker's four slots."""
    with ThreadPoolExecutor(6) as clients:
        code = "import time\ntime.sleep(4)\nprint('done')"
        answers = [clients.submit(cluster.web.execute, code, learner=f"learner {number}") for number in range(6)]
        assert eventually(lambda: _in_use(cluster) == 6, 30)
        assert cluster.workers[0].stop() == 0
        assert [answer.result()["output"] for answer in answers] == ["done\n"] * 6
    assert cluster.web.execute("print(1)")["output"] == "1\n"


def test_without_redis_programs_are_refused_until_it_is_back(cluster: Cluster) -> None:
    cluster.redis.stop()
    assert eventually(lambda: cluster.web.post("print(1)").status_code == 503, READY_SECONDS)
    started = time.monotonic()
    assert cluster.web.post("print(1)").status_code == 503
    assert time.monotonic() - started < 10
    cluster.redis.start()
    cluster.await_workers(2)
    assert eventually(lambda: cluster.web.post("print(1)").status_code == 200, READY_SECONDS)


def answered(cluster: Cluster, code: str) -> tuple[int, str]:
    """Return status and output of the answer through the proxy, whose other answers than 200 have no output."""
    try:
        response = cluster.front.post(code)
    except requests.ConnectionError:
        return LOST, ""
    return response.status_code, response.json()["output"] if response.status_code == 200 else ""


@contextmanager
def load(cluster: Cluster, word: str, *refusals: int) -> Iterator[list[int]]:
    """Have six clients run programs through the proxy meanwhile, and fill the list with the statuses at the end.

    No program may begin twice. While Redis itself is killed, nobody can see that.
    """
    over = threading.Event()
    statuses: list[int] = []

    def run(number: int) -> list[int]:
        own: list[int] = []
        while not over.is_set():
            token = f"{word}-{number}-{len(own)}"
            status, output = answered(cluster, f"print('{token}')  # token-{number}-{len(own)}")
            assert status in (200, *refusals)
            assert output == (f"{token}\n" if status == 200 else "")
            own.append(status)
            time.sleep(0.1)
        return own

    witness = Witness(cluster.redis.port)
    with witness, ThreadPoolExecutor(6) as clients:
        loads = [clients.submit(run, number) for number in range(6)]
        try:
            time.sleep(2)
            yield statuses
            time.sleep(2)
        finally:
            over.set()
        statuses += [status for each in loads for status in each.result()]
    assert set(witness.began.values()) == {1}


def assert_each_ran_once(cluster: Cluster, word: str, answered: int) -> None:
    """What was answered is on record, perhaps later, nothing ran twice, and no record stays unfinished."""
    assert eventually(lambda: recorded(cluster, f"{word}-").get("success", 0) >= answered, 60)
    [(different, successes)] = cluster.postgresql.sql(
        "SELECT count(DISTINCT (container, submission_number)), count(*) FROM executions_execution"
        f" WHERE code LIKE '%{word}-%' AND status = 'success'"
    )
    assert different == successes
    assert eventually(lambda: "running" not in recorded(cluster, f"{word}-"), READY_SECONDS)


@pytest.mark.parametrize("part", ["redis", "postgresql"])
def test_killed_server_under_load_makes_requests_503_and_no_answer_wrong(cluster: Cluster, part: str) -> None:
    server: Redis | PostgreSQL = getattr(cluster, part)
    with load(cluster, part, 503) as statuses:
        server.kill()
        assert eventually(lambda: cluster.front.post("print(1)").status_code == 503, 30)
        server.start()
        assert eventually(lambda: cluster.front.post("print(1)").status_code == 200, READY_SECONDS)
    assert_each_ran_once(cluster, part, statuses.count(200))


def test_killed_web_process_under_load_loses_only_what_it_was_answering(cluster: Cluster) -> None:
    """The proxy says 502 for these or ends their connection, and their records are closed by the other web process."""
    with load(cluster, "web", LOST, 502, 503) as statuses:
        cluster.other_web.stop(signal.SIGKILL)
        try:
            assert eventually(lambda: [answered(cluster, "print(1)")[0] for _ in range(6)] == [200] * 6, 30)
        finally:
            cluster.other_web.start()
    assert statuses.count(LOST) + statuses.count(502) <= 6
    assert_each_ran_once(cluster, "web", statuses.count(200))


def test_nothing_of_a_program_is_left_in_redis(cluster: Cluster) -> None:
    word = uuid4().hex
    assert cluster.web.execute(f"print('{word}')")["output"] == f"{word}\n"
    with EventSource(cluster.web, f"print('{word}', flush=True)") as stream:
        stream.until("result")
    client = cluster.redis.client()
    assert eventually(lambda: not any(word.encode() in (client.dump(key) or b"") for key in client.scan_iter()), 3)
    assert not client.keys("codeexec:run:*")


def test_stopped_worker_does_not_wait_for_people(cluster: Cluster) -> None:
    with EventSource(cluster.web, GREETING, interactive=True) as stream:
        stream.until("input")
        for worker in cluster.workers:
            assert worker.stop() == 0  # within seconds, not the minute that a person may take
        assert stream.until("result").data["status"] == "cancelled"
