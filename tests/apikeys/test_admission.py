"""Learners, addresses and keys that staff have suspended."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from apikeys.keys import create_key
from apikeys.models import ApiKey, Suspension
from executions.models import Execution
from tests.conftest import ORIGIN, Page
from tests.fakes import FakeExecutor

SUSPENDED = (403, "suspended")
REFUSED = (403, "invalid_key")


def suspend(**whom: Any) -> Suspension:
    return Suspension.objects.create(reason="mines coins", **whom)


def answer(response: Any) -> tuple[int, str | None]:
    return response.status_code, response.json().get("code")


@pytest.fixture
def server(page: Page) -> Page:
    """Return the site's server, which knows its learners."""
    key, token = create_key("Server", "secret", [ORIGIN])
    return Page(key, token, page.client)


def test_suspended_learner_gets_a_403(server: Page, executor: FakeExecutor) -> None:
    suspend(key=server.key, learner="eve")
    response = server.run(learner="eve")
    assert answer(response) == SUSPENDED
    assert "mines coins" not in response.content.decode()
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert not executor.submissions
    assert not Execution.objects.exists()
    assert server.run(learner="ada").status_code == server.run().status_code == 200


@pytest.mark.wall("claimed_learners")
def test_learner_whom_a_page_claims_is_not_the_suspended_one(page: Page) -> None:
    """Suspensions of claimed learners may be older than their refusal."""
    suspend(key=page.key, learner="ada")
    assert page.run(learner="ada").status_code == 200


def test_learner_is_suspended_for_all_keys_of_a_family(server: Page) -> None:
    suspend(key=server.key, learner="eve")
    other, token = create_key("Next", "secret", [ORIGIN])
    assert server.post({"code": "1", "learner": "eve"}, x_api_key=token).status_code == 200  # of another site
    ApiKey.objects.filter(pk=other.pk).update(family=server.key.family)
    assert answer(server.post({"code": "1", "learner": "eve"}, x_api_key=token)) == SUSPENDED


def test_blocked_address_gets_a_403_with_any_key(page: Page) -> None:
    suspend(address="192.0.2.1")
    suspend(address="2001:db8::")
    for address, status in (("192.0.2.1", 403), ("2001:db8::7", 403), ("192.0.2.2", 200), ("2001:db8:0:1::7", 200)):
        assert Page(page.key, page.token, Client(REMOTE_ADDR=address)).run().status_code == status


def test_suspended_key_gets_the_same_403_as_a_revoked_one(page: Page) -> None:
    other, token = create_key("Next", "publishable", [ORIGIN])
    ApiKey.objects.filter(pk=other.pk).update(family=page.key.family)
    suspension = suspend(key=page.key)
    assert answer(page.run()) == answer(page.post({"code": "1"}, x_api_key=token)) == REFUSED
    Suspension.objects.filter(pk=suspension.pk).update(lifted=timezone.now())
    assert page.run().status_code == 200


def test_suspension_ends_in_time_or_when_lifted(page: Page) -> None:
    suspension = suspend(address="127.0.0.1", ends=timezone.now() + timedelta(hours=1))
    assert answer(page.run()) == SUSPENDED
    Suspension.objects.filter(pk=suspension.pk).update(ends=timezone.now() - timedelta(seconds=1))
    assert page.run().status_code == 200
    Suspension.objects.filter(pk=suspension.pk).update(ends=None)
    assert answer(page.run()) == SUSPENDED
    Suspension.objects.filter(pk=suspension.pk).update(lifted=timezone.now())
    assert page.run().status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("whom", [{}, {"learner": "eve"}, {"learner": "eve", "address": "192.0.2.1"}])
def test_suspension_names_exactly_one_of_key_learner_and_address(whom: dict[str, str]) -> None:
    with pytest.raises(IntegrityError):
        suspend(**whom)
