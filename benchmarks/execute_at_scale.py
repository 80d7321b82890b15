"""`python -m benchmarks.execute_at_scale DATABASE`: /execute with many executions on record, beside an empty database.

DATABASE is a SQLite file that `python -m benchmarks.million` has filled; it is copied first. Both services run at once
and are asked in turn, at a learner's pace, so that whatever else the machine does slows both.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.service import Service

ROUNDS = 150
PAUSE_SECONDS = 0.15


def main() -> int:
    """Measure and print; return 1 if the full database costs a fifth more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", type=Path)
    database: Path = parser.parse_args().database
    with tempfile.TemporaryDirectory() as directory:
        full, empty = Path(directory, "full"), Path(directory, "empty")
        full.mkdir()
        empty.mkdir()
        shutil.copy(database, full / "db.sqlite3")
        with Service(empty) as beside, Service(full, EXECUTION_RETENTION_DAYS="0") as filled:
            seconds: dict[str, list[float]] = {"empty": [], "full": []}
            for _ in range(ROUNDS):
                for name, service in (("empty", beside), ("full", filled)):
                    time.sleep(PAUSE_SECONDS)
                    started = time.perf_counter()
                    service.execute('print("Hello")', learner="learner-00017")
                    seconds[name].append(time.perf_counter() - started)
            rows = filled.query("SELECT count(*) FROM executions_execution")[0][0]
    p50 = {name: statistics.median(each) for name, each in seconds.items()}
    ratio = p50["full"] / p50["empty"]
    print(f"empty {p50['empty'] * 1000:.1f} ms, {rows:,} executions {p50['full'] * 1000:.1f} ms: {ratio:.2f}")
    return 0 if ratio < 1.2 else 1


if __name__ == "__main__":
    sys.exit(main())
