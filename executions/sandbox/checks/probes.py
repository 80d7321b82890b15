"""Runs attacks that must fail, in real containers, before any learner's program: the service fails closed.

Each probe is a program with the exact output and status that a sound sandbox gives it. A probe that crashes, prints
anything else or does not run at all has failed. If gVisor's kernel refuses an attack with another error, the probe has
a second expectation for it. Only gVisor can pass GVISOR_PROBES.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from executions.sandbox.checks.attacks import PREAMBLE, Probe
from executions.sandbox.container.container import Container
from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.results import RunLost

PROBES_AT_ONCE = 4

ATTEMPTS = 3
"""A probe that fails only because of load passes the next time. One that fails this often in a row counts."""

log = logging.getLogger(__name__)

STARTS = "starts"
"""The name of the first result if no container starts at all."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of one probe; `failure` is None if it passed."""

    name: str
    failure: str | None


def run_probes(
    engine: Engine, launch: Callable[[], Container], options: dict[str, Any], probes: Sequence[Probe]
) -> Iterator[ProbeResult]:
    """Yield whether a container starts with exactly `options` and, if it does, the results of `probes` in order.

    That container and a few others run the probes at the same time. Each runs some, one after another like the tests of
    a submission, which saves starting more. A probe that fails is tried again in another container.
    """
    runtime = options["HostConfig"].get("Runtime")
    with contextlib.ExitStack() as stack:
        try:
            first = stack.enter_context(contextlib.closing(launch()))
            wrong = _differences(engine, first, options)
        except (EngineError, RunLost) as error:
            yield ProbeResult(STARTS, str(error))
            return
        yield ProbeResult("starts with the options asked for", f"the engine made {wrong}" if wrong else None)

        def run(number: int) -> list[ProbeResult]:
            return _run_in_turn(launch, probes[number::PROBES_AT_ONCE], runtime, None if number else first)

        with ThreadPoolExecutor(PROBES_AT_ONCE, thread_name_prefix="probe") as executor:
            rows = list(executor.map(run, range(PROBES_AT_ONCE)))
    yield from filter(None, chain(*zip_longest(*rows)))


def run_probe(
    launch: Callable[[], Container],
    probe: Probe,
    runtime: str | None = None,
    is_open: Callable[[], bool] = lambda: True,
) -> ProbeResult | None:
    """Run one probe in a container of its own, and again in another if it fails. None if `is_open` ends that."""
    return next(iter(_run_in_turn(launch, [probe], runtime, is_open=is_open)), None)


def _run_in_turn(
    launch: Callable[[], Container],
    probes: Sequence[Probe],
    runtime: str | None,
    container: Container | None = None,
    is_open: Callable[[], bool] = lambda: True,
) -> list[ProbeResult]:
    """Run probes one after another in `container`, and in a new one whenever there is none or it has been used up.

    Stop once `is_open` says no.
    """
    results: list[ProbeResult] = []
    try:
        for probe in probes:
            for _ in range(ATTEMPTS):
                if not is_open():
                    return results
                try:
                    container = container or launch()
                    run = container.run(PREAMBLE + probe.code, "", None, probe.timeout_seconds)
                    failure = probe.failure(run, runtime)
                except (EngineError, RunLost) as error:
                    failure = str(error)
                if container is not None and (failure or probe.is_last or not container.is_usable):
                    container.close()
                    container = None
                if failure is None:
                    break
                log.warning("probe failed: %s: %s", probe.name, failure)
            results.append(ProbeResult(probe.name, failure))
    finally:
        if container is not None:
            container.close()
    return results


def _differences(engine: Engine, container: Container, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a container that differ from `options`. null, "" and [] all mean none."""
    made = engine.inspect(container.id)["HostConfig"]
    return {
        option: made.get(option)
        for option, value in options["HostConfig"].items()
        if (made.get(option) or None) != (value or None)
    }
