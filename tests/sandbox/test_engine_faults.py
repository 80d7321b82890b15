"""An engine that hangs, disconnects, delays, repeats, lies or sends nonsense, call by call.

After each fault, the caller gets an honest answer, no leftovers remain once the engine works again, and the next
program runs. One sandbox uses the proxy in all tests; the process's other sandboxes use the engine directly.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from executions.sandbox.checks.probes import STARTS
from executions.sandbox.console import Printed
from executions.sandbox.engine.deaths import Cause
from executions.sandbox.engine.engine import CALL_SECONDS, BoundedClient, Engine
from executions.sandbox.engine.options import SANDBOX_LABEL
from executions.sandbox.results import RunLost, RunStatus, SandboxUnavailable, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.settings import SandboxSettings
from executions.sandbox.timing import Timing
from guest import protocol
from tests.fake_engine import Distortion, FakeEngine, Fault, How, call_of
from tests.sandbox.answering import multiplexed
from tests.sandbox.conftest import demand_ready
from tests.sandbox.probing import FEW_PROBES
from tests.sandbox.watching import Watched
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

HELLO = Submission("print('ok')", "", (), timeout_seconds=5)
QUEUE_SECONDS = 20
HANG_SECONDS = 1
"""When a call that hangs is given up in these tests. Calls that are answered have as much time as in the service."""

REST_SECONDS = 60


class ImpatientClient(BoundedClient):
    """A client of the proxy that gives up hanging calls earlier than usual."""

    def __init__(self, fake: FakeEngine, version: str) -> None:
        super().__init__(base_url=fake.url, version=version, timeout=CALL_SECONDS)
        self._fake = fake

    def request(self, method: Any, url: Any, *arguments: Any, **options: Any) -> requests.Response:
        """Send a request."""
        if self._fake.is_to_hang(call_of(f"{method} {urlsplit(url).path}")):
            options["timeout"] = HANG_SECONDS
        return super().request(method, url, *arguments, **options)


@pytest.fixture(scope="module")
def fake_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEngine]:
    with FakeEngine(tmp_path_factory.mktemp("engine")) as fake:
        yield fake


Connect = Callable[[], Engine]


@pytest.fixture(scope="module")
def connect(fake_engine: FakeEngine, engine: Engine) -> Connect:
    version = engine.api_version()
    return lambda: Engine(lambda: ImpatientClient(fake_engine, version))


@pytest.fixture(scope="module")
def faulty(connect: Connect) -> Iterator[Sandbox]:
    """Return a sandbox behind the proxy."""
    settings = SandboxSettings(pool_size=1, max_concurrent=2, queue_seconds=QUEUE_SECONDS, refill_threads=2)
    timing = Timing(
        check_seconds=0.3, checks_per_reap=3, retry_probes_seconds=1, ready_seconds=5, retry_events_seconds=0.2
    )
    sandbox = Sandbox(settings, timing, connect, probes=FEW_PROBES)
    sandbox.start()
    demand_ready(sandbox)
    yield sandbox
    sandbox.close(drain_seconds=1)


@pytest.fixture(autouse=True)
def _well(fake_engine: FakeEngine, faulty: Sandbox, engine: Engine) -> Iterator[None]:
    """Start and end each test with a working engine."""
    assert_at_rest(engine, faulty)
    yield
    fake_engine.mend()
    assert fake_engine.calls["pull"] == 0


def assert_at_rest(engine: Engine, sandbox: Sandbox) -> None:
    """Wait until the sandbox is healthy, and has one warm container and no others."""

    def state() -> tuple[bool, int, int, int]:
        health = sandbox.health()
        return health.ready, health.idle, health.in_use, health.waiting

    def existing() -> set[str]:
        return {each.name for each in engine.containers() if each.labels.get(SANDBOX_LABEL) == sandbox.id}

    held = sandbox.launcher.held_names
    is_at_rest = eventually(
        lambda: state() == (True, 1, 0, 0) and existing() == held() and len(held()) == 1, REST_SECONDS
    )
    assert is_at_rest, (sandbox.health(), held(), existing())


def assert_well(engine: Engine, sandbox: Sandbox) -> None:
    """Wait until there are no leftovers, and run a program."""
    assert_at_rest(engine, sandbox)
    assert sandbox.execute(HELLO).main.stdout == "ok\n"


CASES = [
    (call, how)
    for call, ways in {
        "create": (
            *(How.HANG, How.HANG_AFTER, How.CUT, How.CUT_AFTER, How.ERROR),
            *(How.GARBAGE, How.EMPTY, How.DUPLICATE, How.DELAY, How.LATE),
        ),
        "attach": (How.HANG, How.HANG_AFTER, How.CUT, How.CUT_AFTER, How.ERROR, How.GARBAGE, How.DELAY),
        "start": (
            *(How.HANG, How.HANG_AFTER, How.CUT, How.CUT_AFTER, How.ERROR),
            *(How.LIE, How.GARBAGE, How.DUPLICATE, How.DELAY),
        ),
        "inspect": (How.HANG, How.CUT, How.ERROR, How.GARBAGE),
        "remove": (How.HANG, How.CUT, How.CUT_AFTER, How.ERROR, How.LIE, How.GARBAGE, How.DUPLICATE, How.DELAY),
        "list": (How.EMPTY, How.DELAY),
        "ping": (How.DELAY,),
    }.items()
    for how in ways
]
TWICE = 2


@pytest.mark.parametrize(("call", "how"), CASES, ids=lambda value: str(value))
def test_failing_engine_call_costs_no_honest_answer(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine, call: str, how: How
) -> None:
    """The call fails twice; a waiting caller gets the container of the third attempt."""
    fails = Fault(call, how, TWICE)
    fake_engine.plan(*([Fault("start", How.ERROR, TWICE)] if call == "remove" else []), fails)
    if call == "inspect":
        for _ in range(TWICE):
            assert [result.name for result in faulty.probe()] == [STARTS]
    for _ in range(2):  # one container is warm; the second needs the engine
        assert faulty.execute(HELLO).main.stdout == "ok\n"
    assert eventually(lambda: fake_engine.fired(call) == TWICE, 20), fake_engine.calls
    if how is How.LATE:
        assert eventually(lambda: fake_engine.late_calls == TWICE, 20)
    assert_well(engine, faulty)


def test_duplicate_attach_may_lose_its_run_but_no_other(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine
) -> None:
    """When one of the two connections ends, so does the container's stdin."""
    fake_engine.plan(Fault("attach", How.DUPLICATE, TWICE))
    for _ in range(1 + TWICE):
        with contextlib.suppress(RunLost):
            assert faulty.execute(HELLO).main.stdout == "ok\n"
    assert eventually(lambda: fake_engine.fired("attach") == TWICE, 20), fake_engine.calls
    assert_well(engine, faulty)


