"""The dashboard's figures and charts, and who sees which part."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import Settings

from apikeys import traffic
from apikeys.models import ApiKey, DailyUse, KeyTraffic, Suspension
from apikeys.suspension_badge import Badges, badges_for
from apikeys.suspensions import suspend_address
from executions.cluster.workers import MOST_SHOWN
from executions.models import Execution, ExecutionFlag
from executions.review.dashboard.charts import draw, lines, round_up, short
from executions.review.dashboard.figures import Counts, Spread
from executions.review.dashboard.noticed import NoticedFigures, noticed_figures
from executions.review.dashboard.overview import count_month, find_activity
from executions.review.dashboard.refusal_figures import refusal_figures
from executions.running.backend import get_backend
from executions.sandbox.sandbox import SandboxHealth
from executions.templatetags.quantities import compared, duration, share, width
from tests.conftest import Page
from tests.fakes import seen_worker

NOW = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)


def add(created: datetime, status: str = "success", **fields: Any) -> Execution:
    """Record an execution that was created at the given time."""
    execution = Execution.objects.create(code="1", timeout=5, status=status, **fields)
    Execution.objects.filter(pk=execution.pk).update(created=created)
    return execution


@pytest.mark.django_db
def test_executions_count_for_their_day_in_utc() -> None:
    midnight = datetime(2027, 3, 28, tzinfo=UTC)
    add(midnight - timedelta(microseconds=1), "timeout")
    add(midnight, "error")
    add(NOW - timedelta(microseconds=1), "memory_limit")
    add(midnight - timedelta(days=30), "success")  # one day too old
    add(midnight - timedelta(days=29), "refused")
    month = count_month(NOW)
    assert len(month.days) == 30
    assert month.today.counts == Counts(error=1, memory_limit=1)
    assert month.yesterday.counts == Counts(timeout=1)
    assert month.days[0].counts == Counts(refused=1)
    assert sum(day.counts.total for day in month.days) == 4


@pytest.mark.django_db
def test_today_is_compared_with_yesterday_until_this_time() -> None:
    for hours in (25, 24, 23, 1):
        add(NOW - timedelta(hours=hours))
    month = count_month(NOW)
    assert month.yesterday_by_now == Counts(success=1)
    assert (month.yesterday.counts, month.today.counts) == (Counts(success=3), Counts(success=1))


@pytest.mark.django_db
def test_percentiles_of_wait_and_run_time_are_shown() -> None:
    for number in range(101):
        add(NOW, execution_time=number / 100, waited_seconds=number / 1000)
    add(NOW, "refused")
    today = count_month(NOW).today
    assert today.running is not None
    assert today.waiting is not None
    found = [today.running.p50, today.running.p95, today.waiting.p50, today.waiting.p95]
    assert found == pytest.approx([0.5, 0.95, 0.05, 0.095])
    assert count_month(NOW).yesterday.running is None


@pytest.mark.django_db
def test_learners_are_listed_by_cpu_time() -> None:
    key = ApiKey.objects.create(name="Site", kind="secret", prefix="p", token_hash="h")
    for who, day, cpu_seconds in (
        ("", 28, 9.0),
        ("learner:ada", 28, 6.0),
        ("address:192.0.2.1", 28, 3.0),
        ("learner:bob", 27, 30.0),
        ("learner:idle", 28, 0.0),
        ("", 27, 30.0),
    ):
        DailyUse.objects.create(
            family=key.family, day=NOW.replace(day=day), who=who, executions=2, cpu_seconds=cpu_seconds
        )
    activity = find_activity(NOW, Badges({}, False))
    assert (activity.cpu_seconds_today, activity.cpu_seconds_yesterday) == (9.0, 30.0)
    today = [
        (use.kind, use.name, use.key, use.executions, use.cpu_seconds, use.part) for use in activity.learners_today
    ]
    assert today == [("learner", "ada", "Site", 2, 6.0, 1.0), ("address", "192.0.2.1", "Site", 2, 3.0, 0.5)]
    assert [use.name for use in activity.month.learners] == ["bob", "ada", "192.0.2.1"]


def flag(kind: str, *, times: int = 1, created: datetime = NOW, **fields: Any) -> Execution:
    """Record executions with a flag; return the last."""
    for _ in range(times):
        execution = add(created, "error", **fields)
        ExecutionFlag.objects.create(execution=execution, kind=kind)
    return execution


@pytest.mark.django_db
def test_flags_are_grouped_by_who_got_them_the_worst_first() -> None:
    site = ApiKey.objects.create(name="Site", kind="publishable", prefix="p", token_hash="h")
    server = ApiKey.objects.create(name="Server", kind="secret", prefix="s", token_hash="i")
    flag("fork_storm", created=NOW - timedelta(hours=25), key=site, client_address="192.0.2.3")
    flag("memory_kill", times=5, key=site, client_address="192.0.2.1", learner="ada")
    flag("memory_kill", key=site, client_address="192.0.2.1", learner="bob")
    flag("fork_storm", key=site, client_address="192.0.2.1")
    flag("fork_storm", times=2, key=server, learner="eve", client_address="192.0.2.9")
    last = flag("cpu_budget", key=server, learner="eve", client_address="192.0.2.8")
    flag("memory_kill", times=9, key=site, client_address="192.0.2.2")
    flag("fork_storm")  # of staff
    found = noticed_figures(NOW, Badges({}, False))
    assert found.count == 3
    assert [(each.kind, each.name, each.key, each.claimed) for each in found.first] == [
        ("address", "192.0.2.1", "Site", ["ada", "bob"]),
        ("learner", "eve", "Server", []),
        ("address", "192.0.2.2", "Site", []),
    ]
    assert found.first[0].flags == [("fork storm", 1), ("memory kill", 6)]
    assert found.first[1].flags == [("fork storm", 2), ("high cpu use by one learner", 1)]
    assert (found.first[1].execution_id, found.first[1].last) == (last.pk, NOW)


@pytest.mark.django_db
def test_suspended_learners_come_last_with_the_reason(admin_user: User) -> None:
    site = ApiKey.objects.create(name="Site", kind="publishable", prefix="p", token_hash="h")
    flag("fork_storm", key=site, client_address="2001:db8::1")
    flag("memory_kill", key=site, client_address="192.0.2.2")
    suspend_address("2001:db8::", "a storm", None, admin_user)
    first = noticed_figures(NOW, badges_for(admin_user)).first
    assert [each.name for each in first] == ["192.0.2.2", "2001:db8::1"]
    assert "a storm" in first[1].badge
    assert not first[0].badge


def traffic_of(number: int, *, minutes: int, **requests: int) -> None:
    for reason, count in requests.items():
        begins = traffic.period_of(NOW - timedelta(minutes=minutes))
        reason = "" if reason == "answered" else reason
        KeyTraffic.objects.create(begins=begins, key_number=number, reason=reason, requests=count)


@pytest.mark.django_db
@pytest.mark.parametrize(("refused", "are_many"), [(9, False), (10, True)])
def test_refused_requests_are_many_from_a_tenth(refused: int, are_many: bool) -> None:
    key = ApiKey.objects.create(name="Site", kind="publishable", prefix="p", token_hash="h")
    traffic_of(key.pk, minutes=5, answered=90, suspended=refused)
    traffic_of(traffic.UNKNOWN, minutes=40, invalid_key=1000)
    traffic_of(key.pk, minutes=13 * 60, suspended=1000)  # yesterday
    found = refusal_figures(NOW)
    assert found.are_many is are_many
    assert (found.recent_requests, found.recent_refused) == (90 + refused, refused)
    assert (found.requests_today, found.refused_today) == (1090 + refused, 1000 + refused)
    assert [(each.key, each.reason, each.recent, each.today) for each in found.most] == [
        ("Site", "suspended", refused, refused),
        ("no known key", "invalid_key", 0, 1000),
    ]


# The page


def test_the_light_is_amber_while_a_class_is_shut_out(page: Page, admin_client: Client) -> None:
    assert "Accepting programs" in admin_client.get("/admin/").content.decode()
    page.run()
    page.post({"code": "1"}, origin="https://elsewhere.example")
    traffic.get_traffic().write()
    text = admin_client.get("/admin/").content.decode()
    assert "Refusing 50 % of all requests" in text
    assert "most: Site, origin not allowed" in text
    assert "lamp-warning" in text


def test_the_dashboard_has_a_menu_of_what_the_member_of_staff_may_see(page: Page, admin_client: Client) -> None:
    menu = admin_client.get("/admin/").content.decode().split('class="menu"')[1].split("</nav>")[0]
    for model in ("executions/execution", "apikeys/apikey", "apikeys/suspension", "auditlog/logentry"):
        assert f'href="/admin/{model}/"' in menu


@pytest.fixture
def busy(page: Page) -> Page:
    """Record a day with executions of every kind, some of them hostile."""
    page.run("print('<script>')", learner="<img src=x>")
    ApiKey.objects.update(name="<b>Site</b>", expires=timezone.now() + timedelta(days=3))
    for status in Execution.Status.values:
        add(timezone.now(), status, key=page.key, learner="<i>eve</i>", execution_time=0.1, waited_seconds=0.001)
    for execution in Execution.objects.all():
        ExecutionFlag.objects.create(execution=execution, kind="fork_storm")
    Suspension.objects.create(key=page.key, learner="eve", reason="<u>abuse</u>")
    return page


def test_dashboard_is_there_when_redis_is_not(busy: Page, admin_client: Client, settings: Settings) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    assert "Executions today" in admin_client.get("/admin/").content.decode()


def test_a_superuser_sees_the_whole_dashboard(busy: Page, admin_client: Client) -> None:
    response = admin_client.get("/admin/")
    content = response.content.decode()
    assert response.status_code == 200
    for shown in (
        "Executions today",
        "Key quotas today",
        "Most CPU time",
        "Who to look at first",
        "Refused requests",
        "Active suspensions",
    ):
        assert shown in content
    assert "Keys that expire within a week" in content
    assert '<span class="kind">1 expiring</span>' in content
    assert "Accepting programs" in content
    assert "API keys" in content  # the tables are shown
    assert response.context["dashboard"].activity.month.today.counts.total == 10


def test_the_dashboard_escapes_hostile_text_and_keeps_to_the_policy(busy: Page, admin_client: Client) -> None:
    content = admin_client.get("/admin/").content.decode()
    for hostile in ("<i>eve", "<b>Site", "<u>abuse", "<img src=x"):
        assert hostile not in content
    figures = content.split('<div class="figures">')[1].split("{% endif %}")[0]
    assert ' style="' not in figures
    assert "<script" not in figures.split('id="content-main"')[0]


def test_hidden_characters_in_learners_ids_become_visible_marks(page: Page, admin_client: Client) -> None:
    execution = add(timezone.now(), key=page.key, learner="a\u200bda")
    ExecutionFlag.objects.create(execution=execution, kind="memory_kill")
    today = timezone.now().date()
    DailyUse.objects.create(family=page.key.family, day=today, who="learner:e\u200bve", cpu_seconds=1)
    text = admin_client.get("/admin/").content.decode()
    assert "a⟨U+200B⟩da" in text
    assert "e⟨U+200B⟩ve" in text
    assert "learner=e%E2%80%8Bve" in text  # the link finds what is recorded
    assert "\u200b" not in text


def test_keys_near_a_limit_are_counted_in_the_heading(page: Page, admin_client: Client) -> None:
    today = timezone.now().date()
    DailyUse.objects.create(family=page.key.family, day=today, who="", executions=80_000)
    assert '<span class="kind">1 near a limit</span>' in admin_client.get("/admin/").content.decode()
    DailyUse.objects.update(executions=79_999)
    assert "near a limit" not in admin_client.get("/admin/").content.decode()


def test_staff_see_each_worker(page: Page, admin_client: Client) -> None:
    def rows() -> list[str]:
        body = admin_client.get("/admin/").content.decode().split('<table class="workers">')[1].split("</table>")[0]
        return [" ".join(strip_tags(row).split()) for row in body.split("<tr>")[2:]]

    assert "<h2>Workers</h2>" not in admin_client.get("/admin/").content.decode()  # programs run in this process
    shut = SandboxHealth(reason="<b>no engine</b>")
    get_backend().workers = lambda: (
        seen_worker("8f14e45fceea", "<i>one</i>", most_slots=24),
        seen_worker("c9f0f895fb98", "two", 4.0, health=shut),
        seen_worker("45c48cce2e2d", "three", is_leaving=True),
    )
    assert rows() == [
        "&lt;i&gt;one&lt;/i&gt; 8f14e45f ✓ ready 3 of 8\N{EN DASH}24 4 1 500 ms ago",
        "two c9f0f895 ✗ not ready &lt;b&gt;no engine&lt;/b&gt; 0 of 8 0 0 4.0 s ago",
        "three 45c48cce ! leaving 3 of 8 4 1 500 ms ago",
    ]
    get_backend().workers = lambda: tuple(seen_worker(f"{number:08}") for number in range(MOST_SHOWN + 1))
    assert len(rows()) == MOST_SHOWN
    assert f"The first {MOST_SHOWN} of {MOST_SHOWN + 1}." in admin_client.get("/admin/").content.decode()
    get_backend().workers = tuple
    assert "No worker is alive, so no program runs." in admin_client.get("/admin/").content.decode()


@pytest.mark.django_db
def test_the_dashboard_works_without_executions(admin_client: Client) -> None:
    content = admin_client.get("/admin/").content.decode()
    for shown in ("No programs have run yet.", "No key was used today.", "None yet.", "Nobody is suspended."):
        assert shown in content


@pytest.mark.usefixtures("groups")
def test_each_group_sees_its_part_of_the_dashboard(busy: Page, client: Client) -> None:
    def content(group: str | None) -> str:
        user = User.objects.create_user(f"member of {group}", is_staff=True)
        user.groups.set([Group.objects.get(name=group)] if group else [])
        client.force_login(user)
        return client.get("/admin/").content.decode()

    managers, reviewers, nobody = content("Key managers"), content("Abuse reviewers"), content(None)
    assert "Key quotas today" in managers
    assert "Executions today" not in managers
    assert "Who to look at first" not in managers
    assert "Refused requests" in managers
    assert "Executions today" in reviewers
    assert 'class="figures"' not in nobody


def test_the_dashboard_takes_the_same_queries_for_few_and_many_rows(busy: Page, admin_client: Client) -> None:
    def queries() -> int:
        from django.core.cache import cache

        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get("/admin/").status_code == 200
        return len(captured)

    few = queries()
    for number in range(50):
        execution = add(timezone.now() - timedelta(hours=number), key=busy.key, learner=f"learner {number}")
        ExecutionFlag.objects.create(execution=execution, kind="memory_kill")
        DailyUse.objects.create(family=busy.key.family, day=timezone.now(), who=f"learner:{number}", cpu_seconds=number)
    assert queries() == few <= 22


# Charts and numbers


@pytest.mark.django_db
def test_a_bar_stacks_its_statuses() -> None:
    for status, count in (("success", 6), ("error", 2)):
        for _ in range(count):
            add(NOW, status)
    bars = draw_at_noon().statuses
    today = bars.bars[-1]
    assert [segment.status for segment in today.segments] == ["success", "error"]
    assert [(segment.y, segment.height) for segment in today.segments] == [(25.0, 75.0), (0.0, 25.0)]
    assert today.sentence == "Sun 28 Mar: 8 executions (6 success, 2 error)"
    assert bars.statuses == (("success", 6), ("error", 2))


def draw_at_noon() -> Any:
    from executions.review.dashboard.figures import Activity

    return draw(Activity(count_month(NOW), 0, 0, 0, 0, NoticedFigures((), 0), ()))


def test_a_line_is_broken_on_days_without_runs() -> None:
    day = NOW.date()
    chart = lines([(day, Spread(0.001, 0.1)), (day, None), (day, Spread(0.01, 0.1))])
    assert chart.p50 == "M0.5 100.0 h0 M2.5 50.0 h0"
    assert [line.label for line in chart.grid] == ["1 ms", "10 ms", "100 ms"]
    assert lines([(day, None)]).points == ()


@pytest.mark.parametrize(
    ("number", "top"), [(0, 4), (4, 4), (5, 8), (9, 12), (100, 100), (101, 120), (999_999, 1_000_000)]
)
def test_a_scale_ends_at_a_round_number(number: int, top: int) -> None:
    assert round_up(number) == top


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (duration(None), "\N{EN DASH}"),
        (duration(0.0042), "4.2 ms"),
        (duration(0.5), "500 ms"),
        (duration(1.25), "1.2 s"),
        (duration(59.6), "1 min 0 s"),
        (duration(3725), "1 h 2 min"),
        (share(0.0001), "<0.1 %"),
        (share(0.055), "5.5 %"),
        (share(0.5), "50 %"),
        (share(0.9999), ">99.9 %"),
        (share(1.5), "150 %"),
        (width(1.5), "100.0%"),
        (compared(3, 3), "as many as"),
        (compared(6, 3), "100 % more than"),
        (compared(0, 3), "100 % fewer than"),
        (compared(5, 0), "5 more than"),
        (short(1_200), "1.2k"),
        (short(3_000_000), "3M"),
    ],
)
def test_quantities_are_readable(shown: str, text: str) -> None:
    assert shown == text
