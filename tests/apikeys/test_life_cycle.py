"""How keys are rotated, expire and are revoked."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apikeys import tokens
from apikeys.keys import create_key
from apikeys.models import ApiKey
from tests.conftest import ORIGIN, Page


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(("seconds", "status_code"), [(-1, 403), (60, 200)])
def test_a_key_expires(page: Page, seconds: int, status_code: int) -> None:
    ApiKey.objects.update(expires=timezone.now() + timedelta(seconds=seconds))
    assert page.run().status_code == status_code


def test_an_expired_key_gets_the_same_403_as_an_unknown_one(page: Page) -> None:
    unknown = page.post({"code": "1"}, x_api_key=tokens.generate_token("publishable"))
    ApiKey.objects.update(expires=timezone.now())
    assert page.run().content == unknown.content


def test_both_tokens_work_until_the_overlap_ends(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    ApiKey.objects.update(rate="7/m")
    call_command("rotate_key", page.key.prefix, "--overlap-hours", "1")
    token = last_line(capsys)
    assert page.run().status_code == 200
    assert page.post({"code": "1"}, x_api_key=token).status_code == 200
    successor = ApiKey.objects.exclude(pk=page.key.pk).get()
    assert (successor.name, successor.rate, successor.origins) == (page.key.name, "7/m", [ORIGIN])
    ApiKey.objects.filter(pk=page.key.pk).update(expires=timezone.now())
    assert page.run().status_code == 403
    assert page.post({"code": "1"}, x_api_key=token).status_code == 200


def test_rotation_says_when_the_tokens_really_end(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    """A key that expires sooner than its overlap ends then, and so does its successor."""
    ApiKey.objects.update(expires=datetime(2100, 1, 2, 3, 4, 5, tzinfo=UTC))
    call_command("rotate_key", page.key.prefix, "--overlap-hours", "1")
    assert "It expires 2100-01-02 03:04:05 UTC." in capsys.readouterr().out
    soon = timezone.now() + timedelta(minutes=5)
    successor = ApiKey.objects.exclude(pk=page.key.pk).get()
    ApiKey.objects.filter(pk=successor.pk).update(expires=soon)
    call_command("rotate_key", successor.prefix, "--overlap-hours", "48")
    assert f"the old one ends {soon:%Y-%m-%d %H:%M:%S} UTC" in capsys.readouterr().out


def test_without_an_overlap_the_old_token_ends_at_once(page: Page) -> None:
    call_command("rotate_key", page.key.prefix, "--overlap-hours", "0")
    assert page.run().status_code == 403


def test_a_revoked_key_ends_at_once_and_cannot_be_rotated(page: Page) -> None:
    call_command("revoke_key", page.key.prefix)
    assert page.run().status_code == 403
    for command in ("revoke_key", "rotate_key"):
        with pytest.raises(CommandError, match="No active key"):
            call_command(command, page.key.prefix)


@pytest.mark.parametrize("change", [{"is_from_environment": True}, {"expires": timezone.now()}])
def test_environment_and_expired_keys_cannot_be_rotated(page: Page, change: dict[str, object]) -> None:
    ApiKey.objects.update(**change)
    with pytest.raises(CommandError, match="This key cannot be rotated"):
        call_command("rotate_key", page.key.prefix)
    assert ApiKey.objects.count() == 1


def test_a_rotated_test_key_stays_a_test_key(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    key, token = create_key("Try", "secret", [ORIGIN], environment="test")
    assert token.startswith("pl_test_sec_")
    assert page.post({"code": "1"}, x_api_key=token).status_code == 200
    call_command("rotate_key", key.prefix)
    assert last_line(capsys).startswith("pl_test_sec_")
