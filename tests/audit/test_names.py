"""The audit log shows people, keys and learners by the names that staff know, and stores no learner's."""

from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apikeys.keys import create_key
from apikeys.suspensions import suspend_learner
from executions.models import Execution
from executions.records.retention import erase_learner
from tests.conftest import Page

LIST = "/admin/auditlog/logentry/"


@pytest.fixture
def opened(page: Page, admin_client: Client, admin_user: User) -> Execution:
    """Return an execution of a proven learner that a member of staff has opened, and whose learner is suspended."""
    User.objects.filter(pk=admin_user.pk).update(first_name="Grace", last_name="Hopper")
    key, token = create_key("Server", "secret", [])
    page.post({"code": "1", "learner": "ada lovelace\u202e"}, x_api_key=token, origin=None)
    execution = Execution.objects.get()
    admin_client.get(f"/admin/executions/execution/{execution.pk}/change/")
    suspend_learner(key, "ada lovelace\u202e", "spam", None, admin_user)
    return execution


def content(client: Client, path: str = LIST) -> str:
    return client.get(path).content.decode()


def test_entries_name_people_keys_and_learners(opened: Execution, admin_client: Client) -> None:
    text = content(admin_client)
    url = f"/admin/executions/execution/{opened.pk}/change/"
    assert f'<a href="{url}"><bdi>success of ada lovelace⟨U+202E⟩, Server</bdi></a>' in text
    assert "learner ada lovelace⟨U+202E⟩ of Server (pl_live_sec_" in text
    assert "Grace Hopper (admin)" in text
    entry = LogEntry.objects.get(object_pk=str(opened.pk), content_type__model="execution")
    assert "success of ada lovelace⟨U+202E⟩, Server" in content(admin_client, f"{LIST}{entry.pk}/change/")


def test_no_learner_is_stored_and_an_erased_one_is_not_shown(opened: Execution, admin_client: Client) -> None:
    assert "lovelace" not in str(list(LogEntry.objects.values_list()))
    erase_learner("ada lovelace\u202e")
    text = content(admin_client)
    assert "lovelace" not in text
    assert str(opened.public_id) in text


def test_staff_who_may_not_view_executions_see_no_names(opened: Execution, client: Client) -> None:
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename="view_logentry", content_type__app_label="auditlog"))
    client.force_login(reader)
    text = content(client)
    assert "lovelace" not in text
    assert str(opened.public_id) in text


def test_many_entries_take_the_same_queries(opened: Execution, page: Page, admin_client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            content(admin_client)
        return len(captured)

    few = queries()
    for _ in range(5):
        page.run(learner="bob")
        newest: Any = Execution.objects.latest("pk")
        admin_client.get(f"/admin/executions/execution/{newest.pk}/change/")
    assert queries() == few
