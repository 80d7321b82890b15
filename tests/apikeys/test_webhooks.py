"""The hosts that a key's webhooks may go to, and the secret that signs them."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from apikeys.keys import create_key, rotate_key
from apikeys.models import MOST_WEBHOOK_HOSTS, ApiKey, WebhookSecret
from apikeys.webhook_secrets import make_secret, secrets_of, signature
from tests.apikeys.test_admin import FORM, NEW, address, entries, events, staff_with
from tests.conftest import ORIGIN, Page
from web.notation import LONGEST_HOST_NAME, parse_host

LONGEST = ".".join(["a" * 63] * 3)[: LONGEST_HOST_NAME - 8] + "." + "b" * 53 + ".example"


@pytest.fixture
def key(db: None) -> ApiKey:
    return create_key("Server", "secret", [])[0]


# Hosts


@pytest.mark.parametrize(
    ("host", "name", "port"),
    [
        ("example.org", "example.org", 443),
        ("example.org:8443", "example.org", 8443),
        ("a.b-c.d1.example.org:1", "a.b-c.d1.example.org", 1),
        ("xn--bcher-kva.example:65535", "xn--bcher-kva.example", 65535),
        ("1and1.com", "1and1.com", 443),
        ("127.0.0.1.nip.io", "127.0.0.1.nip.io", 443),
        (f"{'a' * 63}.example.org", f"{'a' * 63}.example.org", 443),
        (LONGEST, LONGEST, 443),
    ],
)
def test_a_name_with_or_without_a_port_is_a_host(host: str, name: str, port: int) -> None:
    assert parse_host(host) == (name, port)


WRONG = [
    "",
    "localhost",
    "db",
    "localhost:8443",
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.0x1",
    "0x7f000001",
    "127.0.0.0x1",
    "127.0.0.1:8443",
    "::1",
    "[::1]",
    "[::1]:443",
    "Example.org",
    "example.org.",
    ".example.org",
    "example..org",
    "-a.example.org",
    "a-.example.org",
    "*.example.org",
    "a_b.example.org",
    "b\u00fccher.example",
    "example.o",
    "example.org:443",
    "example.org:0",
    "example.org:08443",
    "example.org:65536",
    "example.org:",
    "example.org:\u0661",
    "example.org/",
    "https://example.org",
    "user@example.org",
    "example.org\n",
    "example.org evil.example",
    f"{'a' * 64}.example.org",
    f"a{LONGEST}",
]


@pytest.mark.parametrize("host", WRONG)
def test_invalid_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"is not a host such as example\.org|leave out the port"):
        parse_host(host)


@pytest.mark.parametrize("hosts", [["localhost"], "example.org", [7], [["example.org"]], {"example.org": 443}])
def test_the_model_refuses_other_hosts(key: ApiKey, hosts: Any) -> None:
    key.webhook_hosts = hosts
    with pytest.raises(ValidationError) as raised:
        key.full_clean()
    assert raised.value.message_dict.keys() == {"webhook_hosts"}


def test_number_of_hosts_is_bounded(key: ApiKey) -> None:
    key.webhook_hosts = [f"{number}.example.org" for number in range(MOST_WEBHOOK_HOSTS)]
    key.full_clean()
    key.webhook_hosts.append("one.more.example.org")
    with pytest.raises(ValidationError, match=f"at most {MOST_WEBHOOK_HOSTS} hosts"):
        key.full_clean()


def test_staff_enter_hosts_line_by_line(key: ApiKey, admin_client: Client) -> None:
    form = {**FORM, "origins": "", "webhook_hosts": "example.org\n\n example.net:8443 \nexample.org"}
    assert admin_client.post(address(key), form).status_code == 302
    key.refresh_from_db()
    assert key.webhook_hosts == ["example.org", "example.net:8443"]
    assert entries(key)[-1].changes["webhook_hosts"] == [[], ["example.org", "example.net:8443"]]
    assert "example.org\nexample.net:8443</textarea>" in admin_client.get(address(key)).content.decode()
    response = admin_client.post(address(key), {**form, "webhook_hosts": "localhost"})
    assert "'localhost' is not a host such as example.org" in unescape(response.content.decode())
    key.refresh_from_db()
    assert key.webhook_hosts == ["example.org", "example.net:8443"]


def test_a_new_key_may_have_hosts(admin_client: Client) -> None:
    admin_client.post("/admin/apikeys/apikey/add/", {**NEW, "webhook_hosts": "example.org"})
    assert ApiKey.objects.get(name="New").webhook_hosts == ["example.org"]


def test_a_publishable_key_has_no_hosts(page: Page, admin_client: Client) -> None:
    response = admin_client.post(address(page.key), {**FORM, "origins": ORIGIN, "webhook_hosts": "example.org"})
    assert "Only a secret key runs programs in the background." in response.content.decode()
    assert admin_client.get(address(page.key, "webhook")).status_code == 404
    assert "Webhook secret" not in admin_client.get(address(page.key)).content.decode()


# Secrets


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of the Standard Webhooks' own libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def show(client: Client, key: ApiKey, **form: str) -> str:
    """Make a secret and return it."""
    response = client.post(address(key, "webhook"), {"overlap_hours": "0", **form})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    [secret] = re.findall(r'value="(whsec_[A-Za-z0-9+/]{43}=)" readonly', response.content.decode())
    return str(secret)


def test_a_secret_is_shown_once(key: ApiKey, admin_client: Client) -> None:
    page = admin_client.get(address(key, "webhook")).content.decode()
    assert "The key has none yet" in page
    assert not WebhookSecret.objects.exists()
    secret = show(admin_client, key)
    assert secrets_of(key.family) == [secret]
    for what in ("change", "webhook", "history", "rotate"):
        content = admin_client.get(address(key, what)).content.decode()
        assert "whsec_" not in content
    assert events(key) == ["key_created", "webhook_secret_made"]
    assert secret not in str([entry.additional_data for entry in entries(key)])
    assert secret not in str(WebhookSecret.objects.get())


def test_a_new_secret_replaces_the_old_one_after_the_overlap(key: ApiKey, admin_client: Client) -> None:
    first = show(admin_client, key)
    second = show(admin_client, key, overlap_hours="1")
    third = show(admin_client, key, overlap_hours="2")
    assert secrets_of(key.family) == [third, second, first]
    ends: dict[str, Any] = {each.secret: each.ends for each in WebhookSecret.objects.all()}
    assert ends[third] is None
    assert timedelta(minutes=59) < ends[first] - timezone.now() < timedelta(minutes=61)
    assert timedelta(minutes=119) < ends[second] - timezone.now() < timedelta(minutes=121)
    fourth = show(admin_client, key)
    assert secrets_of(key.family) == [fourth]
    show(admin_client, key, overlap_hours="1")
    assert WebhookSecret.objects.count() == 2


def test_invalid_overlap_creates_no_secret(key: ApiKey, admin_client: Client) -> None:
    before = [show(admin_client, key)]
    response = admin_client.post(address(key, "webhook"), {"overlap_hours": "-1"})
    assert "greater than or equal to 0" in response.content.decode()
    assert secrets_of(key.family) == before


def test_a_secret_belongs_to_the_family(key: ApiKey, admin_client: Client) -> None:
    secret = show(admin_client, key)
    ApiKey.objects.filter(pk=key.pk).update(webhook_hosts=["example.org"])
    successor, _ = rotate_key(key, timezone.now())
    assert secrets_of(successor.family) == [secret]
    assert successor.webhook_hosts == ["example.org"]
    other, _ = create_key("Other", "secret", [])
    assert secrets_of(other.family) == []


def test_only_staff_who_may_rotate_make_secrets(key: ApiKey) -> None:
    client = staff_with("view_apikey", "change_apikey")
    assert client.get(address(key, "webhook")).status_code == 403
    assert client.post(address(key, "webhook"), {"overlap_hours": "0"}).status_code == 403
    assert "Webhook secret" not in client.get(address(key)).content.decode()
    assert not WebhookSecret.objects.exists()


def test_staff_who_may_rotate_find_the_page(key: ApiKey) -> None:
    client = staff_with("view_apikey", "change_apikey", "rotate_apikey")
    assert f'href="{address(key, "webhook")}"' in client.get(address(key)).content.decode()
    assert show(client, key) == secrets_of(key.family)[0]


def test_a_secret_lasts_until_it_ends(key: ApiKey) -> None:
    first = make_secret(key, timezone.now())
    second = make_secret(key, timezone.now() + timedelta(seconds=9))
    WebhookSecret.objects.filter(secret=first).update(ends=timezone.now())
    assert secrets_of(key.family) == [second]
