"""The sandbox: one object that runs submissions in warm containers, and refuses while that is not safe."""

import logging
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from executions.sandbox.checks.canary import Canary
from executions.sandbox.checks.disk import find_shortage
from executions.sandbox.checks.probes import STARTS, ProbeResult, run_probes
from executions.sandbox.console import Began, Console, Ended
from executions.sandbox.container.container import Container
from executions.sandbox.container.talk import Patience, Talk
from executions.sandbox.engine.deaths import DeathWatch
from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.engine.guest_image import build_image, image_name
from executions.sandbox.engine.options import NAME_PREFIX, OWNER_LABEL, container_options
from executions.sandbox.engine.owner import Owner
from executions.sandbox.engine.reaper import Reaper, Undertaker, reap_orphans
from executions.sandbox.pool import Pool
from executions.sandbox.profiles import Profile, choose_profile
from executions.sandbox.results import Outcome, Run, RunStatus, SandboxUnavailable, Submission
from executions.sandbox.settings import SandboxSettings

CHECK_SECONDS = 1.0
"""How often the keeper looks at the engine and the waiting containers."""

REAP_EVERY_CHECKS = 5
RETRY_PROBES_SECONDS = 10
RETRY_BUILD_SECONDS = 60

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SandboxHealth:
    """The state of the sandbox. `engine` is "connected" or "unreachable", `reason` says why it is not ready.

    `disk` is "ok" or "full". `stuck` are containers that the engine says it has ended and that run on.
    """

    ready: bool
    engine: str
    reason: str
    idle: int
    in_use: int
    waiting: int
    disk: str = "ok"
    stuck: int = 0


