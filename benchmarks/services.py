"""The services that `make bench` compares. All settings are the defaults but those that it is about."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from codeexec.capacity import Capacity
from tests.service import FEW, DeployedService

STOCKED_SECONDS = 180
REST_SECONDS = 1.0
ROWS = 100_000
"""How many executions the filled service has on record. `benchmarks.execute_at_scale` compares with a million."""

FILL = f"from benchmarks.population import populate; populate({ROWS})"
NO_SCIENCE = {"SANDBOX_SCIENCE_POOL_SIZE": "0"}


class StockedService(DeployedService):
    """A service that has its whole stock of containers when it has started, by default of both profiles.

    The sizes of the stock are the defaults, worked out beforehand: else nobody knows when it is full.
    """

    def __init__(self, directory: Path, **environment: str) -> None:
        directory.mkdir(exist_ok=True)
        capacity = Capacity.of_this_machine()
        sizes = {
            "SANDBOX_POOL_SIZE": str(min(capacity.pool_size, 2 * capacity.max_concurrent)),
            "SANDBOX_SCIENCE_POOL_SIZE": str(capacity.science_pool_size),
        }
        others = dict.fromkeys((name for name in FEW if name not in sizes), "auto")
        super().__init__(directory, **(others | sizes | environment))
        self._stock = sum(int(self.environment[name]) for name in sizes)

    def __enter__(self) -> Self:
        super().__enter__()
        with ExitStack() as undo:
            undo.callback(self.stop)
            self.settle()
            undo.pop_all()
        return self

    def settle(self) -> None:
        """Wait until no program runs and the whole stock waits."""
        deadline = time.monotonic() + STOCKED_SECONDS
        since = time.monotonic()
        while time.monotonic() - since < REST_SECONDS:
            assert time.monotonic() < deadline, self.health()
            time.sleep(0.1)
            pool = self.health()["pool"]
            if pool["in_use"] or pool["waiting"] or pool["idle"] < self._stock:
                since = time.monotonic()


class FilledService(StockedService):
    """A service with ROWS executions on record."""

    def __init__(self, directory: Path, **environment: str) -> None:
        super().__init__(directory, EXECUTION_RETENTION_DAYS="0", **environment)

    def migrate(self) -> None:
        """Create the tables and fill them."""
        super().migrate()
        self.manage("shell", "--verbosity=0", "-c", FILL)
