"""What the audit log records, and what it leaves out."""

from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apikeys.models import ApiKey
from executions.models import Execution
from tests.audit_log import events
from tests.conftest import Page, database_fails

PASSWORD = "a long word of four"


def everything() -> str:
    return str(list(LogEntry.objects.values_list()))


def log_in(client: Client, name: str, password: str, **headers: Any) -> Any:
    return client.post("/admin/login/", {"username": name, "password": password}, **headers)


def test_a_change_of_a_key_is_recorded_with_actor_address_and_values(
    page: Page, admin_client: Client, admin_user: User, settings: Settings
) -> None:
    settings.ADMIN_ALLOWED_IPS = ["192.0.2.7"]
    limits = {"max_concurrent": "24", "executions_per_day": "20000", "cpu_seconds_per_day": "10800"}
    form = {"name": "Site", "origins": "https://pylearn.net", "rate": "5/m", **limits}
    response = admin_client.post(
        f"/admin/apikeys/apikey/{page.key.pk}/change/",
        form,
        REMOTE_ADDR="192.0.2.7",
        headers={"X-Forwarded-For": "203.0.113.1"},
    )
    assert response.status_code == 302, response.content.decode()
    entry = LogEntry.objects.get_for_object(page.key).latest("pk")
    assert entry.actor == admin_user
    assert entry.remote_addr == "192.0.2.7"
    assert entry.cid == response["X-Request-ID"]
    assert entry.changes["rate"] == ["12000/m", "5/m"]


def test_no_token_hash_or_password_is_recorded(page: Page, admin_user: User) -> None:
    admin_user.set_password("another long word")
    admin_user.save()
    [changed] = LogEntry.objects.get_for_object(admin_user).filter(action=LogEntry.Action.UPDATE)
    assert changed.changes == {"password": ["(secret)", "(secret)"]}
    page.post({"code": "print('what')"}, origin="https://evil.example")
    assert LogEntry.objects.get_for_object(page.key).exists()
    for secret in (page.token, page.key.token_hash, admin_user.password, "pbkdf2", "print('what')"):
        assert secret not in everything()


def test_a_change_of_staff_and_groups_is_recorded(admin_client: Client, admin_user: User) -> None:
    group = Group.objects.create(name="Reviewers")
    admin_user.groups.add(group)
    entry = LogEntry.objects.get_for_object(admin_user).latest("pk")
    assert entry.changes["groups"]["objects"] == ["Reviewers"]


def test_logins_and_logouts_are_recorded(client: Client, db: None) -> None:
    staff = User.objects.create_superuser("ada", password=PASSWORD)
    response = log_in(client, "ada", PASSWORD, headers={"X-Forwarded-For": "203.0.113.1"})
    assert response.status_code == 302
    client.post("/admin/logout/")
    for name in ("login", "logout"):
        [entry] = events(name)
        assert (entry.actor, entry.remote_addr, entry.object_pk) == (staff, "127.0.0.1", str(staff.pk))
    assert events("login")[0].cid == response["X-Request-ID"]


def test_the_address_is_the_one_that_our_own_proxy_saw(client: Client, db: None, settings: Settings) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    settings.ADMIN_ALLOWED_IPS = ["192.0.2.9"]
    log_in(client, "ada", PASSWORD, headers={"X-Forwarded-For": "203.0.113.1, 192.0.2.9"})
    assert events("login_failed")[0].remote_addr == "192.0.2.9"


def test_a_failed_login_is_recorded_without_what_was_typed(client: Client, db: None) -> None:
    staff = User.objects.create_superuser("ada", password=PASSWORD)
    log_in(client, "ada", "wrong-and-secret")
    log_in(client, "typed-into-the-wrong-field", "x")
    known, unknown = events("login_failed")
    assert (known.object_pk, known.actor) == (str(staff.pk), None)
    assert unknown.object_pk == ""
    assert "wrong-and-secret" not in everything()
    assert "wrong-field" not in everything()


@pytest.mark.parametrize("request_id", ["x" * 4000, "\x1b[31m"])
def test_a_long_request_id_is_truncated(client: Client, db: None, request_id: str) -> None:
    log_in(client, "ada", PASSWORD, headers={"X-Request-ID": request_id})
    cid = events("login_failed")[0].cid
    assert cid
    assert len(cid) <= 255


def test_a_refused_origin_is_recorded_once_a_minute(page: Page) -> None:
    for _ in range(3):
        assert page.post({"code": "1"}, origin="https://evil.example").status_code == 403
    [entry] = events("origin_refused")
    assert entry.object_pk == str(page.key.pk)
    assert entry.remote_addr == "127.0.0.1"
    assert entry.additional_data["origin"] == "https://evil.example"


def test_all_addresses_of_one_client_count_as_one(page: Page) -> None:
    """One IPv6 client has 2**64: it could fill the log, which nobody may delete from."""
    for number in range(3):
        at = Page(page.key, page.token, Client(REMOTE_ADDR=f"2001:db8::{number}"))
        assert at.post({"code": "1"}, origin="https://evil.example").status_code == 403
    assert len(events("origin_refused")) == 1


def test_failed_logins_with_unknown_names_are_recorded_once_a_minute(client: Client, db: None) -> None:
    for number in range(3):
        log_in(client, f"nobody {number}", "x")
    assert len(events("login_failed")) == 1


def test_the_use_of_a_revoked_key_is_recorded_once_a_minute(page: Page) -> None:
    ApiKey.objects.update(is_active=False)
    for _ in range(3):
        assert page.run().json()["code"] == "invalid_key"
    [entry] = events("revoked_key_used")
    assert entry.object_pk == str(page.key.pk)


def test_a_refusal_stays_the_same_if_it_cannot_be_recorded(page: Page) -> None:
    with database_fails('INSERT INTO "auditlog'):
        assert page.post({"code": "1"}, origin="https://evil.example").json()["code"] == "origin_not_allowed"


def test_a_login_that_cannot_be_recorded_fails(client: Client, db: None) -> None:
    User.objects.create_superuser("ada", password=PASSWORD)
    client.raise_request_exception = False
    with database_fails('INSERT INTO "auditlog'):
        assert log_in(client, "ada", PASSWORD).status_code == 500
    assert client.get("/admin/").status_code == 302


def test_viewing_a_learners_code_is_recorded(page: Page, admin_client: Client, admin_user: User) -> None:
    page.run("print('private')")
    execution = Execution.objects.get()
    admin_client.get("/admin/executions/execution/")
    assert events("execution_opened") == []
    admin_client.get(f"/admin/executions/execution/{execution.pk}/change/")
    [entry] = events("execution_opened")
    assert (entry.actor, entry.object_pk) == (admin_user, str(execution.pk))
    assert "private" not in everything()


def test_a_served_request_makes_no_query_for_the_audit_log(page: Page) -> None:
    page.client.cookies["sessionid"] = "x" * 32  # with a session or without one
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert page.run().status_code == 200
    assert not [query for query in queries if "auditlog" in query["sql"] or "session" in query["sql"]]


def test_every_table_that_staff_can_write_is_recorded() -> None:
    """django-auditlog tracks every table that an admin page can add to, change or delete from."""
    from auditlog.registry import auditlog
    from django.contrib import admin
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True)
    for model, page in admin.site._registry.items():
        writes = (
            page.has_add_permission(request),
            page.has_change_permission(request),
            page.has_delete_permission(request),
        )
        assert not any(writes) or auditlog.contains(model), model
