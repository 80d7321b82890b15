"""Probes on a machine that is too busy for a moment, and where the kernel lacks something."""

import contextlib
import itertools
import time

import pytest

from executions.sandbox.checks.attacks import PREAMBLE, PROBES, Probe
from executions.sandbox.checks.probes import ATTEMPTS, run_probes
from executions.sandbox.container.container import Container
from executions.sandbox.engine.deaths import Cause
from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.engine.options import NAME_PREFIX, container_options
from executions.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.docker

SOUND = Probe("counts", "print(1)", "1\n")
UNSOUND = Probe("cannot count", "print(1)", "2\n")


class BusyLauncher:
    """Launches containers for a sandbox, but for some of the launches, counted from 0."""

    def __init__(self, sandbox: Sandbox, *failing: int) -> None:
        self.numbers = itertools.count()
        self._launch = sandbox.launcher.launch
        self._failing = failing

    def launch(self) -> Container:
        if (number := next(self.numbers)) in self._failing:
            raise EngineError(f"launch {number} took too long")
        return self._launch()


def test_probe_that_fails_less_often_than_it_is_tried_passes(engine: Engine, sandbox: Sandbox) -> None:
    launcher = BusyLauncher(sandbox, *range(1, ATTEMPTS))
    results = list(run_probes(engine, launcher.launch, sandbox.launcher.options(), (SOUND, SOUND)))
    assert [result.failure for result in results] == [None] * 3
    assert next(launcher.numbers) == ATTEMPTS + 1  # the first container ran the first probe


def test_probe_that_fails_each_time_has_failed(engine: Engine, sandbox: Sandbox) -> None:
    launcher = BusyLauncher(sandbox)
    results = list(run_probes(engine, launcher.launch, sandbox.launcher.options(), (UNSOUND, SOUND)))
    assert [(result.name, result.failure) for result in results[1:]] == [
        ("cannot count", "printed '1\\n', not '2\\\\\\n'"),
        ("counts", None),
    ]
    assert next(launcher.numbers) == ATTEMPTS + 1  # and one container for the other probe


def test_probe_fails_where_the_kernel_does_not_count_cpu_time(engine: Engine) -> None:
    """The supervisor then knows only of processes that it has reaped itself."""
    [probe] = [probe for probe in PROBES if probe.least_cpu_seconds]

    def failure_without(*paths: str) -> str | None:
        options = container_options(engine.image_id(image_name()), "0-0-0@nowhere")
        options["HostConfig"]["MaskedPaths"] += paths
        name = f"{NAME_PREFIX}probes_{time.monotonic_ns()}"
        with contextlib.closing(Container.launch(engine, name, options, lambda _: Cause.OTHER)) as container:
            return probe.failure(container.run(PREAMBLE + probe.code, "", None, probe.timeout_seconds), None)

    assert failure_without() is None
    assert (failure_without("/sys/fs/cgroup") or "").startswith("was charged 0.0")
