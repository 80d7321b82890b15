"""Keys in the admin."""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys import tokens, traffic
from apikeys.key_use import WHAT_HELPS, use_of
from apikeys.keys import create_key, rotate_key
from apikeys.models import ApiKey, DailyUse, Suspension
from tests.conftest import ORIGIN, Page

LIST = "/admin/apikeys/apikey/"
ADD = f"{LIST}add/"
FORM = {
    "name": "Site",
    "owner": "",
    "notes": "",
    "origins": ORIGIN,
    "rate": "12000/m",
    "address_rate": "6000/m",
    "learner_rate": "60/m",
    "max_concurrent": "256",
    "executions_per_day": "100000",
    "cpu_seconds_per_day": "43200",
    "expires_0": "",
    "expires_1": "",
}
NEW = {**FORM, "name": "New", "kind": "secret", "environment": "test", "origins": ""}


def address(key: ApiKey, what: str = "change") -> str:
    return f"{LIST}{key.pk}/{what}/"


def tokens_in(response: Any) -> list[str]:
    return [match[0] for match in tokens.TOKEN_PATTERN.finditer(response.content.decode())]


def everything_stored() -> str:
    """Return all rows of all tables."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows.append(cursor.fetchall())
    return str(rows)


def entries(key: ApiKey) -> list[Any]:
    return list(LogEntry.objects.get_for_object(key).order_by("pk"))


def events(key: ApiKey) -> list[str]:
    return [entry.additional_data["event"] for entry in entries(key) if entry.additional_data]


def staff_with(*permissions: str) -> Client:
    user = User.objects.create_user("grace", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


# A token is shown once


def make(client: Client, page: Page) -> Any:
    return client.post(ADD, NEW)


def rotate(client: Client, page: Page) -> Any:
    return client.post(address(page.key, "rotate"), {"overlap_hours": "1"})


@pytest.mark.parametrize("act", [make, rotate])
def test_a_token_is_in_one_response_and_nowhere_else(
    page: Page, admin_client: Client, caplog: pytest.LogCaptureFixture, act: Any
) -> None:
    caplog.set_level("DEBUG")
    response = act(admin_client, page)
    [token] = tokens_in(response)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert f'value="{token}" readonly' in response.content.decode()
    assert page.post({"code": "1"}, x_api_key=token, origin=None if act is make else ORIGIN).status_code == 200
    key = ApiKey.objects.latest("pk")
    for path in (
        LIST,
        address(key),
        address(key, "history"),
        address(key, "rotate"),
        address(key, "revoke"),
        "/admin/",
    ):
        content = admin_client.get(path).content.decode()
        assert token not in content
        assert key.token_hash not in content
    for place in (everything_stored(), caplog.text, str(response.headers), str(dict(admin_client.session))):
        assert token not in place
    assert everything_stored().count(key.token_hash) == 1


def test_the_token_page_has_only_our_own_script(page: Page, admin_client: Client) -> None:
    content = make(admin_client, page).content.decode()
    assert 'src="/static/apikeys/token.js"' in content
    assert "<script>" not in content
    assert " style=" not in content
    assert "onclick" not in content


def test_tokens_and_hashes_are_never_shown(page: Page, admin_client: Client) -> None:
    for path in (LIST, address(page.key)):
        content = admin_client.get(path).content.decode()
        assert page.key.name in content
        assert page.key.prefix in content
        assert page.key.token_hash not in content
        assert page.token not in content


# Creating and changing keys


def test_the_form_creates_a_key_with_all_its_fields(page: Page, admin_client: Client) -> None:
    form = {
        "owner": "Ada",
        "notes": "for the school",
        "kind": "publishable",
        "origins": f"{ORIGIN}\n\n  http://localhost:3000 \n{ORIGIN}",
        "max_concurrent": "3",
        "learner_rate": "",
        "expires_0": "2099-01-31",
        "expires_1": "12:00:00",
    }
    [token] = tokens_in(admin_client.post(ADD, {**NEW, **form}))
    assert token.startswith("pl_test_pub_")
    key = ApiKey.objects.get(name="New")
    assert (key.owner, key.notes, key.kind, key.max_concurrent) == ("Ada", "for the school", "publishable", 3)
    assert (key.rate, key.learner_rate, key.executions_per_day) == ("12000/m", "", 100000)
    assert key.origins == [ORIGIN, "http://localhost:3000"]
    assert f"{key.expires:%Y-%m-%d %H:%M}" == "2099-01-31 12:00"


WRONG = [
    ("origins", "https://school.example/", "only scheme, host and port. Write https://school.example"),
    ("origins", "https://School.example", "only scheme, host and port. Write https://school.example"),
    ("origins", "school.example", "is not an origin such as https://pylearn.net"),
    ("origins", f"{ORIGIN}\nhttps://pylearn.net:443", "leave out the port"),
    ("origins", '["https://pylearn.net"]', "is not an origin"),
    ("origins", "", "works only from its origins"),
    ("rate", "5", "Write a rate such as 60/m"),
    ("rate", "", "This field is required."),
    ("learner_rate", "often", "Write a rate such as 60/m"),
    ("address_rate", "often", "Write a rate such as 60/m"),
    ("max_concurrent", "0", "greater than or equal to 1"),
    ("executions_per_day", "-1", "greater than or equal to"),
    ("cpu_seconds_per_day", "x", "Enter a whole number."),
    ("name", "", "This field is required."),
    ("expires_0", "2001-01-31", "To end a key at once, revoke it."),
]


@pytest.mark.parametrize(("field", "value", "reason"), WRONG)
@pytest.mark.parametrize("new", [True, False])
def test_an_invalid_key_is_refused_with_the_reason(
    page: Page, admin_client: Client, field: str, value: str, reason: str, new: bool
) -> None:
    before = list(ApiKey.objects.values())
    form = {**(NEW if new else FORM), "kind": "publishable", "origins": ORIGIN, "expires_1": "0:00", field: value}
    if field != "expires_0":
        form["expires_1"] = ""
    response = admin_client.post(ADD if new else address(page.key), form)
    assert response.status_code == 200
    assert reason in unescape(response.content.decode())
    assert list(ApiKey.objects.values()) == before


def in_the_log(value: Any) -> Any:
    return str(value.replace(tzinfo=None)) if isinstance(value, datetime) else value


CHANGES = {
    "name": "Other",
    "owner": "Ada",
    "notes": "moved",
    "origins": "https://other.example",
    "rate": "5/m",
    "learner_rate": "2/m",
    "max_concurrent": "7",
    "executions_per_day": "100",
    "cpu_seconds_per_day": "50",
}


@pytest.mark.parametrize("field", [*CHANGES, "expires"])
def test_every_change_is_saved_and_logged(page: Page, admin_client: Client, admin_user: User, field: str) -> None:
    change = {field: CHANGES[field]} if field in CHANGES else {"expires_0": "2099-01-31", "expires_1": "12:00"}
    before = getattr(page.key, field)
    response = admin_client.post(address(page.key), {**FORM, **change})
    assert response.status_code == 302, response.content.decode()
    page.key.refresh_from_db()
    after = getattr(page.key, field)
    assert after != before
    entry = entries(page.key)[-1]
    assert entry.changes.keys() == {field}
    assert entry.changes[field] == [in_the_log(before), in_the_log(after)]
    assert (entry.actor, entry.remote_addr, entry.cid) == (admin_user, "127.0.0.1", response["X-Request-ID"])


def test_a_form_without_changes_writes_nothing(page: Page, admin_client: Client) -> None:
    before = len(entries(page.key))
    assert admin_client.post(address(page.key), FORM).status_code == 302
    assert len(entries(page.key)) == before


def test_saving_a_stale_form_does_not_undo_a_revocation(page: Page, admin_client: Client) -> None:
    """The form was loaded before the revocation, and saves only the fields that it changed."""
    with CaptureQueriesContext(connection) as queries:
        admin_client.post(address(page.key), {**FORM, "owner": "Ada"})
    [update] = [query["sql"] for query in queries if query["sql"].startswith('UPDATE "apikeys_apikey"')]
    assert '"owner" =' in update
    assert "is_active" not in update


@pytest.mark.parametrize("field", ["is_active", "kind", "prefix", "token_hash", "family", "is_from_environment"])
def test_fields_outside_the_form_cannot_be_changed(page: Page, admin_client: Client, field: str) -> None:
    before = ApiKey.objects.values().get()
    admin_client.post(address(page.key), {**FORM, field: "secret"})
    assert ApiKey.objects.values().get() == before


# Rotating and revoking keys


@pytest.mark.parametrize("act", [make, rotate])
def test_creating_a_key_is_logged(page: Page, admin_client: Client, admin_user: User, act: Any) -> None:
    response = act(admin_client, page)
    key = ApiKey.objects.latest("pk")
    assert events(key) == ["key_created"]
    assert events(page.key) == (["key_created", *(["key_rotated"] if act is rotate else [])])
    for entry in [*entries(key), *entries(page.key)[2:]]:
        assert (entry.actor, entry.remote_addr, entry.cid) == (admin_user, "127.0.0.1", response["X-Request-ID"])


def test_a_rotation_is_logged_for_both_keys(page: Page, admin_client: Client) -> None:
    rotate(admin_client, page)
    [change] = [entry for entry in entries(page.key) if entry.action == LogEntry.Action.UPDATE]
    assert change.changes.keys() == {"expires", "replaced_by"}
    event = entries(page.key)[-1].additional_data
    assert event["event"] == "key_rotated"
    assert event["successor"] == ApiKey.objects.latest("pk").prefix


def revoke(client: Client, key: ApiKey) -> Any:
    return client.post(address(key, "revoke"), {"confirmed": "yes"})


def revoke_from_the_list(client: Client, key: ApiKey) -> Any:
    form = {"action": "revoke_selected", "_selected_action": [key.pk]}
    assert client.post(LIST, form).status_code == 200
    assert ApiKey.objects.get(pk=key.pk).is_active
    return client.post(LIST, {**form, "confirmed": "yes"})


@pytest.mark.parametrize("act", [revoke, revoke_from_the_list])
def test_a_revocation_is_immediate_final_and_logged(
    page: Page, admin_client: Client, admin_user: User, act: Any
) -> None:
    response = act(admin_client, page.key)
    assert response.status_code == 302
    assert page.run().json()["code"] == "invalid_key"
    assert events(page.key) == ["key_created", "key_revoked", "revoked_key_used"]
    [change] = [entry for entry in entries(page.key) if entry.action == LogEntry.Action.UPDATE]
    assert change.changes == {"is_active": [True, False]}
    event = entries(page.key)[-2]
    assert (change.actor, change.remote_addr, change.cid) == (admin_user, "127.0.0.1", response["X-Request-ID"])
    assert (event.actor, event.remote_addr, event.cid) == (admin_user, "127.0.0.1", response["X-Request-ID"])
    assert (
        "was already revoked"
        in admin_client.post(address(page.key, "revoke"), {"confirmed": "yes"}, follow=True).content.decode()
    )
    assert events(page.key).count("key_revoked") == 1


@pytest.mark.parametrize("what", ["rotate", "revoke"])
def test_opening_a_confirmation_page_changes_nothing(page: Page, admin_client: Client, what: str) -> None:
    before = list(ApiKey.objects.values())
    for ask in (admin_client.get, admin_client.head, admin_client.options):
        assert ask(address(page.key, what)).status_code == 200
    assert list(ApiKey.objects.values()) == before


@pytest.mark.parametrize(("hours", "works"), [("0", False), ("1", True)])
def test_a_leaked_key_is_replaced_in_one_step(page: Page, admin_client: Client, hours: str, works: bool) -> None:
    page.run()
    response = admin_client.post(address(page.key, "leaked"), {"hours": hours})
    [token] = set(tokens_in(response)) - {page.token}
    assert page.post({"code": "1"}, x_api_key=token).status_code == 200
    assert (page.run().status_code == 200) is works
    assert [each for each in events(page.key) if each != "revoked_key_used"] == [
        "key_created",
        "key_rotated",
        "key_leaked",
    ]
    assert token not in admin_client.get(address(page.key)).content.decode()


def test_the_page_of_a_leak_shows_who_uses_the_key(page: Page, admin_client: Client) -> None:
    page.run(learner="ada")
    page.post({"code": "1"}, origin="https://evil.example")
    traffic.get_traffic().write()
    for text in (
        admin_client.get(address(page.key, "leaked")).content.decode(),
        admin_client.post(address(page.key, "leaked"), {"hours": "0"}).content.decode(),
    ):
        assert "127.0.0.1" in text
        assert "https://pylearn.net" in text
        assert "https://evil.example" in text
        assert "origin not allowed" in text
        assert WHAT_HELPS["origin_not_allowed"] in text
        assert f"{timezone.now():%Y-%m-%d}: 1 answered, 0 with other tokens, 1 refused" in text


def test_each_token_of_a_family_has_its_own_use(page: Page, admin_client: Client) -> None:
    for _ in range(3):
        page.run()
    successor, token = rotate_key(page.key, timezone.now())
    for _ in range(2):
        page.post({"code": "1"}, x_api_key=token)
    page.run()
    traffic.get_traffic().write()
    page.key.refresh_from_db()
    old, new = use_of(page.key), use_of(successor)
    assert [(day.own, day.others, day.refused) for day in (old.days[-1], new.days[-1])] == [(3, 2, 1), (2, 3, 0)]
    assert [(each.key, each.is_own, each.answered, each.refused) for each in old.tokens] == [
        (successor, False, 2, 0),
        (page.key, True, 3, 1),
    ]
    assert old.reasons == (("invalid_key", 1, 1, WHAT_HELPS["invalid_key"]),)
    assert [(each.event, each.address) for each in old.tries] == [("revoked_key_used", "127.0.0.1")]
    assert old.days[-1].bars == (("own", 50.0, 50.0), ("others", 16.667, 33.333), ("refused", 0.0, 16.667))
    text = admin_client.get(address(page.key)).content.decode()
    assert f'<a href="{address(successor)}">{successor.prefix}…</a>' in text
    assert "the token is no longer valid" in text


def test_addresses_are_shown_only_to_staff_who_may_rotate_the_key_or_view_executions(page: Page) -> None:
    page.run()
    client = staff_with("view_apikey")
    assert "Who ran programs" not in client.get(address(page.key)).content.decode()
    user = User.objects.get()
    for permission in ("rotate_apikey", "view_execution"):
        user.user_permissions.set(Permission.objects.filter(codename__in=["view_apikey", permission]))
        assert "Who ran programs" in client.get(address(page.key)).content.decode()


@pytest.mark.parametrize("hours", ["-1", "", "nan", "inf", "2161", "x"])
def test_an_invalid_overlap_rotates_nothing(page: Page, admin_client: Client, hours: str) -> None:
    response = admin_client.post(address(page.key, "rotate"), {"overlap_hours": hours})
    assert response.status_code == 200
    assert tokens_in(response) == []
    assert "errorlist" in response.content.decode()
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("change", [{"is_from_environment": True}, {"is_active": False}, {"expires": timezone.now()}])
def test_a_key_that_cannot_be_rotated_shows_why(page: Page, admin_client: Client, change: dict[str, Any]) -> None:
    ApiKey.objects.update(**change)
    response = rotate(admin_client, page)
    assert "This key cannot be rotated" in response.content.decode()
    assert f'href="{address(page.key, "rotate")}"' not in admin_client.get(address(page.key)).content.decode()
    assert ApiKey.objects.count() == 1


def test_a_post_without_a_csrf_token_is_refused(page: Page, admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    before = list(ApiKey.objects.values())
    assert make(client, page).status_code == 403
    assert rotate(client, page).status_code == 403
    assert revoke(client, page.key).status_code == 403
    assert list(ApiKey.objects.values()) == before


# Permissions

MAY_CHANGE = ("view_apikey", "change_apikey")


@pytest.mark.parametrize("what", ["rotate", "revoke"])
def test_rotating_and_revoking_need_their_own_permission(page: Page, what: str) -> None:
    client = staff_with(*MAY_CHANGE)
    assert client.get(address(page.key)).status_code == 200
    assert f'href="{address(page.key, what)}"' not in client.get(address(page.key)).content.decode()
    assert client.get(address(page.key, what)).status_code == 403
    assert client.post(address(page.key, what), {"overlap_hours": "1"}).status_code == 403
    client.post(LIST, {"action": "revoke_selected", "_selected_action": [page.key.pk], "confirmed": "yes"})
    assert ApiKey.objects.get().is_active
    User.objects.get().user_permissions.add(Permission.objects.get(codename=f"{what}_apikey"))
    assert f'href="{address(page.key, what)}"' in client.get(address(page.key)).content.decode()
    assert client.post(address(page.key, what), {"overlap_hours": "1"}).status_code in (200, 302)
    assert page.key.pk in ApiKey.objects.exclude(is_active=True, replaced_by=None).values_list("pk", flat=True)


def test_view_permission_does_not_allow_changes(page: Page) -> None:
    client = staff_with("view_apikey")
    assert client.get(LIST).status_code == 200
    assert client.get(address(page.key)).status_code == 200
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, NEW).status_code == 403
    assert client.post(address(page.key), {**FORM, "owner": "Ada"}).status_code == 403
    assert ApiKey.objects.get().owner == ""


def test_a_key_cannot_be_deleted(page: Page, admin_client: Client) -> None:
    assert admin_client.post(address(page.key, "delete"), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in admin_client.get(LIST).content.decode()


def test_an_unknown_key_is_404(admin_client: Client) -> None:
    for what in ("rotate", "revoke"):
        assert admin_client.get(f"{LIST}99/{what}/").status_code == 404


# The list and the page of a key


@pytest.fixture
def states(page: Page) -> dict[str, ApiKey]:
    """Return a key in each state. The page's own is the active one."""
    keys = {name: create_key(name, "secret", [])[0] for name in ("revoked", "expired", "suspended", "rotating")}
    ApiKey.objects.filter(name="revoked").update(is_active=False)
    ApiKey.objects.filter(name="expired").update(expires=timezone.now())
    Suspension.objects.create(key=keys["suspended"], reason="a test")
    successor, _ = rotate_key(keys["rotating"], timezone.now() + timedelta(hours=1))
    ApiKey.objects.filter(pk=successor.pk).update(name="successor")
    return {**keys, "active": page.key}


