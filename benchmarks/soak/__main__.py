"""`make soak MINUTES=10`: does anything get lost, go wrong or stay behind under honest and hostile load?

Measures what the service can do with this very mix, and then sends it 80 % of that. Exits with 1 unless there is no
wrong answer, no internal error, no orphan and no growth.
"""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from benchmarks.soak.course import SETTINGS, run_course
from benchmarks.soak.verdict import faults, show
from tests.servers import PostgreSQL
from tests.service import Service


def main() -> int:
    """Soak, print, and return 1 if something is not as it must be."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=10)
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if arguments.postgresql:
            server = stack.enter_context(PostgreSQL())
            service = Service(directory, DATABASE_URL=server.url, **SETTINGS)
            course = run_course(service, arguments.minutes, server.sql)
        else:
            service = Service(directory, **SETTINGS)
            course = run_course(service, arguments.minutes, service.query)
        show(course)
        found = faults(course)
    print("\n" + ("\n".join(f"FAULT {fault}" for fault in found) or "nothing lost, nothing wrong, nothing left"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
