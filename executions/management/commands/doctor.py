"""`manage.py doctor`: everything that an operator can get wrong, and how each is mended."""

import os
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.checks import ERROR, run_checks
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from executions.management import diagnosis
from executions.management.diagnosis import Fault
from executions.models import Execution
from executions.running.executor import sandbox_settings
from executions.sandbox.checks.disk import find_shortage
from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.engine.guest_image import image_name

SOCKET = "unix:///var/run/docker.sock"
LOOKED_AT = 200
"""Executions whose addresses are looked at."""

Finding = tuple[str, Fault | None]


class Command(BaseCommand):
    help = (
        "Examines engine, database, cache, disk, clocks and settings; says how to mend what is wrong. Changes nothing."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--strict", action="store_true", help="fail on warnings, too")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        for name, fault in examine():
            if fault is None:
                self.stdout.write(self.style.SUCCESS(f"ok       {name}"))
                continue
            faults += options["strict"] or not fault.is_warning
            word, style = ("warning", self.style.WARNING) if fault.is_warning else ("FAULT  ", self.style.ERROR)
            self.stdout.write(style(f"{word}  {name}: {fault.what}"))
            self.stdout.write(f"         -> {fault.remedy}")
        if faults:
            raise CommandError(f"{faults} to mend")


def examine() -> Iterator[Finding]:
    """Yield every part with what is wrong with it."""
    yield from examine_settings()
    yield from examine_engine()
    yield from examine_database()
    yield "cache", diagnosis.check_cache(cache_error())
    yield "disk", examine_disk()


def examine_settings() -> Iterator[Finding]:
    """Yield what can be told without asking anybody."""
    wrong = [message for message in run_checks() if message.level >= ERROR]
    for message in wrong:
        yield "settings", Fault(message.msg, message.hint or "See docs/settings.md")
    if not wrong:
        yield "settings", None
    env_file = Path(os.environ.get("ENV_FILE") or settings.BASE_DIR / ".env")
    mode = env_file.stat().st_mode if env_file.exists() else None
    yield "secrets", diagnosis.check_secrets(settings.SECRET_KEY, settings.API_KEY, str(env_file), mode)


def examine_engine() -> Iterator[Finding]:
    """Yield what the engine says of itself; what needs it is left out when it does not answer."""
    address = os.environ.get("DOCKER_HOST", SOCKET)
    if address.startswith("unix://"):
        yield "socket", examine_socket(address.removeprefix("unix://"))
    with closing(Engine()) as engine:
        try:
            asked = time.time()
            info = engine.info()
        except EngineError as error:
            yield "engine", diagnosis.check_engine(str(error), "")
            return
        yield "engine", diagnosis.check_engine("", engine.api_version())
        try:
            image_is_there = bool(engine.image_id(image_name()))
        except EngineError:
            image_is_there = False
    yield "cgroups", diagnosis.check_cgroups(info)
    yield "seccomp", diagnosis.check_seccomp(info.get("SecurityOptions") or ())
    yield "runtime", diagnosis.check_runtime(settings.SANDBOX_RUNTIME, info.get("Runtimes") or ())
    yield "image", diagnosis.check_image(image_name(), image_is_there)
    memory = diagnosis.check_memory(
        info["MemTotal"],
        pool_size=settings.SANDBOX_POOL_SIZE,
        science_pool_size=settings.SANDBOX_SCIENCE_POOL_SIZE,
        max_concurrent=settings.SANDBOX_MAX_CONCURRENT,
        max_interactive=settings.SANDBOX_MAX_INTERACTIVE,
    )
    yield "memory", memory
    theirs = datetime.fromisoformat(info["SystemTime"][:19]).replace(tzinfo=UTC).timestamp()
    yield "engine's clock", diagnosis.check_clock("engine", theirs - asked)


def examine_socket(path: str) -> Fault | None:
    """Return what is wrong with the engine's socket."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return diagnosis.check_socket(path, None, 0, (), False)
    may_use = os.access(path, os.R_OK | os.W_OK)
    return diagnosis.check_socket(path, found.st_mode, found.st_gid, os.getgroups(), may_use)


def examine_database() -> Iterator[Finding]:
    """Yield what the database says; what needs it is left out when it does not answer."""
    is_server = connection.vendor == "postgresql"
    file = "" if is_server else str(settings.DATABASES["default"]["NAME"])
    yield "data", diagnosis.check_volume(file, os.path.ismount(Path(file).resolve().parent))
    try:
        migrations = MigrationExecutor(connection)
        pending = [str(migration) for migration, _ in migrations.migration_plan(migrations.loader.graph.leaf_nodes())]
        yield "database", diagnosis.check_database("", pending)
        if pending:
            return
        recent = Execution.objects.filter(staff=None).order_by("-created")[:LOOKED_AT]
        addresses = list(recent.values_list("client_address", flat=True))
        yield "proxies", diagnosis.check_proxies(settings.TRUSTED_PROXY_COUNT, addresses)
        if is_server:
            with connection.cursor() as cursor:
                cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
                drift_seconds = float(cursor.fetchone()[0]) - time.time()
            yield "database's clock", diagnosis.check_clock("database", drift_seconds)
    except (DatabaseError, InterfaceError) as error:
        yield "database", diagnosis.check_database(str(error).splitlines()[0], ())


def cache_error() -> str:
    """Return why the cache does not keep what it is given, "" if it does."""
    try:
        cache.set("doctor", "well", timeout=10)
        return "" if cache.get("doctor") == "well" else "it forgets what it is given"
    except RedisError as error:
        return str(error)


def examine_disk() -> Fault | None:
    """Return what the service would refuse for. The engine's disk is left out when it does not answer."""
    with closing(Engine()) as engine:
        try:
            directory = engine.directory()
        except EngineError:
            directory = None
    return diagnosis.check_disk(find_shortage(sandbox_settings(), directory))
