"""Probes on a machine that is too busy for a moment."""

import itertools

import pytest

from executions.sandbox.checks.attacks import Probe
from executions.sandbox.checks.probes import ATTEMPTS, run_probes
from executions.sandbox.container.container import Container
from executions.sandbox.engine.engine import Engine, EngineError
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
