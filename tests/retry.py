"""Tries the tests that failed in the last run again, alone: part of `make test`, see decision 38."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAST_FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"

SOME_TESTS_FAILED = 1
"""pytest's exit status if it ran all tests. Any other but 0 means that it did not."""

MOST_FAILED = 30
"""As many as share a service or a cluster: where one of these fails, those after it do, too."""

TIMES = 3


def failed_tests() -> list[str]:
    """Return the node IDs of the tests that failed in pytest's last run."""
    return sorted(json.loads(LAST_FAILED.read_text())) if LAST_FAILED.exists() else []


def pass_each_time(tests: list[str]) -> bool:
    """Return whether the tests pass TIMES times in a row, in one process."""
    command = [sys.executable, "-m", "pytest", *tests]
    return all(subprocess.run(command, cwd=ROOT, check=False).returncode == 0 for _ in range(TIMES))


def main() -> None:
    """Exit with 0 if the tests that failed are few, and pass now; `status` is that of the run in which they failed."""
    status = int(sys.argv[1])
    tests = failed_tests()
    if status != SOME_TESTS_FAILED or not 0 < len(tests) <= MOST_FAILED or not pass_each_time(tests):
        print("Failed in the first run:", *tests, sep="\n  ")
        sys.exit(status)
    print(f"Failed once, then passed alone {TIMES} times. Find out why:", *tests, sep="\n  ")


if __name__ == "__main__":
    main()
