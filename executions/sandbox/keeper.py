"""Opens the sandbox while programs can run safely: the engine answers, the probes have passed, the disk has room."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from executions.sandbox.checks.attacks import Probe
from executions.sandbox.checks.disk import find_shortage
from executions.sandbox.checks.probes import STARTS, ProbeResult, run_probes
from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.engine.guest_image import ImageError, build_image, image_name
from executions.sandbox.engine.reaper import Reaper, reap_orphans
from executions.sandbox.launcher import Launcher
from executions.sandbox.pool import Pool
from executions.sandbox.results import SandboxUnavailable
from executions.sandbox.settings import SandboxSettings
from executions.sandbox.timing import Timing
from executions.threads import Loop

log = logging.getLogger(__name__)


class Gate:
    """Whether programs may run now, and the reason if not. Once closed, it stays shut. For many threads.

    `refuse_line` refuses the callers in line; `shut` calls it each time, with the reason.
    """

    def __init__(self, refuse_line: Callable[[str], None] = lambda _: None) -> None:
        self._refuse_line = refuse_line
        self._last_reason = "starting"
        self._open = threading.Event()
        self._is_closed = False
        self._changing = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether programs may run now."""
        return self._open.is_set()

    @property
    def reason(self) -> str:
        """Why programs may not run now, "" if they may."""
        return "" if self.is_open else self._last_reason

    def wait(self, timeout_seconds: float) -> bool:
        """Wait until the gate is open; return whether it is."""
        return self._open.wait(timeout_seconds)

    def demand_open(self) -> None:
        """Raise SandboxUnavailable unless programs may run now."""
        if not self.is_open:
            raise SandboxUnavailable(self._last_reason)

    def open(self) -> None:
        """Let programs run."""
        with self._changing:
            if not self._is_closed:
                self._open.set()

    def shut(self, reason: str) -> None:
        """Refuse programs, and log the reason if it is new."""
        with self._changing:
            if self._is_closed:
                return
            if self.is_open or reason != self._last_reason:
                log.error("code is not run: %s", reason)
            self._last_reason = reason
            self._open.clear()
        self._refuse_line(reason)

    def close(self) -> None:
        """Refuse programs from now on, because the service stops."""
        with self._changing:
            self._is_closed = True
            self._last_reason = "shutting down"
            self._open.clear()


class Keeper(Loop):
    """Checks the engine, the disk and the waiting containers; opens and shuts the gate."""

    def __init__(
        self,
        gate: Gate,
        pool: Pool,
        launcher: Launcher,
        reaper: Reaper,
        probes: Sequence[Probe],
        settings: SandboxSettings,
        timing: Timing,
        dead_owners: Callable[[], Collection[str]] = tuple,
    ) -> None:
        super().__init__("keeper", self._keep, timing.check_seconds)
        self.is_connected = False
        self.shortage: str | None = None
        """Which disk is full, None if none is."""
        self._gate = gate
        self._pool = pool
        self._launcher = launcher
        self._reaper = reaper
        self._probes = probes
        self._settings = settings
        self._timing = timing
        self._dead_owners = dead_owners
        self._checks = 0
        self._engine_directory: Path | None = None
        self._next_build = 0.0

    def probe(self) -> list[ProbeResult]:
        """Run the probes on the current engine and image. Raises EngineError."""
        engine = self._launcher.engine()
        self._launcher.use_image(engine.image_id(self._settings.image or image_name()), engine.user_ids())
        return list(run_probes(engine, self._launcher.launch, self._launcher.options(), self._probes))

    def _keep(self) -> None:
        try:
            self._check(self._launcher.engine())
        except EngineError as error:
            self.is_connected = False
            self._gate.shut(str(error))
        except BaseException:  # fail closed: nothing was checked, so nothing may run
            self._gate.shut("internal error")
            raise
        finally:
            self._checks += 1

    def _check(self, engine: Engine) -> None:
        self.shortage = find_shortage(self._settings, self._engine_directory)
        engine.ping()
        self.is_connected = True
        self._pool.discard_dead()
        if self._checks % self._timing.checks_per_reap == 0:
            self._launcher.forget_closed()
            self._reaper.reap(engine, self._launcher.held_names(), self._dead_owners())
        if self.shortage is not None:
            self._gate.shut(self.shortage)
        elif self._reaper.stuck >= self._settings.max_concurrent:
            self._gate.shut("containers cannot be ended")  # each uses as much as one in the pool
        elif self._pool.is_failing:
            self._gate.shut("containers cannot be started")
            self._try_to_open(engine)
        elif not self._gate.is_open:
            self._try_to_open(engine)

    def _try_to_open(self, engine: Engine) -> None:
        reap_orphans(engine, self._dead_owners())  # fails, and leaves the gate shut, if the engine lists no containers
        try:
            self._engine_directory = engine.directory()
            self.shortage = find_shortage(self._settings, self._engine_directory)
            if self.shortage is not None:  # neither probes nor a build of the image may fill the disk
                self._gate.shut(self.shortage)
                return
            failures = [result for result in self.probe() if result.failure is not None]
        except EngineError as error:
            self._gate.shut(str(error))
            if error.missing and not self._settings.image:
                self._build_image(engine)
            return
        for each in failures:
            log.error("probe failed: %s: %s", each.name, each.failure)
        if failures:
            self._gate.shut("probes failed: " + ", ".join(each.name for each in failures))
            if failures[0].name != STARTS:  # which costs little to try again
                self.wait(self._timing.retry_probes_seconds)
            return
        if not self.is_closing:
            log.info("probes passed; open")
            self._pool.discard_idle()  # launched before the probes passed
            self._pool.forget_failures()  # a probe has launched containers
            self._gate.open()
            self._pool.start()

    def _build_image(self, engine: Engine) -> None:
        """Build the image again after its removal, for example by `docker system prune -a`."""
        if time.monotonic() < self._next_build:
            return
        log.warning("building the guest image")
        try:
            for _ in build_image(engine):
                pass
        except (EngineError, ImageError) as error:
            log.error("the guest image cannot be built: %s", error)
        finally:
            self._next_build = time.monotonic() + self._timing.retry_build_seconds
