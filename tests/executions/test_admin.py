"""Executions in the admin: the list, the page of one execution, and its actions."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys.keys import create_key
from apikeys.models import Suspension
from apikeys.tokens import mint_learner_token
from executions.models import Execution, ExecutionFlag
from executions.review.export import csv_lines
from executions.sandbox.results import NOBODY, SandboxBusy
from tests.audit_log import events
from tests.conftest import Page
from tests.fakes import FakeExecutor

LIST = "/admin/executions/execution/"
HOSTILE = "print('</pre><script>alert(1)</script>') # \u202e\x1b[31m {{7*7}}"


@pytest.fixture
def execution(page: Page) -> Execution:
    page.run(HOSTILE, learner="eve", test_cases=[{"input": "add(5, 3)", "expected_output": "<b>8</b>", "name": "<i>"}])
    return Execution.objects.get()


@pytest.fixture
def proven(page: Page) -> Execution:
    """Return an execution of a learner whom a server has named."""
    _, token = create_key("Server", "secret", [])
    page.post({"code": "1", "learner": "eve"}, x_api_key=token, origin=None)
    return Execution.objects.latest("pk")


def listed(client: Client, **query: str) -> set[int]:
    """Return the ids of the executions in the list."""
    response = client.get(LIST, query)
    assert response.status_code == 200
    return {row.pk for row in response.context["cl"].result_list}


def change(execution: Execution) -> str:
    return f"{LIST}{execution.pk}/change/"


def act(client: Client, execution: Execution, action: str, **form: str) -> Any:
    return client.post(f"{LIST}{execution.pk}/{action}/", form, follow=True)


# The list


def test_each_filter_and_search_finds_its_executions(page: Page, admin_client: Client, admin_user: User) -> None:
    now = timezone.now()
    rows = {}
    ways: dict[str, dict[str, Any]] = {
        "plain": {},
        "timeout": {"status": "timeout"},
        "learner": {"learner": "ada"},
        "address": {"client_address": "192.0.2.7"},
        "staff": {"key": None, "staff": admin_user},
        "yesterday": {"age": timedelta(days=1)},
        "old": {"age": timedelta(days=40)},
    }
    for name, fields in ways.items():
        values = {"key": page.key, "status": "success", **fields}
        age = values.pop("age", timedelta())
        rows[name] = Execution.objects.create(code=name, timeout=5, **values).pk
        Execution.objects.filter(pk=rows[name]).update(created=now - age)
    ExecutionFlag.objects.create(execution_id=rows["plain"], kind="fork_storm")
    everything = set(rows.values())
    recent = everything - {rows["yesterday"], rows["old"]}
    assert listed(admin_client) == everything
    assert listed(admin_client, status__exact="timeout") == {rows["timeout"]}
    assert listed(admin_client, flag="fork_storm") == {rows["plain"]}
    assert listed(admin_client, learner="ada") == listed(admin_client, q="learner:ada") == {rows["learner"]}
    assert listed(admin_client, client_address="192.0.2.7") == listed(admin_client, q="192.0.2.7") == {rows["address"]}
    assert listed(admin_client, run_by="staff") == {rows["staff"]}
    assert listed(admin_client, key__id__exact=str(page.key.pk)) == everything - {rows["staff"]}
    assert listed(admin_client, day="0") == recent
    assert listed(admin_client, day="1") == {rows["yesterday"]}
    assert listed(admin_client, day="7") == recent | {rows["yesterday"]}
    assert listed(admin_client, q="timeout", status__exact="timeout") == {rows["timeout"]}
    assert listed(admin_client, q="timeout", status__exact="success") == set()
    public_id = str(Execution.objects.get(pk=rows["old"]).public_id)
    assert listed(admin_client, q=public_id) == {rows["old"]}


@pytest.mark.parametrize("search", ["...", '"', "\0", "a" * 5_000, "NEAR(", "' OR 1=1", "learner:", "::1", "%"])
def test_any_search_gets_a_page(execution: Execution, admin_client: Client, search: str) -> None:
    listed(admin_client, q=search)


def test_a_search_without_words_says_so(execution: Execution, admin_client: Client) -> None:
    assert "The search contains no words." in admin_client.get(LIST, {"q": "..."}).content.decode()


def test_the_list_shows_hostile_text_harmlessly(execution: Execution, admin_client: Client) -> None:
    content = admin_client.get(LIST).content.decode()
    assert "<script>alert" not in content
    assert "\u202e" not in content
    assert "\x1b" not in content
    assert "⟨U+202E⟩␛" in content


def test_the_list_takes_the_same_queries_for_few_and_many_rows(
    execution: Execution, page: Page, admin_client: Client
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            listed(admin_client)
        assert not [query for query in captured if '"output"' in query["sql"]]
        return len(captured)

    alone = queries()
    for number in range(60):
        row = Execution.objects.create(code="1", timeout=5, key=page.key, learner=f"learner {number}", status="timeout")
        ExecutionFlag.objects.create(execution=row, kind="memory_kill")
    assert queries() == alone <= 9


def test_the_list_counts_at_most_a_thousand_rows(page: Page, admin_client: Client) -> None:
    Execution.objects.bulk_create(Execution(code="1", timeout=5, key=page.key) for _ in range(1_001))
    response = admin_client.get(LIST)
    assert "more than 1,000 executions" in " ".join(response.content.decode().split())
    assert response.context["cl"].paginator.num_pages == 41


def test_an_export_has_no_formulas_and_is_recorded(page: Page, admin_client: Client, admin_user: User) -> None:
    for code in ("=1+1", "+1", "-1", "@x", "\t=1", " =1", "\uff1d1+1", "print(1)\n\x1b"):
        Execution.objects.create(code=code, timeout=5, key=page.key, learner="=cmd()", status="error", exit_code=-9)
    chosen = [str(pk) for pk in Execution.objects.values_list("pk", flat=True)]
    form = {"action": "export_as_csv", "_selected_action": chosen}
    response = admin_client.post(f"{LIST}?status__exact=error", form)
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    head, *rows = csv.reader(io.StringIO(text))
    assert len(rows) == 8
    assert {row[head.index("learner")] for row in rows} == {"'=cmd()"}
    assert {row[head.index("exit_code")] for row in rows} == {"-9"}
    codes = [row[head.index("code")] for row in rows]
    assert sum(code.startswith("'") for code in codes) == 7
    assert "print(1)\n␛" in codes
    [entry] = events("executions_exported")
    assert (entry.actor, entry.additional_data["executions"]) == (admin_user, 8)
    assert "status__exact=error" in entry.additional_data["filter"]


# One execution


def test_an_execution_is_shown_harmlessly(execution: Execution, admin_client: Client) -> None:
    response = admin_client.get(change(execution))
    content = response.content.decode()
    assert response.status_code == 200
    for hostile in ("<script>alert", "<b>8</b>", "<i>", "\u202e", "\x1b", ' style="', "javascript:"):
        assert hostile not in content
    for shown in ("⟨U+202E⟩␛[31m", "{{", "&lt;b&gt;8&lt;/b&gt;", str(execution.public_id), "eve", "Hello"):
        assert shown in content
    assert "default-src 'self'" in response["Content-Security-Policy"]


def test_truncated_output_is_marked(page: Page, executor: FakeExecutor, admin_client: Client) -> None:
    executor.test = replace(executor.test, truncated=True)
    page.run(test_cases=[{"input": "add(5, 3)"}])
    content = admin_client.get(change(Execution.objects.get())).content.decode()
    assert "<summary>Actual (truncated)</summary>" in content
    assert "add(5, 3)" in content


def test_the_hint_is_shown_as_one_harmless_line(execution: Execution, admin_client: Client) -> None:
    detail = {"type": "E", "message": "m", "line": 2, "column": 1, "end_column": 2, "source": "x"}
    Execution.objects.update(error_detail={**detail, "hint": "<i>\u202eDo\nnot"})
    content = admin_client.get(change(execution)).content.decode()
    assert "<dt>Shown to learner</dt><dd><bdi>Line 2: &lt;i&gt;⟨U+202E⟩Do</bdi></dd>" in content
    file = {"name": "helper.py", "line": 7, "column": 1, "end_column": 2, "source": "x"}
    Execution.objects.update(error_detail={**detail, "hint": None, "file": file})
    assert "<bdi>helper.py, line 7: m</bdi>" in admin_client.get(change(execution)).content.decode()


def test_the_page_shows_recent_executions_of_the_learner_and_the_address(page: Page, admin_client: Client) -> None:
    for number in range(13):
        page.run(f"print('by eve {number}')", learner="eve")
    page.run("print('by bob')", learner="bob")
    latest = Execution.objects.filter(learner="eve").latest("pk")
    with CaptureQueriesContext(connection) as captured:
        response = admin_client.get(change(latest))
    recent = dict(response.context["recent"])
    assert len(recent["this claimed learner"]) == len(recent["this address"]) == 10
    assert recent["this claimed learner"][0][3] == "print('by eve 11')"
    assert recent["this address"][0][3] == "print('by bob')"
    assert len(captured) <= 12


def test_the_page_shows_what_else_ran_in_the_container(page: Page, admin_client: Client) -> None:
    for number in range(4):
        page.run(f"print({number})")
    first, second, elsewhere, _ = Execution.objects.order_by("pk")
    for number, row in enumerate((first, second), 1):
        Execution.objects.filter(pk=row.pk).update(container="code_exec_1", submission_number=number)
    Execution.objects.filter(pk=elsewhere.pk).update(container="code_exec_2", submission_number=1)
    response = admin_client.get(change(second))
    shared = dict(response.context["recent"])["this container"]
    assert [row[3] for row in shared] == ["print(0)"]
    assert "<dt>Container</dt><dd>code_exec_1, submission 2</dd>" in response.content.decode()


@pytest.mark.parametrize("number", ["0", "99999", "x", "9" * 30, "1e3", "-1"])
def test_an_unknown_execution_is_not_found(execution: Execution, admin_client: Client, number: str) -> None:
    assert admin_client.get(f"{LIST}{number}/change/").status_code in (302, 404)


def test_a_record_is_never_changed(execution: Execution, admin_client: Client) -> None:
    for method in ("post", "put", "delete"):
        assert getattr(admin_client, method)(change(execution), {"code": "other"}).status_code == 403
    assert admin_client.post(f"{LIST}{execution.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert Execution.objects.get().code == HOSTILE


# What staff can do


def test_a_program_that_runs_again_is_recorded_as_run_by_staff(
    execution: Execution, admin_client: Client, admin_user: User, executor: FakeExecutor
) -> None:
    response = act(admin_client, execution, "run-again")
    again = Execution.objects.latest("pk")
    assert response.redirect_chain == [(change(again), 302)]
    first, second = executor.submissions
    assert second == replace(first, party=NOBODY)
    assert (again.staff, again.repeats, again.key, again.learner) == (admin_user, execution, None, "")
    assert (again.status, again.code, again.test_cases) == ("success", HOSTILE, execution.test_cases)
    assert again.test_results == execution.test_results
    [entry] = events("execution_run_again")
    assert (entry.actor, entry.object_pk) == (admin_user, str(execution.pk))


def test_running_again_on_a_busy_sandbox_is_refused_with_a_message(
    execution: Execution, admin_client: Client, executor: FakeExecutor
) -> None:
    executor.error = SandboxBusy("full")
    response = act(admin_client, execution, "run-again")
    assert response.redirect_chain == [(change(execution), 302)]
    assert "could not be run" in response.content.decode()
    assert Execution.objects.latest("pk").status == "refused"


def test_a_suspended_learner_is_refused(proven: Execution, page: Page, admin_client: Client, admin_user: User) -> None:
    response = act(admin_client, proven, "suspend-learner", reason="mines coins", lasts="1d")
    assert "The learner is suspended." in response.content.decode()
    suspension = Suspension.objects.get()
    assert (suspension.key, suspension.learner, suspension.author) == (proven.key, "eve", admin_user)
    assert suspension.ends is not None
    assert abs(suspension.ends - timezone.now() - timedelta(days=1)) < timedelta(minutes=1)
    assert proven.key
    for learner, status in (("eve", 403), ("ada", 200)):
        token = str(mint_learner_token(proven.key, learner, 60))
        assert page.post({"code": "1"}, x_api_key=token, origin=None).status_code == status


def test_suspension_of_a_claimed_learner_shuts_out_the_address_and_nobody_of_that_name(
    execution: Execution, page: Page, admin_client: Client
) -> None:
    response = act(admin_client, execution, "suspend-learner", reason="mines coins", lasts="1d")
    assert "The learner is only claimed, so the address is blocked." in response.content.decode()
    suspension = Suspension.objects.get()
    assert (suspension.key, suspension.learner, suspension.address) == (None, "", "127.0.0.1")
    assert page.run(learner="another name").status_code == 403
    elsewhere = Page(page.key, page.token, Client(REMOTE_ADDR="192.0.2.1"))
    assert elsewhere.run(learner="eve").status_code == 200


def test_claimed_learner_is_shown_as_claimed_everywhere(
    execution: Execution, proven: Execution, admin_client: Client
) -> None:
    assert (execution.has_claimed_learner, proven.has_claimed_learner) == (True, False)
    assert admin_client.get(LIST).content.decode().count(" (claimed)") == 1
    shown = {each: admin_client.get(change(each)).content.decode() for each in (execution, proven)}
    assert [("claimed by the page" in text, "this claimed learner" in text) for text in shown.values()] == [
        (True, True),
        (False, False),
    ]
    assert [line.split(",")[6] for line in csv_lines([execution, proven])] == [
        '"learner_is"',
        '"claimed"',
        '"proven"',
    ]


def test_a_blocked_address_is_refused(execution: Execution, page: Page, admin_client: Client) -> None:
    act(admin_client, execution, "block-address", reason="floods", lasts="")
    assert (Suspension.objects.get().address, Suspension.objects.get().ends) == ("127.0.0.1", None)
    assert page.run().status_code == 403


def test_a_suspended_key_is_refused(execution: Execution, page: Page, admin_client: Client) -> None:
    act(admin_client, execution, "suspend-key", reason="leaked", lasts="1h")
    assert page.run().json()["code"] == "invalid_key"


ACTS = ("run-again", "suspend-learner", "block-address", "suspend-key")


@pytest.mark.parametrize("lasts", ["", "1h", "7d"])
@pytest.mark.parametrize("action", ACTS[1:])
def test_a_suspension_needs_a_reason_and_a_double_click_creates_one(
    proven: Execution, admin_client: Client, action: str, lasts: str
) -> None:
    for form in ({}, {"reason": " "}, {"reason": "x" * 501}, {"reason": "x", "lasts": "9y"}):
        assert "Give a reason" in act(admin_client, proven, action, **form).content.decode()
    assert not Suspension.objects.exists()
    for _ in range(2):  # a double click
        act(admin_client, proven, action, reason="abuse", lasts=lasts)
    assert Suspension.objects.count() == 1


def test_a_suspension_of_another_length_is_added(execution: Execution, admin_client: Client) -> None:
    for lasts in ("1h", "1d", "1h", ""):
        act(admin_client, execution, "block-address", reason="abuse", lasts=lasts)
    assert Suspension.objects.count() == 3


def test_an_execution_of_staff_suspends_nobody(admin_client: Client, admin_user: User) -> None:
    execution = Execution.objects.create(code="1", timeout=5, staff=admin_user)
    for action in ACTS[1:]:
        act(admin_client, execution, action, reason="abuse")
    assert not Suspension.objects.exists()


@pytest.mark.usefixtures("groups")
@pytest.mark.parametrize("action", ACTS)
def test_actions_need_a_post_and_a_permission(
    execution: Execution, admin_client: Client, client: Client, action: str
) -> None:
    assert admin_client.get(f"{LIST}{execution.pk}/{action}/").status_code == 405
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.set([])
    reader.groups.set([Group.objects.get(name="Key managers")])
    client.force_login(reader)
    assert client.post(f"{LIST}{execution.pk}/{action}/", {"reason": "x"}).status_code == 403
    assert Execution.objects.count() == 1
    assert not Suspension.objects.exists()


@pytest.mark.usefixtures("groups")
def test_an_abuse_reviewer_may_take_all_actions(proven: Execution, client: Client) -> None:
    reviewer = User.objects.create_user("reviewer", is_staff=True)
    reviewer.groups.set([Group.objects.get(name="Abuse reviewers")])
    client.force_login(reviewer)
    assert client.get(LIST).status_code == client.get(change(proven)).status_code == 200
    for action in ACTS:
        assert act(client, proven, action, reason="abuse").status_code == 200
    assert Suspension.objects.count() == 3


@pytest.mark.parametrize(
    ("url", "page_after"),
    [("/admin/?a=1", "/admin/?a=1"), ("https://evil.example/", None), ("//evil.example", None), ("", None)],
)
def test_staff_return_to_the_same_page_after_suspending_or_lifting(
    execution: Execution, page: Page, admin_client: Client, url: str, page_after: str | None
) -> None:
    form = {"reason": "spam", "lasts": "1d", "next": url}
    response = admin_client.post(f"{LIST}{execution.pk}/block-address/", form)
    assert response["Location"] == (page_after or change(execution))
    assert page.run().status_code == 403
    suspension = Suspension.objects.get()
    address = f"/admin/apikeys/suspension/{suspension.pk}/lift/"
    assert address in admin_client.get("/admin/").content.decode()
    response = admin_client.post(address, {"next": url})
    assert response["Location"] == (page_after or "/admin/apikeys/suspension/")
    assert page.run().status_code == 200


def test_lifting_needs_a_post_and_the_permission(execution: Execution, admin_client: Client, client: Client) -> None:
    act(admin_client, execution, "block-address", reason="spam")
    suspension = Suspension.objects.get()
    address = f"/admin/apikeys/suspension/{suspension.pk}/lift/"
    assert admin_client.get(address).status_code == 405
    client.force_login(User.objects.create_user("grace", is_staff=True))
    assert client.post(address).status_code == 403
    suspension.refresh_from_db()
    assert suspension.lifted is None
    assert admin_client.post("/admin/apikeys/suspension/0/lift/").status_code == 404


def test_learner_and_address_are_links_to_all_they_ran(proven: Execution, admin_client: Client) -> None:
    text = admin_client.get(change(proven)).content.decode()
    for query in ("learner=eve", "client_address=127.0.0.1"):
        assert f'href="{LIST}?{query}"' in text


@pytest.mark.parametrize(
    ("action", "others"), [("suspend-learner", False), ("block-address", True), ("suspend-key", False)]
)
def test_suspended_learner_is_marked_everywhere(
    proven: Execution, page: Page, admin_client: Client, action: str, others: bool
) -> None:
    page.run(learner="eve")  # claimed, with another key, from the same address
    other = Execution.objects.latest("pk")
    act(admin_client, proven, action, reason="<b>spam", lasts="7d")
    [suspension] = Suspension.objects.all()
    lift = f'formaction="/admin/apikeys/suspension/{suspension.pk}/lift/"'
    assert suspension.ends is not None
    for text in (admin_client.get(each).content.decode() for each in (LIST, change(proven), "/admin/")):
        assert lift in text
        assert "&lt;b&gt;spam" in text
        assert f"{suspension.ends:%Y-%m-%d %H:%M:%S}" in text
        assert '<form id="lift" method="post">' in text
    assert (lift in admin_client.get(change(other)).content.decode()) is others
    assert admin_client.get(LIST).content.decode().count(lift) == 1 + others


def test_only_staff_who_may_lift_get_the_button(proven: Execution, admin_client: Client, client: Client) -> None:
    act(admin_client, proven, "block-address", reason="spam")
    reader = User.objects.create_user("grace", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename__in=["view_execution", "view_suspension"]))
    client.force_login(reader)
    text = client.get(change(proven)).content.decode()
    assert "<b>suspended</b> until lifted: <bdi>spam</bdi>" in text
    assert "formaction" not in text
    reader.user_permissions.set(Permission.objects.filter(codename="view_execution"))
    client.force_login(User.objects.get(pk=reader.pk))
    assert "<b>suspended</b>" not in client.get(change(proven)).content.decode()
