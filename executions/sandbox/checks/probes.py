"""Runs attacks that must fail, in real containers, before any learner's program: the service fails closed.

Each probe is a program with the exact output and status that a sound sandbox gives it. A probe that crashes, prints
anything else or does not run at all has failed. If gVisor's kernel refuses an attack with another error, the probe has
a second expectation for it. Only gVisor can pass GVISOR_PROBES.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from executions.sandbox.checks.attacks import PREAMBLE, Probe
from executions.sandbox.container.container import Container
from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.results import RunLost

PROBES_AT_ONCE = 4

STARTS = "starts"
"""The name of the first result if no container starts at all."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of one probe; `failure` is None if it passed."""

    name: str
    failure: str | None


def run_probes(
    engine: Engine, launch: Callable[[], Container], options: dict[str, Any], probes: Collection[Probe]
) -> Iterator[ProbeResult]:
    """Yield whether a container starts with exactly `options` and, if it does, the results of `probes` in order.

    Several probes run in one container, one after another like the tests of a submission, which saves starting some.
    """
    runtime = options["HostConfig"].get("Runtime")
    idle: deque[Container] = deque()

    def run(probe: Probe) -> ProbeResult:
        return (
            run_probe(launch, probe, runtime) if probe.alone else _run(partial(_borrowed, idle, launch), probe, runtime)
        )

    try:
        try:
            idle.append(launch())
            wrong = _differences(engine, idle[0], options)
        except (EngineError, RunLost) as error:
            yield ProbeResult(STARTS, str(error))
            return
        yield ProbeResult("starts with the options asked for", f"the engine made {wrong}" if wrong else None)
        with ThreadPoolExecutor(PROBES_AT_ONCE, thread_name_prefix="probe") as executor:
            yield from executor.map(run, probes)
    finally:
        for container in idle:
            container.close()


def run_probe(launch: Callable[[], Container], probe: Probe, runtime: str | None = None) -> ProbeResult:
    """Run one probe in a container of its own."""
    return _run(lambda: contextlib.closing(launch()), probe, runtime)


def _run(take: Callable[[], AbstractContextManager[Container]], probe: Probe, runtime: str | None) -> ProbeResult:
    try:
        with take() as container:
            run = container.run(PREAMBLE + probe.code, "", None, probe.timeout_seconds)
    except (EngineError, RunLost) as error:
        return ProbeResult(probe.name, str(error))
    return ProbeResult(probe.name, probe.failure(run, runtime))


@contextlib.contextmanager
def _borrowed(idle: deque[Container], launch: Callable[[], Container]) -> Iterator[Container]:
    """Lend one of the `idle` containers, or a new one. It is idle again afterwards, unless its run has ended it."""
    try:
        container = idle.pop()
    except IndexError:
        container = launch()
    try:
        yield container
    finally:
        if container.is_usable:
            idle.append(container)
        else:
            container.close()


def _differences(engine: Engine, container: Container, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the container that differ from `options`. null, "" and [] all mean none."""
    made = engine.inspect(container.id)["HostConfig"]
    return {
        option: made.get(option)
        for option, value in options["HostConfig"].items()
        if (made.get(option) or None) != (value or None)
    }
