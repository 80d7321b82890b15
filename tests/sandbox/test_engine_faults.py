"""An engine that hangs, cuts, delays, repeats, lies or talks nonsense, call by call.

After each: an honest answer in its time, nothing left over once the engine is well, and the next program runs.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executions.sandbox import container as container_module
from executions.sandbox import engine as engine_module
from executions.sandbox import sandbox as sandbox_module
from executions.sandbox.engine import Engine
from executions.sandbox.options import OWNER_LABEL
from executions.sandbox.results import Outcome, RunLost, RunStatus, SandboxError, SandboxUnavailable, Submission
from executions.sandbox.sandbox import Sandbox
from tests.fake_engine import FakeEngine, Fault, How
from tests.sandbox.conftest import READY_SECONDS, Launch
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

HELLO = Submission("print('ok')", "", (), timeout_seconds=5)
QUEUE_SECONDS = 3
CALL_SECONDS = 2


@pytest.fixture
def fake_engine(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    engine.ping()  # it goes on to speak with the real one
    with FakeEngine(tmp_path) as fake:
        monkeypatch.setenv("DOCKER_HOST", fake.url)
        monkeypatch.setattr(engine_module, "CALL_SECONDS", CALL_SECONDS)
        monkeypatch.setattr(container_module, "READY_SECONDS", CALL_SECONDS)
        monkeypatch.setattr(sandbox_module, "RETRY_PROBES_SECONDS", 1)
        yield fake


@pytest.fixture
def faulty(fake_engine: FakeEngine, launch_sandbox: Launch) -> Sandbox:
    """Return a sandbox that is ready, with two warm containers, behind the proxy."""
    sandbox = launch_sandbox(pool_size=2, max_concurrent=2, queue_seconds=QUEUE_SECONDS, refill_threads=2)
    assert sandbox.wait_until_ready(READY_SECONDS), sandbox.health().reason
    assert eventually(lambda: sandbox.health().idle == 2, 20)
    return sandbox


def containers_of(engine: Engine, sandbox: Sandbox) -> set[str]:
    return {each.name for each in engine.containers() if each.labels.get(OWNER_LABEL) == sandbox._owner}


def is_settled(engine: Engine, sandbox: Sandbox) -> bool:
    """Whether the sandbox is healthy and its two warm containers are all there is of it."""
    health = sandbox.health()
    state = (health.ready, health.idle, health.in_use, health.waiting)
    held = {container.name for container in list(sandbox._pool._idle)}
    return state == (True, 2, 0, 0) and containers_of(engine, sandbox) == held


CASES = [
    (call, how)
    for call, ways in {
        "create": (How.HANG, How.HANG_AFTER, How.CUT, How.CUT_AFTER, How.ERROR, How.GARBAGE, How.EMPTY, How.DUPLICATE),
        "attach": (How.HANG, How.HANG_AFTER, How.CUT, How.CUT_AFTER, How.ERROR, How.GARBAGE),
        "start": (How.HANG, How.HANG_AFTER, How.CUT, How.CUT_AFTER, How.ERROR, How.LIE, How.DUPLICATE),
        "inspect": (How.ERROR, How.EMPTY),
        "remove": (How.ERROR, How.LIE),
        "list": (How.HANG, How.CUT, How.ERROR, How.GARBAGE, How.EMPTY),
        "ping": (How.HANG, How.CUT, How.ERROR),
        "events": (How.HANG, How.CUT, How.ERROR, How.GARBAGE),
    }.items()
    for how in ways
]


@pytest.mark.parametrize(("call", "how"), CASES, ids=lambda value: str(value))
def test_a_call_that_fails_costs_no_honest_answer(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine, call: str, how: How
) -> None:
    fake_engine.plan(Fault(call, how))
    for _ in range(5):  # two are warm; for the rest the engine is needed
        started = time.monotonic()
        try:
            assert faulty.execute(HELLO).main.stdout == "ok\n"
        except SandboxError:
            pass
        assert time.monotonic() - started < QUEUE_SECONDS + 1
    fake_engine.mend()
    assert eventually(lambda: is_settled(engine, faulty), 40), (faulty.health(), containers_of(engine, faulty))
    assert faulty.execute(HELLO).main.stdout == "ok\n"
    assert fake_engine.calls["pull"] == 0


# In the middle of a run


def run_in_the_middle(sandbox: Sandbox, meanwhile: Callable[[], None], code: str) -> Outcome | SandboxError:
    """Run `code`, do `meanwhile` once it has begun, and return what became of it."""
    with ThreadPoolExecutor(1) as caller:
        future = caller.submit(sandbox.execute, Submission(code, "", (), timeout_seconds=2))
        assert eventually(lambda: sandbox.health().in_use == 1)
        time.sleep(0.3)
        meanwhile()
        try:
            return future.result(QUEUE_SECONDS)
        except SandboxError as error:
            return error


PRINTS = "import time\nprint('so far', flush=True)\ntime.sleep(1)\nprint('the rest')"


def test_a_stream_that_is_cut_is_a_lost_run_and_never_success(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine
) -> None:
    assert isinstance(run_in_the_middle(faulty, fake_engine.cut_streams, PRINTS), RunLost)
    assert faulty.execute(HELLO).main.stdout == "ok\n"
    assert eventually(lambda: is_settled(engine, faulty), 40)


@pytest.mark.parametrize(
    "distort",
    [
        lambda data: b"HTTP/1.1 500 Internal Server Error\r\n\r\n",
        lambda data: data[:-1],
        lambda data: data[::-1],
        lambda data: b"\x01\x00\x00\x00\xff\xff\xff\xff" + data,
        lambda data: bytes(8) + data,
    ],
    ids=["an error", "a byte less", "backwards", "a huge length", "an unknown stream"],
)
def test_a_stream_that_talks_nonsense_is_no_success(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine, distort: Callable[[bytes], bytes]
) -> None:
    outcome = run_in_the_middle(faulty, lambda: setattr(fake_engine, "distort", distort), PRINTS)
    fake_engine.mend()
    if isinstance(outcome, Outcome):
        assert outcome.main.status is RunStatus.TIMEOUT  # it waited in vain for the rest
    else:
        assert isinstance(outcome, RunLost)
    # New containers met the same nonsense: the gate may have shut meanwhile.
    assert eventually(lambda: is_settled(engine, faulty), 40)
    assert faulty.execute(HELLO).main.stdout == "ok\n"


def test_a_stream_that_stops_is_given_up_at_the_deadline(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine
) -> None:
    outcome = run_in_the_middle(faulty, lambda: setattr(fake_engine, "distort", lambda data: b""), PRINTS)
    fake_engine.mend()
    assert isinstance(outcome, Outcome)
    assert (outcome.main.status, outcome.main.stdout) == (RunStatus.TIMEOUT, "so far\n")
    assert eventually(lambda: is_settled(engine, faulty), 40)


# An engine that is away


def test_without_an_engine_callers_are_refused_at_once_until_it_is_back(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine
) -> None:
    fake_engine.go_down()
    assert eventually(lambda: not faulty.health().ready, 10)
    for _ in range(5):
        started = time.monotonic()
        with pytest.raises(SandboxUnavailable):
            faulty.execute(HELLO)
        assert time.monotonic() - started < 0.5
    assert faulty.health().engine == "unreachable"
    fake_engine.mend()
    assert eventually(lambda: is_settled(engine, faulty), 60), (faulty.health(), containers_of(engine, faulty))
    assert faulty.execute(HELLO).main.stdout == "ok\n"


def test_an_engine_that_makes_no_containers_is_asked_no_more_by_callers(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine
) -> None:
    """The breaker: after three failures in a row nobody waits for a fourth."""
    fake_engine.plan(Fault("create", How.ERROR))
    for _ in range(2):
        assert faulty.execute(HELLO).main.stdout == "ok\n"  # the warm ones
    assert eventually(lambda: not faulty.health().ready, 10)
    started = time.monotonic()
    for _ in range(20):
        with pytest.raises(SandboxUnavailable):
            faulty.execute(HELLO)
    assert time.monotonic() - started < 1
    fake_engine.mend()
    assert eventually(lambda: is_settled(engine, faulty), 60)
