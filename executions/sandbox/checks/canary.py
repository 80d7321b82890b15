"""One probe a minute, in a container of its own, for as long as programs are run: an engine may change under us."""

import logging
import threading
from collections.abc import Callable
from itertools import cycle

from executions.sandbox.checks.probes import Probe, probes_for, run_probe
from executions.sandbox.container.container import Container

EVERY_SECONDS = 60.0
"""All probes come round in a quarter of an hour, at the cost of one container a minute."""

ATTEMPTS = 3
"""A probe that fails under load passes the next time; one that fails so often in a row is believed."""

log = logging.getLogger(__name__)


class Canary:
    """Runs the probes in turn, in a thread of its own, and reports one that fails."""

    def __init__(
        self,
        launch: Callable[[], Container],
        is_open: Callable[[], bool],
        report: Callable[[str], None],
        runtime: str | None = None,
    ) -> None:
        self._launch = launch
        self._is_open = is_open
        self._report = report
        self._runtime = runtime
        self._closing = threading.Event()

    def start(self) -> None:
        """Begin. Returns at once."""
        threading.Thread(target=self._sing, name="canary", daemon=True).start()

    def close(self) -> None:
        """Stop after the probe that runs."""
        self._closing.set()

    def _sing(self) -> None:
        for probe in cycle(probes_for(self._runtime)):
            if self._closing.wait(EVERY_SECONDS):
                return
            try:
                self._try(probe)
            except Exception:  # a canary that dies would warn nobody any more
                log.exception("canary failed")

    def _try(self, probe: Probe) -> None:
        for _ in range(ATTEMPTS):
            if not self._is_open():
                return
            result = run_probe(self._launch, probe, self._runtime)
            if result.failure is None:
                return
            log.warning("probe failed: %s: %s", result.name, result.failure)
        self._report(f"probes failed: {probe.name}")
