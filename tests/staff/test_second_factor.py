"""The second factor of the admin's login."""

import base64
import time
from io import StringIO
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from staff.management.commands.create_otp import enrol

PASSWORD = "a long word of four"


@pytest.fixture(autouse=True)
def _required(settings: Settings) -> None:
    settings.ADMIN_REQUIRE_OTP = True


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_superuser("ada", password=PASSWORD)


@pytest.fixture
def device(ada: User) -> TOTPDevice:
    return enrol(ada)


def token_of(device: TOTPDevice, steps: int = 0) -> str:
    """Return the token that the authenticator shows `steps` half minutes from now."""
    totp = TOTP(device.bin_key)
    totp.time = time.time() + steps * 30
    return f"{totp.token():06}"


def wrong_token_of(device: TOTPDevice) -> str:
    near = {token_of(device, steps) for steps in range(-3, 4)}
    return next(
        token for token in ("000000", "111111", "222222", *map(str, range(333333, 333340))) if token not in near
    )


def log_in(client: Client, token: str | None, password: str = PASSWORD, name: str = "ada") -> Any:
    form = {"username": name, "password": password, "next": "/admin/"}
    return client.post("/admin/login/", form if token is None else {**form, "otp_token": token})


def is_inside(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def let_pass(device: TOTPDevice) -> None:
    """End the pause after wrong tokens."""
    TOTPDevice.objects.filter(pk=device.pk).update(throttling_failure_timestamp=None)


def events() -> list[str]:
    return [entry.additional_data["event"] for entry in LogEntry.objects.order_by("pk") if entry.additional_data]


def test_password_and_token_open_the_admin(client: Client, device: TOTPDevice) -> None:
    assert 'name="otp_token"' in client.get("/admin/login/").content.decode()
    assert log_in(client, token_of(device)).status_code == 302
    assert is_inside(client)
    assert events() == ["login"]


@pytest.mark.parametrize("token", [None, "", "abc", "\0", "9" * 5000, "-1"])
def test_a_password_without_a_token_is_refused(client: Client, device: TOTPDevice, token: str | None) -> None:
    assert log_in(client, token).status_code == 200
    assert not is_inside(client)
    assert events() == ["login_failed"]


def test_a_wrong_token_gets_the_same_answer_as_a_wrong_password(client: Client, device: TOTPDevice) -> None:
    answers = [
        log_in(client, token_of(device), password="wrong"),
        log_in(client, wrong_token_of(device)),
        log_in(client, None),
        log_in(client, token_of(device), name="nobody"),
    ]
    assert len({str(answer.context["form"].errors) for answer in answers}) == 1
    assert all(PASSWORD not in answer.content.decode() for answer in answers)


def test_a_token_works_once(client: Client, device: TOTPDevice) -> None:
    token = token_of(device)
    log_in(client, token)
    assert is_inside(client)
    second = Client()
    log_in(second, token)
    assert not is_inside(second)


@pytest.mark.parametrize(("steps", "opens"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_token_of_the_half_minute_before_or_after_works(
    client: Client, device: TOTPDevice, monkeypatch: pytest.MonkeyPatch, steps: int, opens: bool
) -> None:
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now)
    log_in(client, token_of(device, steps))
    assert is_inside(client) == opens


def test_the_right_token_is_refused_shortly_after_a_wrong_one(
    client: Client, device: TOTPDevice, settings: Settings
) -> None:
    settings.OTP_TOTP_THROTTLE_FACTOR = 60  # seconds for the first, so that a slow machine is still within them
    for token in (wrong_token_of(device), token_of(device)):
        log_in(client, token)
        assert not is_inside(client)
    let_pass(device)
    log_in(client, token_of(device))
    assert is_inside(client)


def test_all_addresses_of_one_client_are_locked_out_together(
    client: Client, device: TOTPDevice, settings: Settings
) -> None:
    """One IPv6 client has 2**64 of them, and could guess with each."""
    settings.ADMIN_ALLOWED_IPS = ["::/0"]

    def try_from(number: int, token: str, password: str = PASSWORD) -> int:
        client.defaults["REMOTE_ADDR"] = f"2001:db8::{number}"
        return int(log_in(client, token, password).status_code)

    assert [try_from(number, "", "wrong") for number in range(5)] == [200, 200, 200, 200, 429]
    let_pass(device)
    assert try_from(9, token_of(device)) == 429


def test_five_wrong_tokens_lock_out_like_wrong_passwords(client: Client, device: TOTPDevice) -> None:
    answers = []
    for _ in range(5):
        let_pass(device)
        answers.append(log_in(client, wrong_token_of(device)).status_code)
    assert answers == [200, 200, 200, 200, 429]
    let_pass(device)
    assert log_in(client, token_of(device)).status_code == 429
    assert sorted(set(events())) == ["locked_out", "login_failed"]


def test_the_token_of_another_account_is_refused(client: Client, device: TOTPDevice) -> None:
    User.objects.create_superuser("grace", password=PASSWORD)
    log_in(client, token_of(device), name="grace")
    assert not is_inside(client)


def test_a_session_without_a_token_is_refused_once_tokens_are_required(
    client: Client, ada: User, settings: Settings
) -> None:
    settings.ADMIN_REQUIRE_OTP = False
    assert "otp_token" not in client.get("/admin/login/").content.decode()
    log_in(client, None)
    assert is_inside(client)
    settings.ADMIN_REQUIRE_OTP = True
    for path in (
        "/admin/",
        "/admin/apikeys/apikey/",
        "/admin/executions/execution/",
        "/admin/auth/user/add/",
        "/admin/password_change/",
        "/admin/otp_totp/totpdevice/",
        "/admin/autocomplete/",
        "/admin/nothing/",
    ):
        response = client.get(path)
        assert response.status_code == 302, path
        assert response["Location"].startswith("/admin/login/"), path
    assert "as ada, but are not authorized" in client.get("/admin/login/").content.decode()


def test_deleting_a_device_ends_its_sessions(client: Client, device: TOTPDevice) -> None:
    log_in(client, token_of(device))
    device.delete()
    assert not is_inside(client)


def test_a_session_ends_with_the_browser_and_after_eight_hours(client: Client, device: TOTPDevice) -> None:
    cookie = log_in(client, token_of(device)).cookies["sessionid"]
    assert cookie["max-age"] == ""
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert 0 < client.session.get_expiry_age() <= 8 * 60 * 60


# create_otp


def create_otp(*arguments: str) -> str:
    out = StringIO()
    call_command("create_otp", *arguments, stdout=out)
    return out.getvalue()


def test_create_otp_prints_what_an_authenticator_needs(client: Client, ada: User) -> None:
    shown = create_otp("ada")
    device = TOTPDevice.objects.get(user=ada)
    *picture, _, url, secret = shown.splitlines()
    assert url.startswith(f"otpauth://totp/code.pylearn.net%3Aada?secret={secret}&")
    assert base64.b32decode(secret) == device.bin_key
    assert len(picture) > 15
    assert {"█", "▀", "▄"} <= set("".join(picture))
    log_in(client, token_of(device))
    assert is_inside(client)


def test_an_existing_device_is_replaced_only_on_request(client: Client, ada: User) -> None:
    create_otp("ada")
    earlier = TOTPDevice.objects.get()
    log_in(client, token_of(earlier))
    with pytest.raises(CommandError, match="--replace"):
        create_otp("ada")
    assert TOTPDevice.objects.get() == earlier
    create_otp("ada", "--replace")
    assert TOTPDevice.objects.get().key != earlier.key
    assert not is_inside(client)


@pytest.mark.parametrize("name", ["nobody", "learner"])
def test_only_staff_get_a_device(db: None, name: str) -> None:
    User.objects.create_user("learner")
    with pytest.raises(CommandError, match=name):
        create_otp(name)
    assert not TOTPDevice.objects.exists()


def test_devices_are_recorded_without_their_keys(client: Client, ada: User) -> None:
    create_otp("ada")
    keys = [TOTPDevice.objects.get().key]
    create_otp("ada", "--replace")
    last = TOTPDevice.objects.get()
    keys.append(last.key)
    log_in(client, token_of(last))
    client.post(f"/admin/otp_totp/totpdevice/{last.pk}/delete/", {"post": "yes"})
    assert not TOTPDevice.objects.exists()
    entries = LogEntry.objects.filter(content_type__model="totpdevice").order_by("pk")
    kinds = LogEntry.Action
    assert [entry.action for entry in entries] == [kinds.CREATE, kinds.DELETE, kinds.CREATE, kinds.DELETE]
    assert [entry.actor for entry in entries] == [None, None, None, ada]
    everything = str(list(LogEntry.objects.values_list()))
    assert not [key for key in keys if key in everything]


# Devices in the admin


def test_no_page_shows_a_secret(admin_client: Client, device: TOTPDevice, settings: Settings) -> None:
    settings.ADMIN_REQUIRE_OTP = False  # any session of a superuser will do
    base32 = base64.b32encode(device.bin_key).decode()
    devices = "/admin/otp_totp/totpdevice/"
    statuses = {}
    for path in ("", "add/", f"{device.pk}/change/", f"{device.pk}/config/", f"{device.pk}/qrcode/"):
        response = admin_client.get(devices + path)
        statuses[path.removeprefix(f"{device.pk}/")] = response.status_code
        assert device.key not in response.content.decode()
        assert base32 not in response.content.decode()
    assert statuses == {"": 200, "add/": 403, "change/": 200, "config/": 403, "qrcode/": 403}


def test_a_device_cannot_move_to_another_account(
    admin_client: Client, admin_user: User, device: TOTPDevice, settings: Settings
) -> None:
    settings.ADMIN_REQUIRE_OTP = False
    form = {"user": admin_user.pk, "name": "mine", "confirmed": "on", "key": "00" * 20}
    assert admin_client.post(f"/admin/otp_totp/totpdevice/{device.pk}/change/", form).status_code == 403
    device.refresh_from_db()
    assert device.user.username == "ada"


def test_staff_without_permission_do_not_see_devices(client: Client, device: TOTPDevice, settings: Settings) -> None:
    settings.ADMIN_REQUIRE_OTP = False
    grace = User.objects.create_user("grace", is_staff=True)
    grace.user_permissions.set(Permission.objects.exclude(content_type__app_label="otp_totp"))
    client.force_login(grace)
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/otp_totp/totpdevice/").status_code == 403
    assert client.post(f"/admin/otp_totp/totpdevice/{device.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_cannot_be_deleted(admin_client: Client, ada: User, settings: Settings) -> None:
    settings.ADMIN_REQUIRE_OTP = False
    assert admin_client.post(f"/admin/auth/user/{ada.pk}/delete/", {"post": "yes"}).status_code == 403
