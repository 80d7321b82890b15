"""What one learner or address may have of a key's day and of what it runs at once."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.utils import timezone

from apikeys.keys import create_key
from apikeys.models import ApiKey, DailyUse
from apikeys.quotas import RECENT_SECONDS
from apikeys.tokens import mint_learner_token
from executions.models import Execution
from executions.sandbox.results import Run, RunStatus
from tests.conftest import ORIGIN, Page
from tests.fakes import FakeExecutor

LOOP = Run(RunStatus.TIMEOUT, cpu_seconds=2.5)
"""What ten seconds of an endless loop are charged."""


@pytest.fixture
def stranger(page: Page) -> Page:
    """Return the page in a browser at another address."""
    return Page(page.key, page.token, Client(REMOTE_ADDR="192.0.2.99"))


@pytest.fixture
def server(page: Page) -> Page:
    key, token = create_key("Server", "secret", [ORIGIN])
    return Page(key, token, page.client)


def running(key: ApiKey, count: int, learner: str = "", address: str = "127.0.0.1", age_seconds: int = 0) -> None:
    """Create executions that have not ended."""
    row = {"key": key, "code": "1", "timeout": 10, "client_address": address}
    rows = Execution.objects.bulk_create(Execution(**row, learner=learner.format(number)) for number in range(count))
    created = timezone.now() - timedelta(seconds=age_seconds)
    Execution.objects.filter(pk__in=[each.pk for each in rows]).update(created=created)


def used(key: ApiKey, who: str, executions: int = 0, cpu_seconds: float = 0) -> None:
    """Record what somebody has used today, and the same for the family."""
    for name in ("", who):
        row, _ = DailyUse.objects.get_or_create(family=key.family, day=timezone.now().date(), who=name)
        row.executions += executions
        row.cpu_seconds += cpu_seconds
        row.save()


def refusal(response: Any) -> tuple[int, str, str]:
    assert response.status_code == 429
    body = response.json()
    return response.status_code, body["code"], body["detail"].partition(" Try again")[0]


# At once


def test_hundred_learners_at_one_address_run_at_once_with_the_default_limits(page: Page) -> None:
    running(page.key, 99, learner="pupil {}")
    assert page.run(learner="pupil 99").status_code == 200
    assert page.run().status_code == 200  # the page names nobody


@pytest.mark.wall("shares")
def test_address_leaves_half_of_what_runs_at_once_to_others(page: Page, stranger: Page) -> None:
    ApiKey.objects.update(max_concurrent=24)
    running(page.key, 11, learner="another each time {}")
    assert page.run().status_code == 200
    running(page.key, 1, learner="one more")
    response = page.run(learner="yet another")
    assert refusal(response) == (429, "concurrency_limited", "Many people at your address are running programs.")
    assert response["RateLimit-Policy"] == '"concurrent";q=12;qu="concurrent-requests"'
    assert stranger.run().status_code == 200


def test_addresses_that_each_take_all_they_can_leave_room_for_the_next(page: Page, stranger: Page) -> None:
    ApiKey.objects.update(max_concurrent=64)
    for number in range(6):
        attacker = Page(page.key, page.token, Client(REMOTE_ADDR=f"192.0.2.{number}"))
        for _ in range(64):
            if attacker.run().status_code == 429:
                break
            running(page.key, 1, address=f"192.0.2.{number}")
    assert stranger.run().status_code == 200


@pytest.mark.wall("shares")
@pytest.mark.parametrize("is_proven", [True, False])
def test_learner_may_have_an_eighth_of_what_runs_at_once(page: Page, server: Page, is_proven: bool) -> None:
    by = server if is_proven else page
    ApiKey.objects.update(max_concurrent=64)
    running(by.key, 8, learner="ada")
    assert refusal(by.run(learner="ada"))[1:] == (
        "concurrency_limited",
        "This learner is already running 8 programs.",
    )
    assert by.run(learner="bob").status_code == 200


def test_addresses_of_one_ipv6_network_share_one_share(page: Page) -> None:
    ApiKey.objects.update(max_concurrent=24)
    for number in range(12):
        running(page.key, 1, address=f"2001:db8::{number}")
    inside, outside = (Page(page.key, page.token, Client(REMOTE_ADDR=it)) for it in ("2001:db8::99", "2001:db8:1::1"))
    assert (inside.run().status_code, outside.run().status_code) == (429, 200)


@pytest.mark.parametrize(("age_seconds", "wait"), [(0, 10), (7, 3), (60, 1)])
def test_time_to_wait_is_the_rest_of_the_program_that_has_run_longest(page: Page, age_seconds: int, wait: int) -> None:
    ApiKey.objects.update(max_concurrent=24)
    running(page.key, 12, age_seconds=age_seconds)
    assert wait <= int(page.run()["Retry-After"]) <= wait + 3  # SPREAD_SECONDS


def test_server_that_names_no_learner_may_run_all_at_once(server: Page) -> None:
    ApiKey.objects.update(max_concurrent=24)
    running(server.key, 23)
    assert server.run().status_code == 200


# In a day


@pytest.mark.wall("shares")
def test_address_leaves_half_of_the_days_executions_to_others(page: Page, stranger: Page) -> None:
    ApiKey.objects.update(executions_per_day=100)
    used(page.key, "address:127.0.0.1", executions=49)
    assert page.run(learner="ada").status_code == 200
    response = page.run(learner="bob")
    sentence = "Your address has used up its share of today's executions (UTC)."
    assert refusal(response) == (429, "executions_used_up", sentence)
    assert response["RateLimit-Policy"] == '"executions";q=50;w=86400'
    assert stranger.run().status_code == 200


def test_learner_may_have_an_eighth_of_the_day(server: Page) -> None:
    ApiKey.objects.update(executions_per_day=160, cpu_seconds_per_day=800)
    used(server.key, "learner:ada", executions=20)
    used(server.key, "learner:bob", cpu_seconds=101)
    whose = "This learner has used up its share of today's"
    assert refusal(server.run(learner="ada"))[1:] == ("executions_used_up", f"{whose} executions (UTC).")
    assert refusal(server.run(learner="bob"))[1:] == ("cpu_used_up", f"{whose} CPU seconds (UTC).")
    assert server.run(learner="cid").status_code == 200


@pytest.mark.wall("shares")
def test_two_loops_of_one_address_do_not_spend_the_keys_day(page: Page, stranger: Page, executor: FakeExecutor) -> None:
    ApiKey.objects.update(cpu_seconds_per_day=50)
    executor.main = LOOP
    statuses = [page.run(learner=f"learner {number}").status_code for number in range(20)]
    assert statuses == [200] * 11 + [429] * 9
    assert refusal(page.run())[2] == "Your address has used up its share of today's CPU seconds (UTC)."
    assert stranger.run().status_code == 200


def test_what_programs_overdraw_is_not_taken_from_others(page: Page, stranger: Page, executor: FakeExecutor) -> None:
    """A loop may use up at once what is left of the day."""
    page.run()
    ApiKey.objects.update(cpu_seconds_per_day=2)
    executor.main = LOOP
    assert [page.run().status_code for _ in range(3)] == [200, 429, 429]
    executor.main = Run(RunStatus.SUCCESS, cpu_seconds=0.02)
    assert stranger.run().status_code == 200


def test_day_that_many_have_used_up_is_used_up(page: Page, stranger: Page) -> None:
    ApiKey.objects.update(cpu_seconds_per_day=100)
    for number in range(10):
        used(page.key, f"address:192.0.2.{number}", cpu_seconds=10)
    assert refusal(stranger.run())[1:] == (
        "cpu_used_up",
        "This API key has used up its 100 CPU seconds for today (UTC).",
    )


def test_server_that_names_no_learner_may_use_the_whole_day(server: Page) -> None:
    ApiKey.objects.update(executions_per_day=100, cpu_seconds_per_day=100)
    used(server.key, "address:127.0.0.1", executions=90, cpu_seconds=90)
    assert server.run().status_code == 200


# In ten minutes


@pytest.mark.parametrize("is_proven", [True, False])
def test_cpu_time_of_the_last_minutes_is_bounded(
    page: Page, server: Page, executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch, is_proven: bool
) -> None:
    """By CPU time, not by the number of programs: a class prints, and an attacker loops."""
    by, most, whose = (server, 300, "of this learner") if is_proven else (page, 600, "from your address")
    now = 1_800_000_000 // RECENT_SECONDS * RECENT_SECONDS + 100.0
    monkeypatch.setattr("time.time", lambda: now)
    fields = {"learner": "ada"} if is_proven else {}
    executor.main = Run(RunStatus.SUCCESS, cpu_seconds=most - 1)
    assert by.run(**fields).status_code == 200
    executor.main = LOOP
    assert by.run(**fields).status_code == 200
    response = by.run(**fields)
    assert refusal(response)[1:] == ("learner_rate_limited", f"The programs {whose} have used a lot of CPU time.")
    assert response["RateLimit-Policy"] == f'"recent-cpu";q={most};w=600;qu="cpu-seconds"'
    assert 500 <= int(response["Retry-After"]) <= 503
    monkeypatch.setattr("time.time", lambda: now + 500)
    assert by.run(**fields).status_code == 200


def test_programs_that_print_are_far_from_the_cpu_limits(page: Page, executor: FakeExecutor) -> None:
    used(page.key, "address:127.0.0.1", executions=4000, cpu_seconds=4000 * 0.03)  # a lesson of thirty pupils
    executor.main = Run(RunStatus.SUCCESS, cpu_seconds=0.03)
    assert {page.run(learner=f"pupil {number}").status_code for number in range(30)} == {200}


def test_learner_tokens_have_the_share_of_their_learner(page: Page, server: Page) -> None:
    used(server.key, "learner:ada", executions=50_000)
    token = str(mint_learner_token(server.key, "ada", 60))
    assert page.post({"code": "1"}, x_api_key=token).json()["code"] == "executions_used_up"


# Keys from before


def test_keys_with_the_old_default_limits_get_the_new_ones_and_others_keep_theirs(page: Page, server: Page) -> None:
    migration = import_module("apikeys.migrations.0002_shares")
    ApiKey.objects.filter(pk=page.key.pk).update(**migration.BEFORE, address_rate="")
    ApiKey.objects.filter(pk=server.key.pk).update(**{**migration.BEFORE, "learner_rate": "7/m"}, address_rate="")
    migration.set_address_rates(apps, connection.schema_editor())
    for key, limits in ((page.key, migration.NOW), (server.key, {"rate": "60/m", "address_rate": "7/m"})):
        key.refresh_from_db()
        assert {name: getattr(key, name) for name in limits} == limits


def test_new_key_has_the_limits_that_the_migration_gives(page: Page) -> None:
    limits = import_module("apikeys.migrations.0002_shares").NOW
    assert {name: getattr(page.key, name) for name in limits} == limits
