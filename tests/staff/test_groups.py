"""What members of the groups of staff may see and do."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client

from apikeys.models import ApiKey
from executions.models import Execution
from tests.conftest import Page

KEYS, REVIEWS, TEACHES = "Key managers", "Abuse reviewers", "Teachers"


def allowed(name: str) -> set[str]:
    found = Permission.objects.filter(group__name=name)
    return {f"{each.content_type.app_label}.{each.codename}" for each in found}


def log_in_member(group: str) -> Client:
    member = User.objects.create_user(group, is_staff=True)
    member.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(member)
    return client


@pytest.mark.usefixtures("groups")
@pytest.mark.parametrize(
    ("path", "key_manager", "reviewer", "teacher"),
    [
        ("/admin/", 200, 200, 200),
        ("/admin/apikeys/apikey/", 200, 200, 403),
        ("/admin/apikeys/apikey/{key}/change/", 200, 200, 403),
        ("/admin/executions/execution/", 403, 200, 403),
        ("/admin/executions/attempt/", 403, 200, 200),
        ("/admin/executions/attempt/loops/", 403, 200, 200),
        ("/admin/executions/execution/{execution}/change/", 403, 200, 403),
        ("/admin/executions/execution/add/", 403, 403, 403),
        ("/admin/auth/user/", 403, 403, 403),
        ("/admin/auth/user/add/", 403, 403, 403),
        ("/admin/auth/group/", 403, 403, 403),
        ("/admin/otp_totp/totpdevice/", 403, 403, 403),
        ("/admin/auditlog/logentry/", 403, 403, 403),
    ],
)
def test_each_group_sees_only_its_part(page: Page, path: str, key_manager: int, reviewer: int, teacher: int) -> None:
    execution = Execution.objects.create(code="1", timeout=5, key=page.key)
    path = path.format(key=page.key.pk, execution=execution.pk)
    assert log_in_member(KEYS).get(path).status_code == key_manager
    assert log_in_member(REVIEWS).get(path).status_code == reviewer
    assert log_in_member(TEACHES).get(path).status_code == teacher


@pytest.mark.usefixtures("groups")
def test_a_reviewer_cannot_change_a_key(page: Page) -> None:
    form = {"name": "Mine", "origins": '["https://evil.example"]', "rate": "9999/s"}
    before = ApiKey.objects.values().get()
    path = f"/admin/apikeys/apikey/{page.key.pk}/change/"
    assert log_in_member(REVIEWS).post(path, form).status_code == 403
    assert ApiKey.objects.values().get() == before


@pytest.mark.usefixtures("groups")
@pytest.mark.parametrize("group", [KEYS, REVIEWS, TEACHES])
def test_members_cannot_raise_their_own_rights(db: None, group: str) -> None:
    client = log_in_member(group)
    me = User.objects.get(username=group)
    form = {"username": group, "is_staff": "on", "is_active": "on", "is_superuser": "on"}
    assert client.post(f"/admin/auth/user/{me.pk}/change/", form).status_code == 403
    me.refresh_from_db()
    assert not me.is_superuser


@pytest.mark.django_db(transaction=True)
def test_the_migration_creates_the_groups_with_or_without_permissions() -> None:
    call_command("migrate", "staff", "zero", verbosity=0)
    assert not Group.objects.exists()
    Group.objects.create(name=KEYS)  # an existing group
    Permission.objects.all().delete()  # as in a new database, before Django creates them
    call_command("migrate", "staff", verbosity=0)
    assert {name: allowed(name) for name in (KEYS, REVIEWS, TEACHES)} == {
        KEYS: {
            *(f"apikeys.{action}_apikey" for action in ("view", "add", "change", "rotate", "revoke")),
            *(f"apikeys.{action}_suspension" for action in ("view", "add", "change")),
            "apikeys.view_dailyuse",
        },
        REVIEWS: {
            "executions.view_execution",
            "executions.rerun_execution",
            "executions.view_executionflag",
            "executions.view_attempt",
            "apikeys.view_apikey",
            "apikeys.view_dailyuse",
            *(f"apikeys.{action}_suspension" for action in ("view", "add", "change")),
        },
        TEACHES: {"executions.view_attempt"},
    }