# The keeper's checks

LOOKS = {
    "ping": (How.HANG, How.CUT, How.ERROR),
    "list": (How.HANG, How.CUT, How.ERROR, How.GARBAGE),
    "inspect": (How.HANG, How.CUT, How.ERROR, How.GARBAGE, How.EMPTY),
}


@pytest.mark.parametrize("call", LOOKS)
def test_gate_is_shut_while_the_engine_cannot_be_checked(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine, call: str
) -> None:
    for how in LOOKS[call]:
        if call == "inspect":  # this is part of opening the gate
            fake_engine.plan(Fault("ping", How.ERROR))
            assert eventually(lambda: not faulty.health().ready, 30), how
        fake_engine.plan(Fault(call, how))
        # By the second call, the first has taken effect: if the fault went unnoticed, the gate would have opened.
        assert eventually(lambda: fake_engine.fired(call) >= 2, 30), (how, faulty.health())
        assert not faulty.health().ready, how
        with pytest.raises(SandboxUnavailable):
            faulty.execute(HELLO)
    fake_engine.mend()
    assert_well(engine, faulty)


def test_programs_run_while_events_fail_and_memory_kills_are_seen_afterwards(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine
) -> None:
    for how in (How.CUT, How.ERROR, How.GARBAGE, How.EMPTY, How.HANG):
        fake_engine.plan(Fault("events", how))
        fake_engine.cut_streams("events")
        assert eventually(lambda: fake_engine.fired("events") >= (1 if how is How.HANG else 2), 20), how  # noqa: B023
        assert faulty.execute(HELLO).main.stdout == "ok\n"
    before = fake_engine.calls["events"]
    fake_engine.mend()
    assert eventually(lambda: fake_engine.calls["events"] > before, 20)
    with faulty.pool.container() as container:
        container.run("x = bytearray(300 << 20)", "", None, timeout_seconds=5)
    assert eventually(lambda: faulty.launcher.deaths.cause(container.id) is Cause.MEMORY, 20)
    assert_well(engine, faulty)


def test_missing_image_is_looked_up_and_not_pulled(fake_engine: FakeEngine, connect: Connect) -> None:
    before = fake_engine.calls["image"]
    sandbox = Sandbox(SandboxSettings(pool_size=1, image="code-exec-guest:missing"), connect=connect)
    sandbox.start()
    try:
        assert eventually(lambda: "code-exec-guest:missing" in sandbox.health().reason, 20)
        assert_refused_at_once(sandbox)
    finally:
        sandbox.close(drain_seconds=1)
    assert fake_engine.calls["image"] > before
    assert fake_engine.calls["pull"] == 0