def names_in(response: Any) -> set[str]:
    return set(re.findall(r'<th class="field-name"><a href="[^"]*">([^<]*)<', response.content.decode()))


@pytest.mark.parametrize("state", ["revoked", "expired", "suspended", "rotating", "active"])
def test_every_state_is_shown_and_can_be_filtered_by(
    states: dict[str, ApiKey], admin_client: Client, state: str
) -> None:
    response = admin_client.get(LIST, {"state": state})
    assert names_in(response) == ({states[state].name} if state != "active" else {"Site", "successor"})
    until = r" until \d{4}-\d\d-\d\d \d\d:\d\d UTC" if state == "rotating" else ""
    assert re.search(f'class="key-state key-state-{state}">{state}{until}<', response.content.decode())


def test_suspending_a_learner_does_not_suspend_the_key(page: Page, admin_client: Client) -> None:
    Suspension.objects.create(key=page.key, learner="ada", reason="a test")
    assert names_in(admin_client.get(LIST, {"state": "active"})) == {"Site"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"kind": "secret"}, {"Trial", "Ada"}),
        ({"environment": "test"}, {"Trial"}),
        ({"environment": "live"}, {"Site", "Ada"}),
        ({"q": "trial"}, {"Trial"}),
        ({"q": "school"}, {"Ada"}),
        ({"q": "pl_test_"}, {"Trial"}),
    ],
)
def test_search_and_filters_find_keys(page: Page, admin_client: Client, query: dict[str, str], names: set[str]) -> None:
    # No search word may stand in the four random characters that a prefix shows.
    create_key("Trial", "secret", [], environment="test")
    key, _ = create_key("Ada", "secret", [])
    ApiKey.objects.filter(pk=key.pk).update(owner="The school")
    assert names_in(admin_client.get(LIST, query)) == names


