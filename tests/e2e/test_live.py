"""Interactive programs over HTTP, and clients that disconnect, do not read or never answer."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from executions.api.event_stream import HEARTBEAT_SECONDS
from executions.records.servers import LIFE_SECONDS
from tests.e2e.event_source import EventSource
from tests.e2e.test_faults import containers_of
from tests.sandbox.test_images import PUT, png
from tests.service import Service
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

GUESSING_GAME = """
secret = 37
print("I think of a number from 1 to 100.")
for tries in range(1, 8):
    guess = int(input(f"Guess {tries}: "))
    if guess == secret:
        print(f"Right! It took you {tries} guesses.")
        break
    print("Too low." if guess < secret else "Too high.")
"""
TURTLE = """
import time, turtle
turtle.forward(100)
time.sleep(0.5)
print(time.time(), flush=True)
time.sleep(0.5)
turtle.left(90)
turtle.forward(100)
"""
TICKS = """
import time
for number in range(10):
    print(number, time.time())
    time.sleep(0.2)
"""


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("live"), SANDBOX_POOL_SIZE="2", SANDBOX_INPUT_SECONDS="30") as service:
        yield service


@pytest.fixture
def service(lasting: Service) -> Service:
    """Return the service that these tests share, which some of them stop."""
    if lasting.process is None:
        lasting.start()
    return lasting


def record(service: Service, execution_id: str) -> dict[str, Any]:
    columns = ("status", "output", "error", "cpu_time", "total_cpu_seconds", "execution_time", "finished", "input_data")
    query = f"SELECT {', '.join(columns)} FROM executions_execution WHERE public_id = '{execution_id.replace('-', '')}'"
    [row] = service.query(query)
    return dict(zip(columns, row, strict=True))


def is_final(service: Service, execution_id: str) -> bool:
    return record(service, execution_id)["finished"] is not None


def test_a_turtle_draws_before_a_program_ends_and_its_picture_stays_in_the_answer(service: Service) -> None:
    with EventSource(service, TURTLE) as drawing:
        strokes = drawing.until("drawing").data["strokes"]
        assert [stroke["kind"] for stroke in strokes] == ["clear", "line"]
        awake = drawing.until("stdout")
        later, image, result = (drawing.until(name) for name in ("drawing", "image", "result"))
    assert float(awake.data["text"]) <= image.came
    assert later.data["strokes"][0]["points"] == [500, 300, 500, 200]
    assert result.data["images"] == [image.data]
    plain = service.execute(TURTLE)
    assert plain["images"] == [image.data]


def test_a_guessing_game_is_played_to_the_end(service: Service) -> None:
    with EventSource(service, GUESSING_GAME, interactive=True, timeout=5) as game:
        low, high = 1, 100
        said = game.printed_until("input")
        assert said == "I think of a number from 1 to 100.\nGuess 1: "
        while True:
            guess = (low + high) // 2
            assert game.answer(str(guess)) == 204
            events = iter(game)
            said = ""
            for event in events:
                said += event.data.get("text", "")
                if event.name in ("input", "result"):
                    break
            if event.name == "result":
                break
            low, high = (guess + 1, high) if "Too low." in said else (low, guess - 1)
        assert "Right! It took you" in said
        assert event.data["status"] == "success"
        assert event.data["output"].endswith("guesses.\n")
        assert event.data["execution_time"] < 5
        assert game.answer("1") == 404
    assert record(service, game.id)["input_data"].startswith("50\n25\n37\n")


@pytest.mark.alone  # measures delays that other tests would add to
def test_each_line_arrives_within_a_tenth_of_a_second(service: Service) -> None:
    """One of three runs must do: a busy machine may delay a line now and then, but hardly in each run."""
    assert any(max(delays_of_lines(service)) < 0.1 for _ in range(3))


def delays_of_lines(service: Service) -> list[float]:
    """Return the delay of each line. On any machine, most are in time, and each arrives before the next is printed."""
    arrived: dict[int, float] = {}
    with EventSource(service, TICKS) as source:
        text = ""
        for event in source:
            if event.name == "stdout":
                text += event.data["text"]
                for line in text.split("\n")[:-1]:
                    arrived.setdefault(int(line.split()[0]), event.came)
    printed = [
        float(line.split()[1]) for line in text.splitlines()
    ]  # by the clock of this machine, which also timed the arrival
    assert len(arrived) == len(printed) == 10
    delays = [arrived[number] - printed[number] for number in range(10)]
    assert median(delays) < 0.1, delays
    assert all(arrived[number] < printed[number + 1] for number in range(9)), delays
    return delays


def test_an_image_arrives_while_its_program_is_running(service: Service) -> None:
    """The program shows the second image only after our answer, which we send after the first has arrived."""
    code = f"{PUT}other = {png(6, 5)!r}\nput(0, good)\ninput()\nput(1, other)"
    with EventSource(service, code, interactive=True) as source:
        shown = [source.until("image").data]
        assert source.answer("") == 204
        for event in source:
            if event.name == "image":
                shown.append(event.data)
    assert [image["width"] for image in shown] == [4, 6]
    assert shown == event.data["images"]


def test_test_results_arrive_one_by_one(service: Service) -> None:
    cases = [{"code": "print(add(1, 2))", "expected_output": "3"}, {"code": "import time; time.sleep(1)"}]
    with EventSource(service, "def add(a, b): return a + b", test_cases=cases) as source:
        first, second, result = source.until("test"), source.until("test"), source.until("result")
    assert (first.data["index"], first.data["passed"], second.data["index"]) == (0, True, 1)
    assert second.came - first.came > 0.5
    assert [each["passed"] for each in result.data["test_results"]] == [True, True]


def test_the_streamed_result_equals_the_plain_answer(service: Service) -> None:
    code = "print(input())\nraise ValueError('bad')"
    fields: dict[str, Any] = {"input_data": "Ada\n", "test_cases": [{"stdin": "x"}]}
    plain = service.execute(code, **fields)
    with EventSource(service, code, **fields) as source:
        result = source.until("result").data
        assert list(source) == []
    measured = {"id", "execution_time", "cpu_time", "memory_peak_kb", "test_results"}
    assert {name: result[name] for name in result.keys() - measured} == {
        name: plain[name] for name in plain.keys() - measured
    }
    assert result.keys() == plain.keys()


def test_a_silent_stream_sends_comments(service: Service) -> None:
    with EventSource(service, "import time\ntime.sleep(7)", timeout=9) as source:
        events = [event.name for event in source]
    assert events == ["", "result"]


SILENT = {
    "sleeps": "import time\nprint('so far')\ntime.sleep(9)",
    "prints": "import time\nwhile True:\n    print('so far')\n    time.sleep(0.1)",
    "waits": "print('so far')\ninput()",
}


@pytest.mark.parametrize("code", SILENT.values(), ids=SILENT.keys())
def test_a_disconnected_client_stops_its_program(service: Service, code: str) -> None:
    with EventSource(service, code, timeout=10, interactive="input" in code) as source:
        source.until("stdout")
        left = time.monotonic()
    assert eventually(lambda: is_final(service, source.id), 4.5)
    assert time.monotonic() - left < HEARTBEAT_SECONDS  # noticed before the next comment would have failed
    found = record(service, source.id)
    assert (found["status"], found["error"]) == ("cancelled", "Execution stopped because the client disconnected")
    assert found["output"].startswith("so far")  # the newline may be missing
    assert 0 < found["total_cpu_seconds"] < 1  # what it used, not what it was allowed
    assert service.health()["pool"]["in_use"] == 0
    assert eventually(lambda: len(containers_of(service.worker_pid())) == service.health()["pool"]["idle"], 60)


def test_a_client_that_does_not_read_holds_no_container(service: Service) -> None:
    """The program ends and is recorded in time, however little the client reads."""
    flood = "import sys\nfor _ in range(200): print('\\x00' * 600)"
    cases = [{"stdin": "", "expected_output": "x" * 60_000}] * 30
    with EventSource(service, flood, receive_bytes=2048, test_cases=cases, timeout=10) as source:
        assert eventually(lambda: service.health()["pool"]["in_use"] == 0, 15)
        assert eventually(lambda: is_final(service, source.id), 15)
    assert service.execute("print('ok')")["output"] == "ok\n"


def test_waiting_for_input_is_not_charged(service: Service) -> None:
    with EventSource(service, "input()\ninput()", interactive=True, timeout=1) as source:
        for _ in range(2):
            source.until("input")
            time.sleep(1.2)
            source.answer("")
        result = source.until("result").data
    assert (result["status"], result["error"]) == ("success", "")
    assert result["execution_time"] < 1
    assert record(service, source.id)["total_cpu_seconds"] < 0.5


def test_a_program_without_an_answer_times_out(tmp_path: Path) -> None:
    with (
        Service(tmp_path, SANDBOX_POOL_SIZE="1", SANDBOX_INPUT_SECONDS="1") as service,
        EventSource(service, "print('so far')\ninput()", interactive=True) as source,
    ):
        result = source.until("result").data
    assert (result["status"], result["output"]) == ("timeout", "so far\n")
    assert result["error"] == "Execution timed out while waiting for input"


def test_programs_waiting_for_input_block_no_other_programs(service: Service) -> None:
    waiting = int(service.environment["SANDBOX_MAX_CONCURRENT"]) + 1
    sources = [EventSource(service, "print(input())", interactive=True) for _ in range(waiting)]
    for source in sources:
        source.until("input")
    refused = service.post("1", interactive=True)
    assert refused.status_code == 400  # it does not accept events
    assert service.health()["pool"]["in_use"] == 0
    assert service.execute("print('others')")["output"] == "others\n"
    for number, source in enumerate(sources):
        assert source.answer(str(number)) == 204
    for number, source in enumerate(sources):
        assert source.until("result").data["output"] == f"{number}\n"
        source.leave()


def test_a_restart_waits_for_running_programs_but_not_for_input(service: Service) -> None:
    waiting = EventSource(service, "print('so far')\ninput()", interactive=True)
    answered = EventSource(service, "import time\nn = input()\ntime.sleep(2)\nprint(n)", interactive=True)
    running = EventSource(service, "import time\ntime.sleep(2)\nprint('done')")
    waiting.until("input")
    answered.until("input")
    assert answered.answer("Ada") == 204
    pid = service.worker_pid()
    started = time.monotonic()
    service.stop(signal.SIGTERM)
    assert time.monotonic() - started < 12
    assert waiting.until("result").data["status"] == "cancelled"
    assert answered.until("result").data["output"] == "Ada\n"
    assert running.until("result").data["output"] == "done\n"
    assert record(service, waiting.id)["status"] == "cancelled"
    for source in (answered, running):
        assert record(service, source.id)["status"] == "success"
    for source in (waiting, answered, running):
        source.leave()
    assert eventually(lambda: not containers_of(pid), 30)


def test_a_killed_service_leaves_no_waiting_container(service: Service) -> None:
    with EventSource(service, "input()", interactive=True) as source:
        source.until("input")
        pid = service.worker_pid()
        service.stop(signal.SIGKILL)
        assert eventually(lambda: not containers_of(pid), 10)
    service.start()
    assert eventually(lambda: record(service, source.id)["status"] == "internal_error", 2 * LIFE_SECONDS)


def test_a_page_of_an_allowed_origin_may_read_the_stream(service: Service) -> None:
    with EventSource(service, "print(1)") as source:
        headers = dict(source.headers)
    assert headers["access-control-allow-origin"] == "https://pylearn.net"
    assert (headers["Transfer-Encoding"], headers["Cache-Control"]) == ("chunked", "no-store")
