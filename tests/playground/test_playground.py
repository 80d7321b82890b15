"""Who may open the playground, what its page contains, and under which learner its programs run."""

import json
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from apikeys import tokens
from apikeys.keys import NotRotatable, create_key, revoke_key, rotate_key
from apikeys.models import PLAYGROUND_HASH, ApiKey, Suspension
from executions.models import Execution
from playground.access import playground_key
from tests.conftest import ORIGIN
from tests.fakes import FakeExecutor

OWN_ORIGIN = "http://testserver"
PAGE, TOKEN = "/playground/", "/playground/token"


@pytest.fixture(autouse=True)
def _reachable(db: None, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_user("ada", is_staff=True))
    return client


def mint(client: Client, **sent: Any) -> str:
    response = client.post(TOKEN, **sent)
    assert response.status_code == 200, response.content
    return str(response.json()["token"])


def run(client: Client, token: str, origin: str | None = OWN_ORIGIN) -> Any:
    headers = {"X-API-Key": token} | ({"Origin": origin} if origin else {})
    body = json.dumps({"code": "print(1)"})
    return client.post("/execute", body, content_type="application/json", headers=headers)


def test_staff_may_open_the_playground(staff: Client) -> None:
    response = staff.get(PAGE)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert staff.get("/playground").headers["Location"] == PAGE


def test_others_must_log_in_first(client: Client) -> None:
    response = client.get(PAGE)
    assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=/playground/")
    assert "The playground opens for staff." in client.get(response["Location"]).content.decode()
    assert "playground opens" not in client.get("/admin/login/?next=/admin/").content.decode()
    client.force_login(User.objects.create_user("eve"))
    assert client.get(PAGE).status_code == 302
    assert client.post(TOKEN).status_code == 403
    assert not ApiKey.objects.exists()


def test_a_session_without_a_token_is_refused_if_tokens_are_required(staff: Client, settings: Settings) -> None:
    settings.ADMIN_REQUIRE_OTP = True
    assert staff.get(PAGE).status_code == 302
    assert staff.post(TOKEN).status_code == 403


@pytest.mark.parametrize("path", [PAGE, TOKEN, "/playground"])
def test_other_addresses_get_404(staff: Client, settings: Settings, path: str) -> None:
    settings.ADMIN_ALLOWED_IPS = ["192.0.2.1"]
    response = staff.get(path)
    assert (response.status_code, response.content) == (404, staff.get("/nothing").content)


def test_a_disabled_playground_is_a_404_for_everybody(staff: Client, settings: Settings) -> None:
    settings.PLAYGROUND = "off"
    assert staff.get(PAGE).status_code == staff.post(TOKEN).status_code == 404


def test_everybody_may_open_a_public_playground(client: Client, settings: Settings, executor: FakeExecutor) -> None:
    settings.PLAYGROUND = "public"
    settings.ADMIN_ALLOWED_IPS = []
    assert client.get(PAGE).status_code == 200
    assert run(client, mint(client)).status_code == 200
    assert "sessionid" not in client.cookies


def test_the_policy_allows_only_our_own_code(staff: Client) -> None:
    policy = staff.get(PAGE)["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives == {
        "default-src": "'self'",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }


def test_the_page_contains_no_key_and_no_token(staff: Client) -> None:
    mint(staff)
    text = staff.get(PAGE).content.decode()
    assert "pl_" not in text
    assert "<script>" not in text
    assert "style=" not in text


def test_other_pages_get_no_token(staff: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = staff.cookies
    assert strict.post(TOKEN).status_code == 403
    assert strict.get(TOKEN).status_code == 405
    strict.get(PAGE)
    sent = {"X-CSRFToken": strict.cookies["csrftoken"].value}
    assert strict.post(TOKEN, headers=sent).status_code == 200
    assert strict.post(TOKEN, headers={**sent, "Origin": ORIGIN}).status_code == 403
    assert "Access-Control-Allow-Origin" not in strict.post(TOKEN, headers=sent)


def test_runs_are_recorded_under_the_account(staff: Client, executor: FakeExecutor) -> None:
    assert run(staff, mint(staff)).status_code == 200
    record = Execution.objects.get()
    assert record.key is not None
    assert (record.key.name, record.learner, record.origin) == ("Playground", "playground:ada", OWN_ORIGIN)


def test_visitors_are_counted_by_address_not_by_cookie(client: Client, settings: Settings) -> None:
    settings.PLAYGROUND = "public"
    minted = [mint(Client(), REMOTE_ADDR=address) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")]
    first, again, other = (read.learner for token in minted if (read := tokens.read_learner_token(token)))
    assert first == again != other
    assert "192.0.2" not in first + other


def test_the_longest_username_makes_a_valid_learner(staff: Client) -> None:
    User.objects.update(username="a" * 150)
    claim = tokens.read_learner_token(mint(staff))
    assert claim is not None
    assert len(claim.learner) == 128


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (OWN_ORIGIN, 200),
        ("https://testserver", 200),
        (None, 200),
        (ORIGIN, 403),
        ("http://testserver.evil.example", 403),
        (f"{'x' * 300}://testserver", 403),
    ],
)
def test_the_token_works_only_on_our_own_page(
    staff: Client, executor: FakeExecutor, origin: str | None, status: int
) -> None:
    assert run(staff, mint(staff), origin).status_code == status


def test_tokens_of_other_keys_are_refused_on_our_own_page(client: Client, executor: FakeExecutor) -> None:
    key, _ = create_key("Site", "secret", [ORIGIN])
    assert run(client, str(tokens.mint_learner_token(key, "ada", 60))).status_code == 403


def test_limits_suspensions_and_revocation_of_the_key_apply(staff: Client, executor: FakeExecutor) -> None:
    token = mint(staff)
    key = ApiKey.objects.get()
    ApiKey.objects.update(learner_rate="1/d")
    assert run(staff, token).status_code == 200
    assert run(staff, mint(staff)).json()["code"] == "learner_rate_limited"
    ApiKey.objects.update(learner_rate="")
    suspension = Suspension.objects.create(key=key, learner="playground:ada", reason="tries the network")
    assert run(staff, token).json()["code"] == "suspended"
    suspension.delete()
    revoke_key(key)
    assert run(staff, token).status_code == 403
    assert staff.post(TOKEN).json()["detail"] == "The playground is switched off."


def test_the_key_is_created_once_and_has_no_token(staff: Client) -> None:
    mint(staff)
    mint(staff)
    key = ApiKey.objects.get()
    assert key.is_playground
    assert LogEntry.objects.filter(object_pk=str(key.pk), additional_data__event="key_created").count() == 1
    for sent in (PLAYGROUND_HASH, "playground", ""):
        assert run(staff, sent, None).status_code == 403
    with pytest.raises(NotRotatable):
        rotate_key(playground_key(), key.created)


def test_the_admin_links_to_the_playground_if_it_is_on(staff: Client, settings: Settings) -> None:
    assert 'href="/playground/"' in staff.get("/admin/").content.decode()
    settings.PLAYGROUND = "off"
    assert "/playground/" not in staff.get("/admin/").content.decode()