class Sandbox:
    """Runs submissions. Opens when the engine answers and the probes have passed; closes itself when they do not."""

    _containers: ClassVar[dict[str, Container | None]] = {}
    """By name; None while it is being launched. Of all sandboxes of this process: to a reaper they are one owner."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self._owner = str(Owner.of_this_process())
        self._deaths = DeathWatch([f"{OWNER_LABEL}={self._owner}"], settings.runtime)
        self._pool = Pool(self._launch, settings)
        self._reaper = Reaper(self._owner)
        self._undertaker = Undertaker()
        self._shortage: str | None = None
        self._engine_directory: Path | None = None
        self._next_build = 0.0
        self._engines: dict[int, Engine] = {}  # by thread: clients are not made to be shared
        self._options: dict[Profile, dict[str, Any]] = {}
        self._connected = False
        self._reason = "starting"
        self._open = threading.Event()
        self._canary = Canary(self._launch, self._open.is_set, self._shut, settings.runtime)
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="sandbox-keeper", daemon=True)

    def start(self) -> None:
        """Begin to connect, probe and fill the pool. Returns at once."""
        self._deaths.start()
        self._undertaker.start()
        self._canary.start()
        self._keeper.start()

    def wait_until_ready(self, timeout_seconds: float) -> bool:
        """Wait until programs can be run; return whether they can."""
        return self._open.wait(timeout_seconds)

    def execute(self, submission: Submission, console: Console | None = None) -> Outcome:
        """Run the submission's program and its tests in one fresh container, which nobody uses again.

        Whoever looks on by `console` is told of it meanwhile, may answer the program and end it.
        Takes at most `queue_seconds` of waiting and the submission's timeout with a short grace. Raises SandboxBusy,
        SandboxUnavailable, CallerGone (nothing has run) or RunLost (something may have run; its results are lost).
        """
        self._demand_open()
        asked = time.monotonic()
        with self._pool.container(choose_profile(submission), submission.is_abandoned) as container:
            self._demand_open()  # again, for whoever stood in line when it was shut
            waited_seconds = time.monotonic() - asked
            talk = None
            if console is not None:
                console.put(Began())
                patience = Patience(self._settings.input_seconds, self._settings.input_seconds_in_all)
                talk = Talk(console, patience, self._pool.without_slot)
            try:
                main, *tests = _run_all(container, submission, talk)
            finally:
                if not container.is_usable:
                    self._undertaker.remove(container.id)
            return Outcome(main, tuple(tests), waited_seconds)

    def _demand_open(self) -> None:
        if not self._open.is_set():
            raise SandboxUnavailable(self._reason)

    def health(self) -> SandboxHealth:
        """Return the state as last seen. Asks nobody, so that it answers at once."""
        return SandboxHealth(
            ready=self._open.is_set() and not self._pool.is_failing,
            engine="connected" if self._connected else "unreachable",
            reason=self._reason,
            idle=self._pool.idle,
            in_use=self._pool.in_use,
            waiting=self._pool.waiting,
            disk="full" if self._shortage else "ok",
            stuck=self._reaper.stuck,
        )

    def probe(self) -> list[ProbeResult]:
        """Run the probes now, on an engine and image as they are. Raises EngineError."""
        self._deaths.start()  # under gVisor, only the engine can tell of a kill for memory
        engine = self._engine()
        image_id = engine.image_id(self._settings.image or image_name())
        self._options = {
            profile: container_options(image_id, self._owner, self._settings.runtime, profile) for profile in Profile
        }
        return list(run_probes(engine, self._launch, self._options[Profile.PLAIN]))

    def close(self, drain_seconds: float) -> None:
        """Refuse new submissions, let running ones finish for `drain_seconds`, and let all containers go."""
        self._reason = "shutting down"
        self._open.clear()
        self._closing.set()
        self._canary.close()
        self._pool.close(drain_seconds)
        if self._keeper.is_alive():
            self._keeper.join(drain_seconds)
        self._deaths.close()
        self._undertaker.close()
        for engine in self._engines.values():
            engine.close()

    def _keep(self) -> None:
        """Hold the sandbox open as long as that is safe. The body of the keeper's thread."""
        checks = 0
        while not self._closing.is_set():
            try:
                self._check(checks)
            except EngineError as error:
                self._connected = False
                self._shut(str(error))
            except Exception:  # a keeper that dies would leave the gate as it stands
                log.exception("keeper failed")
                self._shut("internal error")
            checks += 1
            self._closing.wait(CHECK_SECONDS)

    def _check(self, checks: int) -> None:
        engine = self._engine()
        self._shortage = find_shortage(self._settings, self._engine_directory)
        engine.ping()
        self._connected = True
        self._pool.discard_dead()
        if checks % REAP_EVERY_CHECKS == 0:
            self._reaper.reap(engine, self._held_names())
        if self._shortage is not None:
            self._shut(self._shortage)
        elif self._reaper.stuck >= self._settings.max_concurrent:
            self._shut("containers cannot be ended")  # each takes what one of ours would
        elif self._pool.is_failing:
            self._shut("containers cannot be started")
            self._try_to_open(engine)
        elif not self._open.is_set():
            self._try_to_open(engine)

    def _try_to_open(self, engine: Engine) -> None:
        reap_orphans(engine)
        try:
            self._engine_directory = engine.directory()
            self._shortage = find_shortage(self._settings, self._engine_directory)
            if self._shortage is not None:  # nor may a probe, or a build of the image, fill it up
                self._shut(self._shortage)
                return
            failures = [result for result in self.probe() if result.failure is not None]
        except EngineError as error:
            self._shut(str(error))
            if error.missing and not self._settings.image:
                self._build_image(engine)
            return
        for each in failures:
            log.error("probe failed: %s: %s", each.name, each.failure)
        if failures:
            self._shut("probes failed: " + ", ".join(each.name for each in failures))
            if failures[0].name != STARTS:  # which costs nothing to try again
                self._closing.wait(RETRY_PROBES_SECONDS)
            return
        if not self._closing.is_set():
            log.info("probes passed; open")
            self._reason = ""
            self._pool.discard_idle()  # made when it was not known what the engine does
            self._open.set()
            self._pool.start()

    def _build_image(self, engine: Engine) -> None:
        """Build the image that somebody has removed, as `docker system prune -a` does when nothing runs."""
        if time.monotonic() < self._next_build:
            return
        log.warning("building the guest image")
        try:
            for _ in build_image(engine):
                pass
        except EngineError as error:
            log.error("the guest image cannot be built: %s", error)
        self._next_build = time.monotonic() + RETRY_BUILD_SECONDS

    def _shut(self, reason: str) -> None:
        if self._open.is_set() or reason != self._reason:
            log.error("code is not run: %s", reason)
        self._reason = reason
        self._open.clear()

    def _launch(self, profile: Profile = Profile.PLAIN) -> Container:
        name = f"{NAME_PREFIX}{uuid.uuid4()}"
        self._containers[name] = None
        try:
            options = self._options[profile]
            deaths = self._deaths
            container = Container.launch(
                self._engine(), name, options, deaths.killed_for_memory, deaths.collapsed, profile
            )
        except BaseException:
            del self._containers[name]
            raise
        self._containers[name] = container
        return container

    def _held_names(self) -> set[str]:
        for name, container in list(self._containers.items()):
            if container is not None and container.is_closed:
                self._containers.pop(name, None)
        return set(self._containers)

    def _engine(self) -> Engine:
        return self._engines.setdefault(threading.get_ident(), Engine())


def _run_all(container: Container, submission: Submission, talk: Talk | None) -> list[Run]:
    """Run the program, then its tests, until the submission's time is spent or the container is."""
    runs: list[Run] = []
    remaining_seconds = submission.timeout_seconds
    for test in (None, *submission.tests):
        if remaining_seconds <= 0 or not container.is_usable:
            run = Run(RunStatus.NOT_RUN)
        else:
            run = container.run(submission.code, submission.stdin, test, remaining_seconds, talk)
        remaining_seconds -= run.wall_seconds
        runs.append(run)
        if talk is not None:
            talk.console.put(Ended(run))
    return runs
