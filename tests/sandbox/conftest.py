"""A real sandbox for the whole test run, with a real engine, real containers and all limits.

With `SANDBOX_RUNTIME=runsc` (`make test-gvisor`), all containers run under gVisor, and the tests expect the
differences in tests/sandbox/gvisor_differences.py.

A container serves again as soon as a check shows that it is clean, which saves creating most of them. With
`SANDBOX_REUSE=never`, each program has its own; nothing else may differ.
"""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pytest

from executions.sandbox.checks.attacks import Probe
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.options import SANDBOX_LABEL
from executions.sandbox.results import Outcome, Run, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.settings import Reuse, SandboxSettings, is_gvisor
from executions.sandbox.timing import DEFAULT_TIMING, Timing
from tests.sandbox.gvisor_differences import CHANCE, DIFFERENCES
from tests.sandbox.probing import FEW_PROBES

READY_SECONDS = 60
RUNTIME = os.environ.get("SANDBOX_RUNTIME") or None
REUSE = Reuse(os.environ.get("SANDBOX_REUSE") or Reuse.ALWAYS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Under gVisor, expect the known differences and no others."""
    if not is_gvisor(RUNTIME):
        return
    for item in items:
        test = item.nodeid.removeprefix("tests/sandbox/")
        for pattern, reason in DIFFERENCES.items():
            if fnmatchcase(test, pattern):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=reason not in CHANCE))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


def demand_ready(sandbox: Sandbox) -> None:
    """Wait until programs can run. Raise RuntimeError, which does not count as the failure of a wall's test."""
    if not sandbox.wait_until_ready(READY_SECONDS):
        raise RuntimeError(sandbox.health().reason)


def containers_of(engine: Engine, sandbox: Sandbox) -> set[str]:
    """Return the IDs of the sandbox's containers in any state."""
    return {each.id for each in engine.containers() if each.labels.get(SANDBOX_LABEL) == sandbox.id}


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(
        SandboxSettings(
            reuse=REUSE, pool_size=2, max_concurrent=4, queue_seconds=20, refill_threads=2, runtime=RUNTIME
        ),
        probes=FEW_PROBES,
    )
    sandbox.start()
    demand_ready(sandbox)
    yield sandbox
    sandbox.close(drain_seconds=1)


@pytest.fixture(scope="session")
def science_sandbox() -> Iterator[Sandbox]:
    """Return a sandbox with science containers, each of which takes seconds to load."""
    sandbox = Sandbox(
        SandboxSettings(
            reuse=REUSE, pool_size=1, science_pool_size=2, queue_seconds=30, refill_threads=2, runtime=RUNTIME
        ),
        probes=FEW_PROBES,
    )
    sandbox.start()
    demand_ready(sandbox)
    yield sandbox
    sandbox.close(drain_seconds=1)


@dataclass(frozen=True)
class Runner:
    """Runs programs in the sandbox."""

    sandbox: Sandbox

    def __call__(self, code: str, stdin: str = "", timeout_seconds: float = 8) -> Run:
        return self.sandbox.execute(Submission(code, stdin, (), timeout_seconds)).main

    def tests(self, code: str, *tests: TestProgram, stdin: str = "", timeout_seconds: float = 8) -> Outcome:
        return self.sandbox.execute(Submission(code, stdin, tests, timeout_seconds))

    def refusal(self, attempt: str) -> str:
        """Return the name of the error that the kernel returns to the Python statements in `attempt`."""
        run = self(telling_its_refusal(attempt))
        assert run.stderr == ""
        return run.stdout.strip()


def telling_its_refusal(attempt: str) -> str:
    """Return a program that prints the name of the error that the Python statements in `attempt` get."""
    body = "\n".join(f"    {line}" for line in attempt.strip().splitlines())
    code = f"import ctypes, errno, os, socket\ntry:\n{body}\n    print('allowed')\n"
    return code + "except OSError as error:\n    print(errno.errorcode[error.errno])\n"


@pytest.fixture
def run(sandbox: Sandbox) -> Runner:
    return Runner(sandbox)


@pytest.fixture
def science(science_sandbox: Sandbox) -> Runner:
    """Return a function that runs programs in a container with numpy and similar packages loaded."""
    return Runner(science_sandbox)


Launch = Callable[..., Sandbox]


@pytest.fixture
def launch_sandbox() -> Iterator[Launch]:
    """Return a function that launches a sandbox, which is closed after the test."""
    launched = []

    def launch(
        timing: Timing = DEFAULT_TIMING,
        connect: Callable[[], Engine] = Engine,
        dead_owners: Callable[[], Collection[str]] = tuple,
        probes: Sequence[Probe] | None = FEW_PROBES,
        **settings: object,
    ) -> Sandbox:
        defaults = {"pool_size": 1, "refill_threads": 1, "runtime": RUNTIME}
        chosen = SandboxSettings(**{**defaults, **settings})  # type: ignore[arg-type]
        sandbox = Sandbox(chosen, timing, connect, dead_owners=dead_owners, probes=probes)
        launched.append(sandbox)
        sandbox.start()
        return sandbox

    yield launch
    for sandbox in launched:
        sandbox.close(drain_seconds=1)
