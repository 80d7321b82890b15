"""Probes on a machine that is too busy for a moment."""

import itertools

import pytest

from executions.sandbox.checks.attacks import probes_for
from executions.sandbox.checks.probes import ATTEMPTS, STARTS, run_probes
from executions.sandbox.container.container import Container
from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import RUNTIME

pytestmark = pytest.mark.docker


class BusyLauncher:
    """Launches containers for a sandbox, but for some of the launches, counted from 0."""

    def __init__(self, sandbox: Sandbox, *failing: int) -> None:
        self._launch = sandbox.launcher.launch
        self._failing = failing
        self._numbers = itertools.count()

    def launch(self) -> Container:
        if (number := next(self._numbers)) in self._failing:
            raise EngineError(f"launch {number} took too long")
        return self._launch()


def test_probe_that_fails_less_often_than_it_is_tried_passes(engine: Engine, sandbox: Sandbox) -> None:
    launch = BusyLauncher(sandbox, *range(1, ATTEMPTS)).launch
    results = list(run_probes(engine, launch, sandbox.launcher.options()))
    assert [result.name for result in results[1:]] == [probe.name for probe in probes_for(RUNTIME)]
    assert [result.failure for result in results] == [None] * len(results)


def test_probes_that_fail_each_time_have_failed(engine: Engine, sandbox: Sandbox) -> None:
    never_again = range(1, 1 + ATTEMPTS * len(probes_for(RUNTIME)))
    results = list(run_probes(engine, BusyLauncher(sandbox, *never_again).launch, sandbox.launcher.options()))
    assert results[0].name != STARTS
    assert all(result.failure is not None for result in results[1:])
