"""The requests of each key are counted, and why they are refused, without a row for each."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apikeys import traffic
from apikeys.keys import revoke_key
from apikeys.models import ApiKey, KeyTraffic
from executions.sandbox.results import SandboxBusy
from tests.conftest import Page, database_fails
from tests.fakes import FakeExecutor


def counted() -> dict[tuple[int, str], int]:
    """Return what is on record, by the number of the key and the reason."""
    traffic.get_traffic().write()
    return {(row.key_number, row.reason): row.requests for row in KeyTraffic.objects.all()}


def test_each_request_is_counted_for_its_key_and_reason(page: Page, executor: FakeExecutor) -> None:
    for _ in range(3):
        page.run()
    page.post({"code": 1})
    page.post({"code": "1"}, origin="https://elsewhere.example")
    executor.error = SandboxBusy()
    page.run()
    executor.error = None
    ApiKey.objects.filter(pk=page.key.pk).update(rate="1/h")
    page.run()
    page.run()
    reasons = {"": 5, "origin_not_allowed": 1, "unavailable": 1, "rate_limited": 1}
    assert counted() == {(page.key.pk, reason): count for reason, count in reasons.items()}


def test_the_token_of_a_revoked_key_still_counts_for_it_and_unknown_tokens_count_together(page: Page) -> None:
    revoke_key(page.key)
    page.run()
    for number in range(5):
        page.post({"code": "1"}, x_api_key=f"guess {number}")
    page.post({"code": "1"}, x_api_key=None)
    assert counted() == {(page.key.pk, "invalid_key"): 1, (traffic.UNKNOWN, "invalid_key"): 6}


def test_any_number_of_refusals_makes_one_row_and_no_query_of_its_own(
    page: Page, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        for _ in range(100):
            assert page.post({"code": "1"}, x_api_key="guess").status_code == 403
    traffic.get_traffic().write()
    page.post({"code": "1"}, x_api_key="guess")
    traffic.get_traffic().write()
    row = KeyTraffic.objects.get()
    assert row.requests == 101


@pytest.mark.django_db(transaction=True)
def test_counts_wait_while_the_database_is_away(page: Page) -> None:
    page.post({"code": "1"}, x_api_key="guess")
    with database_fails("UPDATE"):
        traffic.get_traffic().write()
    assert not KeyTraffic.objects.exists()
    assert counted() == {(traffic.UNKNOWN, "invalid_key"): 1}


def test_old_rows_are_deleted(db: None) -> None:
    now = timezone.now()
    for age in (traffic.KEPT - timedelta(hours=1), traffic.KEPT + timedelta(hours=1)):
        KeyTraffic.objects.create(begins=now - age, key_number=1, reason="", requests=1)
    traffic.Traffic().write()
    assert KeyTraffic.objects.get().begins == now - traffic.KEPT + timedelta(hours=1)


def test_metrics_name_the_key_and_the_reason(page: Page, client: Client, settings: Settings) -> None:
    settings.METRICS_ALLOWED_IPS = ["127.0.0.1"]
    page.run()
    page.post({"code": "1"}, origin="https://elsewhere.example")
    page.post({"code": "1"}, x_api_key="guess")
    text = client.get("/metrics").content.decode()
    for labels in (
        f'key="{page.key.prefix}",reason=""',
        f'key="{page.key.prefix}",reason="origin_not_allowed"',
        'key="unknown",reason="invalid_key"',
    ):
        assert f"codeexec_key_requests_total{{{labels}}} " in text
    assert page.token not in text