def test_todays_usage_of_the_family_is_shown(page: Page, admin_client: Client) -> None:
    today = timezone.now().date()
    for day, who, executions in ((today, "", 1312), (today, "learner:ada", 5), (today - timedelta(days=1), "", 9)):
        DailyUse.objects.create(family=page.key.family, day=day, who=who, executions=executions, cpu_seconds=12.4)
    successor, _ = rotate_key(page.key, timezone.now() + timedelta(hours=1))
    for path in (LIST, address(page.key), address(successor)):
        content = admin_client.get(path).content.decode()
        assert "1,312 / 100,000" in content
        assert "12 / 43,200" in content


def test_a_key_and_its_successor_link_to_each_other(page: Page, admin_client: Client) -> None:
    successor, _ = rotate_key(page.key, timezone.now() + timedelta(hours=1))
    for one, other in ((page.key, successor), (successor, page.key)):
        assert f'<a href="{address(other)}">' in admin_client.get(address(one)).content.decode()


def test_origins_are_edited_one_per_line(page: Page, admin_client: Client) -> None:
    ApiKey.objects.update(origins=[ORIGIN, "http://localhost:3000"])
    content = admin_client.get(address(page.key)).content.decode()
    assert re.search(rf"<textarea[^>]*>\s*{ORIGIN}\nhttp://localhost:3000</textarea>", content)


def test_names_and_notes_are_escaped(page: Page, admin_client: Client) -> None:
    ApiKey.objects.update(name="<script>alert(1)</script>", owner="<b>", notes="</textarea><i>")
    for path in (LIST, address(page.key), address(page.key, "rotate"), address(page.key, "revoke")):
        content = admin_client.get(path).content.decode()
        assert "alert(1)" in content
        for markup in ("<script>", "<b>", "<i>"):
            assert markup not in content


def test_thirty_keys_cost_no_more_queries_than_one(page: Page, admin_client: Client) -> None:
    def queries() -> list[int]:
        counts = []
        for path in (LIST, f"{LIST}?state=active", address(page.key)):
            with CaptureQueriesContext(connection) as captured:
                assert admin_client.get(path).status_code == 200
            counts.append(len(captured))
        return counts

    admin_client.get(LIST)  # fill the caches that Django keeps after the first request
    with_one = queries()
    for number in range(29):
        key, _ = create_key(f"Key {number}", "secret", [])
        DailyUse.objects.create(family=key.family, day=timezone.now().date(), executions=number)
    assert queries() == with_one
    assert all(count <= most for count, most in zip(with_one, (6, 6, 9), strict=True)), with_one
