"""`manage.py list_keys`, and the options of `create_key` that it shows."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apikeys.models import ApiKey
from tests.conftest import Page


def listed(*arguments: str) -> str:
    output = StringIO()
    call_command("list_keys", *arguments, stdout=output)
    return output.getvalue()


def create(*arguments: str) -> None:
    call_command("create_key", *arguments, stdout=StringIO())


def test_a_key_is_listed_with_todays_usage(page: Page) -> None:
    page.run()
    heading, row = listed().splitlines()
    assert heading.startswith("prefix")
    for shown in (page.key.prefix, "Site", "publishable", "live", "active", "1 / 100,000", "0 / 43,200"):
        assert shown in row
    assert page.token not in row
    assert page.key.token_hash not in row


@pytest.mark.django_db
def test_a_created_key_keeps_all_options() -> None:
    limits = {"max_concurrent": 3, "executions_per_day": 5, "cpu_seconds_per_day": 7}
    numbers = [word for name, value in limits.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    texts = [
        "--owner",
        "Ada",
        "--notes",
        "for tests",
        "--rate",
        "2/h",
        "--learner-rate",
        "1/h",
        "--expires",
        "2099-12-31",
    ]
    create("Server", "--kind", "secret", "--environment", "test", *texts, *numbers)
    key = ApiKey.objects.get()
    assert {name: getattr(key, name) for name in limits} == limits
    assert (key.owner, key.notes, key.rate, key.learner_rate) == ("Ada", "for tests", "2/h", "1/h")
    assert key.expires is not None
    assert key.expires.isoformat() == "2099-12-31T00:00:00+00:00"
    [row] = json.loads(listed("--json"))
    assert (row["environment"], row["owner"], row["executions_per_day"]) == ("test", "Ada", 5)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "option", [["--expires", "soon"], ["--expires", "2020-01-01"], ["--rate", "often"], ["--max-concurrent", "0"]]
)
def test_invalid_limits_are_refused(option: list[str]) -> None:
    with pytest.raises(CommandError):
        create("Server", "--kind", "secret", *option)
    assert not ApiKey.objects.exists()


@pytest.mark.django_db
def test_control_characters_in_names_are_replaced() -> None:
    create("a\x1b[2J\u202eb", "--kind", "secret")
    assert "a?[2J?b" in listed()


@pytest.mark.parametrize(
    ("change", "state"),
    [({"is_active": False}, "revoked"), ({"expires": "2020-01-01T00:00Z"}, "expired"), ({}, "active")],
)
def test_every_state_is_listed(page: Page, change: dict[str, Any], state: str) -> None:
    if change:
        ApiKey.objects.update(**change)
    assert json.loads(listed("--json"))[0]["state"] == state
