"""`python -m benchmarks.million`: how long each page of the admin takes with 1,000,000 executions.

DATABASE_URL names the database. An empty one is filled first, which takes some minutes and 3 GB; one that has been
filled before is measured at once. Each page is requested three times. The first time includes what Python and Django
do only once, with nothing cached.
"""

import argparse
import os
import sys
import time

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

LIST = "/admin/executions/execution/"
PAGES = {
    "dashboard": "/admin/",
    "keys": "/admin/apikeys/apikey/",
    "a key": "/admin/apikeys/apikey/1/change/",
    "audit log": "/admin/auditlog/logentry/",
    "executions": LIST,
    "executions, page 20": f"{LIST}?p=20",
    "status": f"{LIST}?status__exact=memory_limit",
    "flag": f"{LIST}?flag=fork_storm",
    "key": f"{LIST}?key__id__exact=3",
    "learner": f"{LIST}?learner=learner-00017",
    "address": f"{LIST}?client_address=203.0.0.7",
    "today": f"{LIST}?day=0",
    "last 30 days": f"{LIST}?day=30",
    "run by staff": f"{LIST}?run_by=staff",
    "key, status, flag, 30 days": f"{LIST}?key__id__exact=3&status__exact=timeout&flag=fork_storm&day=30",
    "search: a word of every row": f"{LIST}?q=print",
    "search: a rare word": f"{LIST}?q=attacker.example",
    "search: no row": f"{LIST}?q=xyzzyplugh",
    "search: beginning of a word": f"{LIST}?q=pr",
    "search and status": f"{LIST}?q=print&status__exact=memory_limit",
    "search: an address": f"{LIST}?q=203.0.0.7",
    "an execution": f"{LIST}500000/change/",
    "executions of an exercise": f"{LIST}?exercise=lesson-000",
}
EXERCISES = {
    "exercises": "/admin/executions/attempt/",
    "the commonest exercise": "/admin/executions/attempt/lesson-000/",
    "a rare exercise": "/admin/executions/attempt/lesson-199/",
}
LONGEST_SECONDS, LONGEST_OF_EXERCISES_SECONDS = 1.0, 0.3
ROUNDS = 3


def main() -> int:
    """Fill the database if it is empty, measure and print; return 1 if a page takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows: int = parser.parse_args().rows
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codeexec.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    django.setup()
    from benchmarks.population import STAFF, populate
    from executions.models import Execution

    call_command("migrate", verbosity=0)
    if not Execution.objects.exists():
        started = time.monotonic()
        populate(rows)
        print(f"filled in {time.monotonic() - started:.0f} s")
    newest = Execution.objects.latest("id")
    print(f"{connection.vendor}, {newest.pk:,} executions\n\n{'':40}{'first ms':>10}{'best ms':>10}{'queries':>9}")
    # The admin's static files may not have been collected.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": plain}):
        slowest = max(measure(name, path, STAFF) for name, path in PAGES.items())
        slowest_of_exercises = max(measure(name, path, STAFF) for name, path in EXERCISES.items())
    return 0 if slowest < LONGEST_SECONDS and slowest_of_exercises < LONGEST_OF_EXERCISES_SECONDS else 1


def measure(name: str, path: str, staff: str) -> float:
    """Request a page as `staff`, print its line and return the longest time in seconds."""
    from django.contrib.auth.models import User

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username=staff))
    seconds = []
    queries = 0
    for _ in range(ROUNDS):
        with CaptureQueriesContext(connection) as captured:
            started = time.perf_counter()
            response = client.get(path, secure=True)
            seconds.append(time.perf_counter() - started)
        assert response.status_code == 200, (path, response.status_code)
        queries = max(queries, len(captured))
    print(f"{name:40}{seconds[0] * 1000:10.0f}{min(seconds) * 1000:10.0f}{queries:9}")
    return max(seconds)


if __name__ == "__main__":
    sys.exit(main())
