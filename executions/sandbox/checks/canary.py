"""Runs one probe a minute, in a container of its own, while programs run: the engine may change meanwhile."""

from collections.abc import Callable, Sequence
from itertools import cycle

from executions.sandbox.checks.attacks import Probe
from executions.sandbox.checks.probes import run_probe
from executions.sandbox.container.container import Container
from executions.threads import Loop


class Canary(Loop):
    """Runs the probes in turn, while `is_open`; calls `report` when one fails."""

    def __init__(
        self,
        launch: Callable[[], Container],
        is_open: Callable[[], bool],
        report: Callable[[str], None],
        probes: Sequence[Probe],
        every_seconds: float,
        runtime: str | None = None,
    ) -> None:
        super().__init__("canary", self._run_next, every_seconds)
        self._launch = launch
        self._is_open = is_open
        self._report = report
        self._runtime = runtime
        self._probes = cycle(probes)

    def _run_next(self) -> None:
        if not self._is_open():
            return
        result = run_probe(self._launch, next(self._probes), self._runtime, self._is_open)
        if result is not None and result.failure is not None:
            self._report(f"probes failed: {result.name}")
