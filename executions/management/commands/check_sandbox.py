"""`manage.py check_sandbox`: run the probes that the service runs at each start."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from executions.configuration import sandbox_settings
from executions.sandbox.engine.engine import EngineError
from executions.sandbox.sandbox import Sandbox


class Command(BaseCommand):
    help = "Attacks the sandbox from inside and prints a line for each probe. Fails if an attack succeeds."

    def handle(self, *args: Any, **options: Any) -> None:
        sandbox = Sandbox(sandbox_settings())
        try:
            results = sandbox.probe()
        except EngineError as error:
            raise CommandError(str(error)) from error
        finally:
            sandbox.close(drain_seconds=0)
        for result in results:
            if result.failure is None:
                self.stdout.write(self.style.SUCCESS(f"ok      {result.name}"))
            else:
                self.stdout.write(self.style.ERROR(f"FAILED  {result.name}: {result.failure}"))
        failed = sum(result.failure is not None for result in results)
        if failed:
            raise CommandError(f"{failed} of {len(results)} probes failed")
