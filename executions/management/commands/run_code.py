"""`manage.py run_code FILE`: run one program under the same limits, without a record. For debugging."""

import json
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from executions import bounds
from executions.api.answers import AnswerSerializer
from executions.api.serializers import ExecutionRequestSerializer
from executions.configuration import sandbox_settings
from executions.request import ExecutionRequest
from executions.running.service import answer_of
from executions.sandbox.results import SandboxError
from executions.sandbox.sandbox import Sandbox

READY_SECONDS = 60


class Command(BaseCommand):
    help = "Runs one program in its own container and prints the answer as JSON."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the program")
        parser.add_argument("--stdin", type=Path, metavar="FILE", help="the file that the program reads as stdin")
        parser.add_argument("--timeout", type=int, default=bounds.DEFAULT_TIMEOUT_SECONDS, metavar="SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        request = _request(options["file"], options["stdin"], options["timeout"])
        sandbox = Sandbox(replace(sandbox_settings(), pool_size=1, science_pool_size=0, refill_threads=1))
        sandbox.start()
        try:
            if not sandbox.wait_until_ready(READY_SECONDS):
                raise CommandError(sandbox.health().reason)
            outcome = sandbox.execute(request.submission())
        except SandboxError as error:
            raise CommandError(str(error)) from error
        finally:
            sandbox.close(drain_seconds=0)
        answer = AnswerSerializer(answer_of(request, outcome)).data
        del answer["id"]  # there is no record
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2))


def _request(file: Path, stdin: Path | None, timeout: int) -> ExecutionRequest:
    try:
        data = {"code": file.read_text("utf-8"), "timeout": timeout}
        if stdin:
            data["input_data"] = stdin.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(str(error)) from error
    serializer = ExecutionRequestSerializer(data=data)
    if not serializer.is_valid():
        raise CommandError("; ".join(f"{name}: {' '.join(problems)}" for name, problems in serializer.errors.items()))
    return serializer.to_request()
