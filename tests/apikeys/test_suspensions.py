"""Suspensions in the admin: staff create and lift them, which is recorded, and never delete them."""

from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys.keys import create_key
from apikeys.models import ApiKey, Suspension
from apikeys.suspensions import lift, suspend_address, suspend_learner
from tests.conftest import Page

LIST = "/admin/apikeys/suspension/"


@pytest.fixture
def key(db: None) -> ApiKey:
    """Return a key of a server, which knows its learners."""
    return create_key("Server", "secret", [])[0]


def entries(suspension: Suspension) -> list[LogEntry]:
    return list(LogEntry.objects.get_for_object(suspension).order_by("pk"))


def add(client: Client, **form: Any) -> Any:
    return client.post(f"{LIST}add/", {"reason": "abuse", "learner": "", "address": "", "key": "", **form})


def test_staff_block_an_address(page: Page, admin_client: Client, admin_user: User) -> None:
    assert add(admin_client, address="2001:db8::7").status_code == 302
    suspension = Suspension.objects.get()
    assert (suspension.address, suspension.author, suspension.reason) == ("2001:db8::", admin_user, "abuse")
    [entry] = entries(suspension)
    assert (entry.actor, entry.action) == (admin_user, LogEntry.Action.CREATE)
    assert entry.changes["reason"] == [None, "abuse"]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"learner": "eve"},
        {"address": "192.0.2.1", "learner": "eve"},
        {"address": "x"},
        {"address": "1.2.3.4", "reason": ""},
    ],
)
def test_an_invalid_suspension_is_refused(page: Page, admin_client: Client, form: dict[str, str]) -> None:
    response = add(admin_client, **form)
    assert response.status_code == 200
    assert "errornote" in response.content.decode()
    assert not Suspension.objects.exists()


def test_spaces_around_a_learners_id_are_part_of_it(key: ApiKey, admin_client: Client) -> None:
    """Another learner was suspended."""
    assert add(admin_client, key=str(key.pk), learner="ada ").status_code == 302
    assert Suspension.objects.get().learner == "ada "


def test_the_audit_log_does_not_contain_the_learner(key: ApiKey, admin_client: Client) -> None:
    """A learner could never be erased there."""
    response = add(admin_client, key=str(key.pk), learner="ada-lovelace")
    assert response.status_code == 302, response.context["errors"]
    assert entries(Suspension.objects.get())
    assert "ada-lovelace" not in str(list(LogEntry.objects.values_list()))


def test_a_suspension_is_lifted_once(page: Page, admin_client: Client, admin_user: User) -> None:
    suspension = suspend_address("127.0.0.1", "abuse", None, admin_user)
    form = {"action": "lift", "_selected_action": [str(suspension.pk)]}
    assert page.run().status_code == 403
    for _ in range(2):
        assert admin_client.post(LIST, form).status_code == 302
    assert page.run().status_code == 200
    assert [entry.action for entry in entries(suspension)] == [LogEntry.Action.CREATE, LogEntry.Action.UPDATE]


def test_only_reason_and_end_can_be_changed(key: ApiKey, admin_client: Client, admin_user: User) -> None:
    suspension = suspend_learner(key, "eve", "abuse", None, admin_user)
    ends = timezone.now() + timedelta(hours=1)
    form = {"reason": "more", "ends_0": f"{ends:%Y-%m-%d}", "ends_1": f"{ends:%H:%M:%S}", "learner": "bob"}
    assert admin_client.post(f"{LIST}{suspension.pk}/change/", form).status_code == 302
    suspension.refresh_from_db()
    assert (suspension.learner, suspension.reason, suspension.author) == ("eve", "more", admin_user)
    assert suspension.ends is not None


def test_hidden_characters_in_a_learners_id_become_visible_marks(
    key: ApiKey, admin_client: Client, admin_user: User
) -> None:
    suspension = suspend_learner(key, "e\u200bve", "abuse", None, admin_user)
    for path in (LIST, f"{LIST}{suspension.pk}/change/"):
        text = admin_client.get(path).content.decode()
        assert "e⟨U+200B⟩ve" in text
        assert "\u200b" not in text


def test_a_suspension_cannot_be_deleted(key: ApiKey, admin_client: Client, admin_user: User) -> None:
    suspension = suspend_learner(key, "eve", "abuse", None, admin_user)
    assert admin_client.post(f"{LIST}{suspension.pk}/delete/", {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [str(suspension.pk)], "post": "yes"}
    admin_client.post(LIST, form)
    assert Suspension.objects.exists()


def test_the_list_filters_suspensions_in_force(key: ApiKey, admin_client: Client, admin_user: User) -> None:
    held = suspend_learner(key, "eve", "abuse", None, admin_user)
    past = suspend_learner(key, "mal", "abuse", None, admin_user)
    assert lift(past)
    assert not lift(past)
    for chosen, shown in (("yes", {held.pk}), ("no", {past.pk}), ("", {held.pk, past.pk})):
        response = admin_client.get(LIST, {"in_force": chosen} if chosen else {})
        assert {row.pk for row in response.context["cl"].result_list} == shown


def test_thirty_suspensions_cost_no_more_queries_than_one(key: ApiKey, admin_client: Client, admin_user: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(LIST).status_code == 200
        return len(captured)

    suspend_learner(key, "eve", "abuse", None, admin_user)
    one = queries()
    for number in range(29):
        suspend_learner(key, f"learner {number}", "abuse", None, admin_user)
    assert queries() == one <= 9


def test_a_claimed_learner_cannot_be_suspended(page: Page, admin_client: Client, admin_user: User) -> None:
    """Somebody else may have that name."""
    response = add(admin_client, key=str(page.key.pk), learner="eve")
    assert response.status_code == 200
    assert "anybody can claim to be this learner" in response.content.decode()
    with pytest.raises(ValidationError):
        suspend_learner(page.key, "eve", "abuse", None, admin_user)
    assert not Suspension.objects.exists()
