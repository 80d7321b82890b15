"""`make soak MINUTES=10`: is anything lost, wrong or left over after honest and hostile load?

Measures the service's capacity for this mix of requests, and then sends 80 % of it. Exits with 1 if there is a wrong
answer, an internal error, an orphan or growth.
"""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from benchmarks.soak.course import SETTINGS, run_course
from benchmarks.soak.verdict import faults, show
from tests.servers import PostgreSQL
from tests.service import DeployedService


def main() -> int:
    """Run the soak and print its figures; return 1 if there are faults."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=10)
    parser.add_argument("--postgresql", action="store_true", help="use PostgreSQL instead of SQLite")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if arguments.postgresql:
            server = stack.enter_context(PostgreSQL())
            service = DeployedService(directory, DATABASE_URL=server.url, **SETTINGS)
            course = run_course(service, arguments.minutes, server.sql)
        else:
            service = DeployedService(directory, **SETTINGS)
            course = run_course(service, arguments.minutes, service.query)
        show(course)
        found = faults(course)
    print("\n" + ("\n".join(f"FAULT {fault}" for fault in found) or "nothing lost, wrong or left over"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