# During a run

PRINTS = Submission(
    "import time\nprint('so far', end='', flush=True)\ntime.sleep(0.3)\nprint(', the rest', end='')", "", (), 2
)
BEGUN = b"so far"


def test_cut_stream_is_a_lost_run_and_never_success(fake_engine: FakeEngine, faulty: Sandbox, engine: Engine) -> None:
    code = "print('so far', flush=True)\nimport time\ntime.sleep(30)"
    watched = Watched(faulty, code, timeout_seconds=30, is_interactive=False)
    watched.until(Printed)
    fake_engine.cut_streams("attach")
    with pytest.raises(RunLost):
        watched.finish()
    assert_well(engine, faulty)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"HTTP/1.1 500 Internal Server Error\r\n\r\n",
        lambda data: data[:-1],
        lambda data: data[::-1],
        lambda data: b"\x01\x00\x00\x00\xff\xff\xff\xff" + data,
        lambda data: bytes(8) + data,
    ],
    ids=["an error", "a byte less", "backwards", "a huge length", "an unknown stream"],
)
def test_stream_of_nonsense_is_never_success(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine, change: Callable[[bytes], bytes]
) -> None:
    fake_engine.distortion = Distortion(change, BEGUN)
    try:
        run = faulty.execute(PRINTS).main
    except RunLost:
        pass
    else:
        assert run.status is RunStatus.TIMEOUT  # the rest never arrived
    assert_well(engine, faulty)


def test_stream_that_stops_is_given_up_at_the_deadline(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine
) -> None:
    fake_engine.distortion = Distortion(lambda data: b"", BEGUN)
    run = faulty.execute(PRINTS).main
    assert (run.status, run.stdout) == (RunStatus.TIMEOUT, "so far")
    assert_well(engine, faulty)


def test_late_stream_is_waited_for(fake_engine: FakeEngine, faulty: Sandbox, engine: Engine) -> None:
    def hold_up(data: bytes) -> bytes:
        time.sleep(0.3)
        return data

    fake_engine.distortion = Distortion(hold_up, BEGUN)
    run = faulty.execute(PRINTS).main
    assert (run.status, run.stdout) == (RunStatus.SUCCESS, "so far, the rest")
    assert_well(engine, faulty)


@pytest.mark.parametrize("times", [2, 0], ids=["twice", "never"])
def test_duplicate_or_missing_output_is_never_success(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine, times: int
) -> None:
    """Each piece that arrives is well-formed."""
    piece = multiplexed(protocol.pack_frame(protocol.STDOUT, b", the rest"))
    fake_engine.distortion = Distortion(lambda data: data.replace(piece, piece * times), BEGUN)
    with pytest.raises(RunLost, match="frames"):
        faulty.execute(replace(PRINTS, code=PRINTS.code + "\nprint(end='', flush=True)\ntime.sleep(1)"))
    assert_well(engine, faulty)


def test_duplicate_result_is_not_taken_for_another_run(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine
) -> None:
    """The first test fails; its repeated result must not count for the second."""
    tests = (TestProgram(code="1 / 0"), TestProgram(code="print('right')"))
    fake_engine.distortion = Distortion(lambda data: data * 2, BEGUN)
    with pytest.raises(RunLost):
        faulty.execute(replace(PRINTS, tests=tests))
    assert_well(engine, faulty)


# An engine that is down


def test_callers_without_an_engine_are_refused_at_once_until_it_is_back(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine
) -> None:
    fake_engine.go_down()
    assert eventually(lambda: not faulty.health().ready, 30)
    assert_refused_at_once(faulty)
    assert eventually(lambda: faulty.health().engine == "unreachable", 30)
    fake_engine.mend()
    assert_well(engine, faulty)


@pytest.mark.parametrize("how", [How.ERROR, How.HANG, How.CUT])
def test_callers_are_refused_at_once_while_the_engine_creates_no_containers(
    fake_engine: FakeEngine, faulty: Sandbox, engine: Engine, how: How
) -> None:
    """The circuit breaker: after three failures in a row, no caller waits for a fourth."""
    fake_engine.plan(Fault("create", how))
    assert faulty.execute(HELLO).main.stdout == "ok\n"  # in the warm container
    assert eventually(lambda: not faulty.health().ready, 30)
    assert fake_engine.fired("create") >= 3
    assert_refused_at_once(faulty)
    fake_engine.mend()
    assert_well(engine, faulty)


def assert_refused_at_once(sandbox: Sandbox) -> None:
    """Twenty refusals take less time than one hanging call."""
    started = time.monotonic()
    for _ in range(20):
        with pytest.raises(SandboxUnavailable):
            sandbox.execute(HELLO)
    assert time.monotonic() - started < HANG_SECONDS
