"""`manage.py doctor`: find what an operator got wrong, and say how to fix it."""

import os
import re
import time
from argparse import ArgumentParser
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from apikeys.models import usable_keys
from executions.cluster.board import Board, connect, read_state
from executions.cluster.messages import WORKER_STATES, WorkerState
from executions.configuration import sandbox_settings
from executions.management import faults
from executions.management.faults import Fault
from executions.models import Execution
from executions.records import servers
from executions.records.late_records import reason
from executions.running.heartbeat import cache_error
from executions.sandbox.checks.disk import find_shortage
from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.engine.guest_image import image_name
from executions.sandbox.settings import SandboxSettings

SOCKET = "unix:///var/run/docker.sock"
EXECUTIONS_CHECKED = 200
"""How many of the last executions the check of addresses reads."""

KEY_LIMITS = (
    *("DEFAULT_RATE", "DEFAULT_ADDRESS_RATE", "DEFAULT_LEARNER_RATE"),
    *("DEFAULT_MAX_CONCURRENT", "DEFAULT_EXECUTIONS_PER_DAY", "DEFAULT_CPU_SECONDS_PER_DAY"),
)
"""The settings for new keys."""

Finding = tuple[str, Fault | None]


class Command(BaseCommand):
    help = "Checks engine, database, cache, disk, clocks and settings, and says how to fix each fault. Changes nothing."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--strict", action="store_true", help="fail on warnings too")

    def handle(self, *args: Any, **options: Any) -> None:
        self.report(examine(sandbox_settings()), strict=options["strict"])

    def report(self, findings: Iterable[Finding], *, strict: bool) -> None:
        """Print each finding. Raises CommandError if there is a fault, or with `strict` a warning."""
        count = 0
        for name, fault in findings:
            if fault is None:
                self.stdout.write(self.style.SUCCESS(f"ok       {name}"))
                continue
            count += strict or not fault.is_warning
            word, style = ("warning", self.style.WARNING) if fault.is_warning else ("FAULT  ", self.style.ERROR)
            self.stdout.write(style(f"{word}  {name}: {fault.what}"))
            self.stdout.write(f"         -> {fault.remedy}")
        if count:
            raise CommandError(f"{count} to fix")


def examine(sandbox: SandboxSettings) -> Iterator[Finding]:
    """Yield the name of each part with its fault, or None if it is well."""
    yield from examine_settings()
    if settings.EXECUTOR == "celery":
        yield from examine_cluster()
        directory = None
    else:
        directory = yield from examine_machine()
    yield from examine_database()
    yield "cache", faults.check_cache(cache_error())
    yield "disk", faults.check_disk(find_shortage(sandbox, directory))


def examine_machine() -> Generator[Finding, None, Path | None]:
    """Yield the findings about this machine's engine. Returns its directory, if it answers."""
    address = os.environ.get("DOCKER_HOST", SOCKET)
    if address.startswith("unix://"):
        yield "socket", examine_socket(address.removeprefix("unix://"))
    directory = None
    with closing(Engine()) as engine:
        try:
            asked = time.time()
            info = engine.info()
            directory = Path(info["DockerRootDir"])
            yield from examine_engine(engine, info, asked)
        except EngineError as error:
            yield "engine", faults.check_engine(str(error), "")
    return directory


def examine_cluster() -> Iterator[Finding]:
    """Yield the findings about Redis, the broker and the workers."""
    from executions.cluster.transport import broker_error  # Celery takes 6 MB and half a second

    if not settings.REDIS_URL:  # examine_settings says so
        return
    client = connect(settings.REDIS_URL)
    try:
        memory = client.info("memory")
        roll, asked = Board(client).roll(), time.time()
    except RedisError as error:
        yield "Redis", faults.check_redis(str(error))
        return
    yield "Redis", None
    limits = (memory["maxmemory_policy"], memory["used_memory"], memory["maxmemory"])
    yield "Redis's memory", faults.check_redis_memory(*limits)
    yield "broker", faults.check_broker(broker_error(settings.CELERY_BROKER_URL))
    states = [read_state(said, WORKER_STATES) for said in roll.values() if said is not None]
    yield from examine_workers([state for state in states if state is not None], states.count(None), asked)


def examine_workers(workers: Collection[WorkerState], of_other_versions: int, asked: float) -> Iterator[Finding]:
    """Yield the findings about the workers that were alive at the time `asked`, one by one and together."""
    yield "workers", faults.check_workers(len(workers), of_other_versions)
    own_image = image_name()
    for each in sorted(workers, key=lambda each: (each.host, each.name)):
        name, health = f"worker {each.label} on {each.host}", each.health
        fault = faults.check_worker(each.host, each.status, health.reason, each.image, own_image)
        fault = fault or faults.check_clock(name, each.clock - asked)
        use = f"{health.in_use} of {each.slots} slots in use, {health.idle} in stock, {health.waiting} in line"
        yield name if fault else f"{name}: {use}", fault
    threads = settings.SANDBOX_MAX_CONCURRENT + settings.SANDBOX_MAX_INTERACTIVE + settings.SANDBOX_QUEUE_LENGTH
    try:
        services = max(len(servers.living()), 1)
    except (DatabaseError, InterfaceError):  # examine_database reports it
        return
    yield "threads", faults.check_threads(services, threads, sum(each.slots for each in workers))


