"""Fixtures that most tests share: a page with its key, and a sandbox that runs nothing."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.apps import apps
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache
from django.db import DatabaseError, OperationalError, connection
from django.test import Client, override_settings
from hypothesis import HealthCheck
from hypothesis import settings as examples

from apikeys import traffic
from apikeys.keys import create_key
from apikeys.models import ApiKey
from audit.append_only import lifted
from codeexec.garbage import begin_collection, put_off_collection
from executions.running.backend import Backend, get_backend, set_backend
from tests.fakes import FakeExecutor
from tests.sabotage import demand_failures
from tests.servers import PostgreSQL, Redis

ORIGIN = "https://pylearn.net"

# `make test` tries the same examples each time, `make fuzz` many new ones. A busy machine must not fail either.
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
examples.register_profile("test", derandomize=True, deadline=None, suppress_health_check=SLOW)
examples.register_profile("fuzz", max_examples=3000, deadline=None, suppress_health_check=SLOW, print_blob=True)
examples.load_profile("test")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-wall", metavar="NAME", help="this wall of tests/walls.py has been removed")
    parser.addoption("--its-tests-alone", action="store_true", help="run only the tests that name it")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage while tests are collected, nor later in what that has made: it stays until the end."""
    put_off_collection()
    try:
        return (yield)
    finally:
        begin_collection()


@pytest.hookimpl(trylast=True)  # after the plugins that reorder tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """If a wall has been removed, demand that the tests that name it fail. Run the longest files first."""
    if removed := config.getoption("--without-wall"):
        demand_failures(items, removed, config.getoption("--its-tests-alone"))
    if hasattr(config, "workerinput"):  # this is one of several processes (pytest-xdist)
        items[:] = in_turn(items)


def in_turn(items: list[pytest.Item]) -> list[pytest.Item]:
    """Order files for several processes: the longest of each directory, then the second of each, and so on.

    So no long file comes last, and whole services run beside tests that need less of the machine.
    """
    directories: dict[Path, dict[Path, list[pytest.Item]]] = {}
    for item in items:
        directories.setdefault(item.path.parent, {}).setdefault(item.path, []).append(item)
    ordered = [sorted(files.values(), key=length, reverse=True) for files in directories.values()]
    return [item for files in zip_longest(*ordered, fillvalue=[]) for file in files for item in file]


def length(file: list[pytest.Item]) -> tuple[float, bool]:
    """Return a sort key that grows with a file's duration: its longest timeout, and whether it needs containers."""
    bounds = [mark.args[0] for item in file for mark in item.iter_markers("timeout")]
    is_slow = any(item.get_closest_marker(name) for item in file for name in ("docker", "server"))
    return max(bounds, default=0), is_slow


class QuickHasher(PBKDF2PasswordHasher):
    """Django's own hasher without the half second that each login would cost."""

    iterations = 1


@pytest.fixture(scope="session", autouse=True)
def _settings_of_all_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hash passwords quickly, and make tests independent of static files that `make run` may have collected."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(
        PASSWORD_HASHERS=[f"{__name__}.{QuickHasher.__name__}"],
        STATIC_ROOT=tmp_path_factory.mktemp("static"),
        STORAGES={**settings.STORAGES, "staticfiles": plain},
    ):
        yield


@pytest.fixture(autouse=True)
def _no_requests_counted() -> None:
    """Reset all rates, so that no test is refused for the requests of another, and what counts for staff."""
    cache.clear()
    traffic.get_traffic().take()


@pytest.fixture(autouse=True)
def _no_audit_log_in_the_way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Empty the log after a test without a transaction, because the database flush may not delete its entries."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None or not marker.kwargs.get("transaction"):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    with lifted(connection):
        LogEntry.objects.all()._raw_delete(connection.alias)


@pytest.fixture
def groups(db: None) -> None:
    """Recreate the staff groups, because a test without a transaction empties the database."""
    import_module("staff.migrations.0001_groups").create_groups(apps, connection.schema_editor())
    import_module("staff.migrations.0002_teachers").create_group(apps, connection.schema_editor())


@pytest.fixture
def executor() -> Iterator[FakeExecutor]:
    before = get_backend()
    fake = FakeExecutor()
    backend = Backend(fake)
    backend.heartbeat.database.works = backend.heartbeat.cache.works = True
    set_backend(backend)
    yield fake
    set_backend(before)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: PostgreSQL) -> PostgreSQL:
    """Return the server with an empty database."""
    postgresql_server.empty()
    return postgresql_server


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@dataclass(frozen=True)
class Page:
    """A page of our site, with its key. Its browser sends the site's origin."""

    key: ApiKey
    token: str
    client: Client

    def post(self, body: Any, **headers: str | None) -> Any:
        """Send `body`, as JSON unless it is bytes. A header of None is left out."""
        names = {"content_type": "application/json", "x_api_key": self.token, "origin": ORIGIN, **headers}
        sent = {name.replace("_", "-"): value for name, value in names.items() if value is not None}
        content_type = sent.pop("content-type", "")
        data = body if isinstance(body, bytes) else json.dumps(body)
        return self.client.generic("POST", "/execute", data, content_type=content_type, headers=sent)

    def run(self, code: str = "print('Hello')", **fields: Any) -> Any:
        """Send a program."""
        return self.post({"code": code, **fields})


@pytest.fixture
def page(db: None, executor: FakeExecutor) -> Page:
    key, token = create_key("Site", "publishable", [ORIGIN])
    # Turn an exception into the client's response instead of raising it in the test.
    return Page(key, token, Client(raise_request_exception=False))


def database_fails(
    statement: str,
    times: int = 1000,
    message: str = "the database is away",
    kind: type[DatabaseError] = OperationalError,
) -> AbstractContextManager[None]:
    """Make the next `times` statements that begin with `statement` fail, by default as if the database were down."""
    left = times

    def execute(run: Any, sql: str, *arguments: Any) -> Any:
        nonlocal left
        if sql.startswith(statement) and left > 0:
            left -= 1
            raise kind(message)
        return run(sql, *arguments)

    return connection.execute_wrapper(execute)
