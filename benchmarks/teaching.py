"""`python -m benchmarks.teaching`: what a rule, files and a trace add to a learner's wait for `print("Hello")`.

All are measured in turns at a learner's pace, so that other work on the machine slows down each of them alike.
docs/test-cases.md has the figures.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bounds import Ratio
from benchmarks.pace import PAUSE_SECONDS
from benchmarks.results import p95
from benchmarks.services import NO_SCIENCE, StockedService
from benchmarks.ways import PROGRAM
from tests.service import Service

ROUNDS = 40
LOOP = f"{PROGRAM}\nfor number in range(1000):\n    square = number * number\n"
RULE = [{"uses": ["for"], "avoids": ["sum"]}]
FILES = [{"name": f"part{number}.csv", "text": "3.14159,2\n" * 5242} for number in range(20)]

HELLO, RULED, SYNTAX, WITH_FILES, TRACED = "Hello", "a rule", "a rule, and no Python", "20 files, 1 MiB", "500 steps"
WAYS: dict[str, dict[str, Any]] = {
    HELLO: {"code": PROGRAM},
    RULED: {"code": PROGRAM, "test_cases": RULE},
    SYNTAX: {"code": PROGRAM[:-1], "test_cases": RULE},
    WITH_FILES: {"code": PROGRAM, "files": FILES},
    TRACED: {"code": LOOP, "trace": True},
}
MOST_ADDED_MILLISECONDS = {RULED: 10.0, SYNTAX: 10.0, WITH_FILES: 5.0, TRACED: 1000.0}


def main() -> int:
    """Measure and print; return 1 if something adds too much."""
    with (
        tempfile.TemporaryDirectory() as directory,
        StockedService(Path(directory) / "service", **NO_SCIENCE) as service,
    ):
        seconds = measure(service)
    for name, each in seconds.items():
        print(f"| {name} | {median(each) * 1000:.1f} | {p95(each) * 1000:.1f} |")
    hello = median(seconds[HELLO])
    added = [
        Ratio(f"{name}: milliseconds added to p50", (median(seconds[name]) - hello) * 1000, most, is_most=True)
        for name, most in MOST_ADDED_MILLISECONDS.items()
    ]
    print("\n" + "\n".join(map(str, added)))
    return 0 if all(each.is_kept for each in added) else 1


def measure(service: Service) -> dict[str, list[float]]:
    """Return the times of each request in seconds, taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    for number in range(ROUNDS + 1):
        for name, fields in WAYS.items():
            time.sleep(PAUSE_SECONDS)
            started = time.perf_counter()
            answer = service.execute(**fields)
            if number:  # the first round warms caches
                seconds[name].append(time.perf_counter() - started)
            assert name != TRACED or len(answer["trace"]["steps"]) == 500, answer["trace"]
    return seconds


if __name__ == "__main__":
    sys.exit(main())