def examine_settings() -> Iterator[Finding]:
    """Yield the findings that need neither engine nor database."""
    wrong = [message for message in run_checks() if message.level >= ERROR]
    for message in wrong:
        yield "settings", Fault(message.msg, message.hint or "See docs/settings.md")
    if not wrong:
        yield "settings", None
    env_file = Path(os.environ.get("ENV_FILE") or settings.BASE_DIR / ".env")
    mode = env_file.stat().st_mode if env_file.exists() else None
    yield "secrets", faults.check_secrets(settings.SECRET_KEY, settings.API_KEY, str(env_file), mode)


def examine_socket(path: str) -> Fault | None:
    """Return the fault of the engine's socket, if any."""
    try:
        found = os.stat(path)
    except OSError:  # it is not there, or in a directory that we may not enter
        return faults.check_socket(path, None, 0, (), False)
    may_use = os.access(path, os.R_OK | os.W_OK)
    return faults.check_socket(path, found.st_mode, found.st_gid, os.getgroups(), may_use)


def examine_engine(engine: Engine, info: Mapping[str, Any], asked: float) -> Iterator[Finding]:
    """Yield the findings from `info`, which the engine answered at the time `asked`. Raises EngineError."""
    yield "engine", faults.check_engine("", engine.api_version())
    yield "cgroups", faults.check_cgroups(info)
    yield "seccomp", faults.check_seccomp(info.get("SecurityOptions") or ())
    yield "runtime", faults.check_runtime(settings.SANDBOX_RUNTIME, info.get("Runtimes") or ())
    try:
        has_image = bool(engine.image_id(image_name()))
    except EngineError:
        has_image = False
    yield "image", faults.check_image(image_name(), has_image)
    memory = faults.check_memory(
        info["MemTotal"],
        pool_size=settings.SANDBOX_POOL_SIZE,
        science_pool_size=settings.SANDBOX_SCIENCE_POOL_SIZE,
        max_concurrent=settings.SANDBOX_MAX_CONCURRENT,
        max_interactive=settings.SANDBOX_MAX_INTERACTIVE,
    )
    yield "memory", memory
    yield f"capacity: {capacity()}", None
    yield "engine's clock", faults.check_clock("engine", time_of(info["SystemTime"]) - asked)


def time_of(moment: str) -> float:
    """Return the seconds since 1970 of a time as the engine writes it: in its own time zone, with nanoseconds."""
    return datetime.fromisoformat(re.sub(r"\.\d+", "", moment)).timestamp()


def capacity() -> str:
    """Return how much may run, and what `auto` in the settings was worked out from."""
    machine, at_once = settings.CAPACITY, settings.SANDBOX_MAX_CONCURRENT
    return (
        f"{machine.processors} processors, {faults.megabytes(machine.free_bytes)} free; "
        f"{settings.SANDBOX_POOL_SIZE} + {settings.SANDBOX_SCIENCE_POOL_SIZE} containers in stock, "
        f"{at_once} programs at once ({min(at_once, machine.busy_concurrent)} while the processors are busy), "
        f"{settings.SANDBOX_MAX_INTERACTIVE} interactive, {settings.SANDBOX_QUEUE_LENGTH} requests in line"
    )


def examine_keys() -> Iterator[Finding]:
    """Yield whether there is a key, and whether the settings of its limits reach it. Raises DatabaseError."""
    keys = [key for key in usable_keys() if not key.is_playground]
    yield "keys", faults.check_keys(len(keys))
    given = {name: getattr(settings, name) for name in KEY_LIMITS if name in os.environ}
    for key in keys:
        if key.is_from_environment:
            yield "limits of API_KEY", faults.check_limits(given, vars(key))


def examine_database() -> Iterator[Finding]:
    """Yield the findings about the database. Without an answer or with pending migrations, leave out the rest."""
    is_server = connection.vendor == "postgresql"
    file = "" if is_server else str(settings.DATABASES["default"]["NAME"])
    yield "data", faults.check_volume(file, os.path.ismount(Path(file).resolve().parent))
    try:
        migrations = MigrationExecutor(connection)
        pending = [str(migration) for migration, _ in migrations.migration_plan(migrations.loader.graph.leaf_nodes())]
        yield "database", faults.check_database("", pending)
        if pending:
            return
        yield from examine_keys()
        recent = Execution.objects.filter(staff=None).order_by("-created")[:EXECUTIONS_CHECKED]
        addresses = list(recent.values_list("client_address", flat=True))
        yield "proxies", faults.check_proxies(settings.TRUSTED_PROXY_COUNT, addresses)
        alive = servers.living()
        own_key = servers.key_fingerprint(settings.SECRET_KEY)
        yield "one SECRET_KEY", faults.check_secret_keys(own_key, {each.owner: each.secret_key for each in alive})
        yield "shared rates", faults.check_shared_counts(len(alive), bool(settings.REDIS_URL))
        if is_server:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT extract(epoch FROM clock_timestamp()), current_setting('max_connections')::int"
                    " - current_setting('superuser_reserved_connections')::int"
                )
                clock, accepted = cursor.fetchone()
            drift_seconds = float(clock) - time.time()
            services = max(len(alive), 1)
            yield "connections", faults.check_connections(settings.DATABASE_CONNECTIONS, services, accepted)
            yield "database's clock", faults.check_clock("database", drift_seconds)
    except (DatabaseError, InterfaceError) as error:
        yield "database", faults.check_database(reason(error) or type(error).__name__, ())
