"""`manage.py cleanup_containers`: remove containers left behind by services that are gone."""

from argparse import ArgumentParser
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.events import record_event
from executions.records.servers import dead_owners
from executions.sandbox.engine.engine import Engine, EngineError
from executions.sandbox.engine.reaper import orphans, reap_orphans


class Command(BaseCommand):
    help = "Removes containers of services that are gone. Never touches other projects or running services."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="list what would be removed, and remove nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        dead = dead_owners()
        try:
            with closing(Engine()) as engine:
                found = orphans(engine, dead) if options["dry_run"] else reap_orphans(engine, dead)
        except EngineError as error:
            raise CommandError(str(error)) from error
        for container in found:
            self.stdout.write(f"{container.name} ({container.state})")
        if found and not options["dry_run"]:
            record_event("containers_removed", details={"containers": len(found)})
        self.stdout.write(f"{len(found)} {'to remove' if options['dry_run'] else 'removed'}")
