"""`python -m benchmarks.execute_at_scale FULL EMPTY`: /execute with many recorded executions and with none.

Both are DATABASE_URLs, and both databases are changed: FULL is a copy of one that `python -m benchmarks.million` has
filled. Both services run at once and take turns, at a learner's pace, so that other load on the machine slows both.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.service import DeployedService

ROUNDS = 150
PAUSE_SECONDS = 0.15
COUNT = "from executions.models import Execution; print(Execution.objects.count())"


def main() -> int:
    """Measure and print; return 1 if /execute takes a fifth longer with the full database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("full")
    parser.add_argument("empty")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        beside = DeployedService(_folder(directory, "empty"), DATABASE_URL=arguments.empty)
        filled = DeployedService(_folder(directory, "full"), DATABASE_URL=arguments.full, EXECUTION_RETENTION_DAYS="0")
        with beside, filled:
            seconds: dict[str, list[float]] = {"empty": [], "full": []}
            for _ in range(ROUNDS):
                for name, service in (("empty", beside), ("full", filled)):
                    time.sleep(PAUSE_SECONDS)
                    started = time.perf_counter()
                    service.execute('print("Hello")', learner="learner-00017")
                    seconds[name].append(time.perf_counter() - started)
            rows = int(filled.manage("shell", "--verbosity=0", "-c", COUNT))
    p50 = {name: statistics.median(each) for name, each in seconds.items()}
    ratio = p50["full"] / p50["empty"]
    print(f"empty {p50['empty'] * 1000:.1f} ms, {rows:,} executions {p50['full'] * 1000:.1f} ms: {ratio:.2f}")
    return 0 if ratio < 1.2 else 1


def _folder(directory: str, name: str) -> Path:
    folder = Path(directory, name)
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main())
