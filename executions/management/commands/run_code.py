"""`manage.py run_code FILE`: one program, under the same limits. For debugging; leaves no record."""

import json
from argparse import ArgumentParser, FileType
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from executions import limits
from executions.executor import sandbox_settings
from executions.requests import ExecutionRequest
from executions.sandbox.results import SandboxError
from executions.sandbox.sandbox import Sandbox
from executions.service import answer

READY_SECONDS = 60


class Command(BaseCommand):
    help = "Runs one program in a container of its own and prints the answer as JSON."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=FileType(encoding="utf-8"), help="the program; - for standard input")
        parser.add_argument(
            "--stdin", type=FileType(encoding="utf-8"), help="a file that the program reads as its stdin"
        )
        parser.add_argument(
            "--timeout",
            type=int,
            choices=range(limits.SHORTEST_TIMEOUT_SECONDS, limits.LONGEST_TIMEOUT_SECONDS + 1),
            default=limits.DEFAULT_TIMEOUT_SECONDS,
            metavar="SECONDS",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stdin = options["stdin"].read() if options["stdin"] else ""
        request = ExecutionRequest(options["file"].read(), stdin, timeout=options["timeout"])
        sandbox = Sandbox(replace(sandbox_settings(), pool_size=1, refill_threads=1))
        sandbox.start()
        try:
            if not sandbox.wait_until_ready(READY_SECONDS):
                raise CommandError(sandbox.health().reason)
            outcome = sandbox.execute(request.submission())
        except SandboxError as error:
            raise CommandError(str(error)) from error
        finally:
            sandbox.close(drain_seconds=0)
        self.stdout.write(json.dumps(answer(request, outcome), ensure_ascii=False, indent=2))
