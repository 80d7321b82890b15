"""`POST /executions` with a `webhook`: the end of the program is sent there, signed, until the receiver has it."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db.models.functions import Now
from django.test import Client
from pytest_django import Settings

from apikeys.keys import create_key, rotate_key
from apikeys.models import ApiKey, WebhookSecret
from apikeys.webhook_secrets import make_secret, secrets_of
from executions.bounds import WEBHOOK_CHARACTERS
from executions.models import Execution, Webhook, WebhookAttempt
from executions.records.retention import erase_learner, prune
from executions.records.servers import recover_interrupted
from executions.running.backend import get_backend
from executions.sandbox.results import Image, RunLost
from executions.webhooks.deliveries import LEASE, PAUSES_SECONDS, claim, settle
from executions.webhooks.message import MOST_BYTES
from executions.webhooks.sender import ALL_SECONDS, NotSent
from executions.webhooks.webhooks import MOST_AT_ONCE, MOST_OF_A_HOST, Webhooks
from tests.conftest import Page, database_fails
from tests.executions.test_background import get, run_all, submit
from tests.executions.test_batch import codes
from tests.executions.test_batch import submit as submit_batch
from tests.fakes import FakeExecutor
from tests.receiver import NAME, Certificate, Received, Receiver, certify, loopback_sender
from tests.waiting import eventually
from web.notation import LONGEST_HOST_NAME

HOOK = f"https://{NAME}/hook"
DOCUMENT = (Path(__file__).parent.parent.parent / "docs/executions.md").read_text()
EXAMPLE = DOCUMENT.split("```python\n")[1].split("```")[0]


@pytest.fixture
def server(page: Page) -> Page:
    key, token = create_key("Server", "secret", [])
    ApiKey.objects.filter(pk=key.pk).update(webhook_hosts=[NAME])
    key.refresh_from_db()
    make_secret(key, key.created)
    return Page(key, token, Client(raise_request_exception=False))


class Sent:
    """Takes the place of the sender, and of the receiver that responds with each of `answers`, and then with a 204."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.received: list[Received] = []

    def post(self, url: str, headers: Any, body: bytes) -> int:
        self.received.append(Received(url, dict(headers), body))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def sent() -> Sent:
    return Sent()


def deliver(sent: Sent, rounds: int = 1) -> None:
    """Make all attempts that are due, here and now; in further rounds those that are due later."""
    webhooks = Webhooks(sent.post, get_backend().late_records, start=lambda run: run())
    for number in range(rounds):
        if number:
            Webhook.objects.filter(next_attempt__isnull=False).update(next_attempt=Now())
        webhooks.look()


def states() -> list[tuple[str, int]]:
    return list(Webhook.objects.order_by("pk").values_list("state", "attempted"))


# What is sent


def verify(received: Received, secret: str) -> None:
    """Do what the documentation says that receivers do."""
    names: dict[str, Any] = {}
    exec(EXAMPLE, names)
    names["verify"](secret, received.headers, received.body)


def test_result_is_sent_once(server: Page, sent: Sent) -> None:
    given = submit(server, webhook=HOOK).json()["id"]
    deliver(sent)
    assert sent.received == []
    run_all()
    deliver(sent, rounds=3)
    [received] = sent.received
    assert received.path == HOOK
    event = json.loads(received.body)
    stored = get(server, given).json()
    assert event == {"type": "execution.finished", "timestamp": stored["finished"], "data": stored}
    assert stored["status"] == "success"
    assert received.headers["webhook-id"] == given
    assert received.headers["Content-Type"] == "application/json"
    assert states() == [("delivered", 1)]


def test_the_example_of_the_documentation_verifies_it(server: Page, sent: Sent) -> None:
    submit(server, webhook=HOOK)
    run_all()
    deliver(sent)
    [received] = sent.received
    [secret] = secrets_of(server.key.family)
    verify(received, secret)
    late = {**received.headers, "webhook-timestamp": str(int(time.time()) - 301)}
    other_time = {**received.headers, "webhook-timestamp": str(int(time.time()) - 9)}
    for forged in (
        replace(received, body=received.body.replace(b"success", b"timeout")),
        replace(received, headers={**received.headers, "webhook-id": "other"}),
        replace(received, headers={**received.headers, "webhook-signature": "v1,"}),
        replace(received, headers=late),
        replace(received, headers=other_time),
    ):
        with pytest.raises(ValueError, match="webhook"):
            verify(forged, secret)
    with pytest.raises(ValueError, match="webhook"):
        verify(received, "whsec_" + "A" * 43 + "=")


def test_both_secrets_sign_during_the_overlap(server: Page, sent: Sent) -> None:
    [old] = secrets_of(server.key.family)
    submit(server, webhook=HOOK)
    run_all()
    tomorrow = Execution.objects.get().created + timedelta(days=1)
    new = make_secret(server.key, tomorrow)
    deliver(sent)
    [received] = sent.received
    verify(received, old)
    verify(received, new)
    WebhookSecret.objects.filter(secret=old).update(ends=server.key.created)
    submit(server, webhook=HOOK)
    run_all()
    deliver(sent)
    verify(sent.received[1], new)
    with pytest.raises(ValueError, match="webhook"):
        verify(sent.received[1], old)


def test_each_attempt_has_one_id_and_a_time_of_its_own(
    server: Page, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    submit(server, webhook=HOOK)
    run_all()
    sent.answers = [500]
    deliver(sent)
    monkeypatch.setattr(time, "time", lambda: now + 60)
    deliver(sent, rounds=2)
    first, second = sent.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) == int(now + 60)
    assert first.body == second.body


@pytest.mark.parametrize("end", ["refused", "internal_error", "interrupted"])
def test_result_is_sent_whatever_its_status(server: Page, executor: FakeExecutor, sent: Sent, end: str) -> None:
    given = submit(server, webhook=HOOK).json()["id"]
    if end == "refused":
        get_backend().jobs.close(0)
    elif end == "internal_error":
        executor.error = RunLost("gone")
        run_all()
    else:
        recover_interrupted()
    deliver(sent)
    [received] = sent.received
    event = json.loads(received.body)
    assert event["data"] == get(server, given).json()
    assert event["data"]["status"] == ("refused" if end == "refused" else "internal_error")
    assert event["timestamp"]


def test_images_are_sent(server: Page, executor: FakeExecutor, sent: Sent) -> None:
    executor.main = replace(executor.main, images=(Image(b"png", 4, 3),))
    submit(server, webhook=HOOK)
    run_all()
    deliver(sent)
    assert json.loads(sent.received[0].body)["data"]["images"][0]["width"] == 4


def test_long_answer_must_be_fetched(server: Page, executor: FakeExecutor, sent: Sent) -> None:
    lengths = []
    for output in ("", "x" * MOST_BYTES):
        executor.main = replace(executor.main, stdout=output)
        submit(server, webhook=HOOK)
        run_all()
        deliver(sent)
        lengths.append(len(sent.received[-1].body))
        rest = MOST_BYTES - lengths[0]
    executor.main = replace(executor.main, stdout="x" * rest)
    submit(server, webhook=HOOK)
    run_all()
    deliver(sent)
    whole, short, longest = (json.loads(each.body)["data"] for each in sent.received)
    assert short == {"id": short["id"], "status": "success"}
    assert whole.keys() == longest.keys() != short.keys()
    assert abs(len(sent.received[2].body) - MOST_BYTES) < 10
    verify(sent.received[1], *secrets_of(server.key.family))


def test_each_program_of_a_batch_has_its_own_webhook(server: Page, sent: Sent) -> None:
    other = f"https://{NAME}/other?a=%20"
    found = submit_batch(
        server,
        {"code": "1", "webhook": HOOK},
        {"code": "1"},
        {"code": "1", "webhook": other},
        {"code": "1", "webhook": "https://elsewhere.example.org/"},
    )
    assert codes(found) == [None, None, None, "invalid"]
    assert found[3]["error"]["fields"] == {"webhook": "The host is not among the webhook hosts of this key."}
    run_all()
    deliver(sent)
    assert {(each.path, each.headers["webhook-id"]) for each in sent.received} == {
        (HOOK, found[0]["id"]),
        (other, found[2]["id"]),
    }


# What is refused

WRONG = [
    ("http://hooks.example.org/", "such as https://"),
    ("HTTPS://hooks.example.org/", "such as https://"),
    ("ftp://hooks.example.org/", "such as https://"),
    ("//hooks.example.org/", "such as https://"),
    ("hooks.example.org", "such as https://"),
    ("https://", "such as https://"),
    ("https:///hook", "such as https://"),
    ("https://hooks.example.org/ a", "such as https://"),
    ("https://hooks.example.org/\r\nX: y", "such as https://"),
    ("https://hooks.example.org/\n", "such as https://"),
    ("https://hooks.example.org/\u00e9", "such as https://"),
    ("https://user:password@hooks.example.org/", "credentials"),
    ("https://elsewhere.example.org@hooks.example.org/", "credentials"),
    ("https://hooks.example.org@elsewhere.example.org/", "credentials"),
    ("https://hooks.example.org#@elsewhere.example.org/", "credentials"),
    ("https://hooks.example.org/#a", "neither #"),
    ("https://hooks.example.org#a", "neither #"),
    ("https://elsewhere.example.org\\.hooks.example.org/", "neither #"),
    ("https://hooks.example.org\\/hook", "neither #"),
    ("https://elsewhere.example.org/", "not among"),
    ("https://example.org/", "not among"),
    ("https://a.hooks.example.org/", "not among"),
    ("https://hooks.example.org./", "not among"),
    ("https://hooks.example.org:443/", "not among"),
    ("https://hooks.example.org:8443/", "not among"),
    ("https://Hooks.example.org/", "not among"),
    ("https://127.0.0.1/", "not among"),
    ("https://[::1]/", "not among"),
    ("https://localhost/", "not among"),
    ("https://%68ooks.example.org/", "not among"),
    ("https://\u24d7ooks.example.org/", "not among"),
    ("", "empty"),
    (7, "string"),
    ([HOOK], "string"),
    (HOOK + "\0", "NUL"),
    (f"https://{NAME}/" + "a" * WEBHOOK_CHARACTERS, f"at most {WEBHOOK_CHARACTERS} characters"),
]


@pytest.mark.parametrize(("webhook", "reason"), WRONG)
def test_another_address_is_invalid(server: Page, webhook: Any, reason: str) -> None:
    refused = submit(server, webhook=webhook)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid")
    assert refused.json()["fields"].keys() == {"webhook"}
    assert reason in refused.json()["fields"]["webhook"]
    assert not Execution.objects.exists()


@pytest.mark.parametrize("path", ["", "/", "/a/b?c=d&e=%20f", "?c=d", "/~'()*"])
def test_any_path_of_a_listed_host_is_valid(server: Page, path: str) -> None:
    assert submit(server, webhook=f"https://{NAME}{path}").status_code == 202


def test_the_longest_address_is_valid(server: Page) -> None:
    name = ".".join(["a" * 61] * 4) + ".example"
    host = f"{name[-LONGEST_HOST_NAME:]}:65535"
    ApiKey.objects.filter(pk=server.key.pk).update(webhook_hosts=[host])
    longest = f"https://{host}/".ljust(WEBHOOK_CHARACTERS, "a")
    assert submit(server, webhook=longest).status_code == 202
    assert Webhook.objects.get().url == longest
    assert Webhook.objects.get().host == host


def test_null_means_no_webhook(server: Page) -> None:
    assert submit(server, webhook=None).status_code == 202
    assert not Webhook.objects.exists()


def test_a_port_is_part_of_the_host(server: Page) -> None:
    ApiKey.objects.filter(pk=server.key.pk).update(webhook_hosts=[f"{NAME}:8443"])
    assert submit(server, webhook=f"https://{NAME}:8443/").status_code == 202
    assert submit(server, webhook=f"https://{NAME}/").status_code == 400


def test_key_without_a_secret_gets_an_error_that_says_so(server: Page) -> None:
    WebhookSecret.objects.all().delete()
    refused = submit(server, webhook=HOOK)
    assert refused.json()["fields"] == {
        "webhook": "This key has no webhook secret yet. Staff can create one in the admin."
    }


def test_rotated_key_continues_to_send_webhooks(server: Page, sent: Sent) -> None:
    before = secrets_of(server.key.family)
    successor, token = rotate_key(server.key, server.key.created)
    assert submit(Page(successor, token, server.client), webhook=HOOK).status_code == 202
    run_all()
    deliver(sent)
    verify(sent.received[0], *before)


def test_execute_has_no_webhook(server: Page) -> None:
    refused = server.post({"code": "1", "webhook": HOOK}, origin=None)
    assert refused.json()["fields"] == {"webhook": "Unknown field."}


def test_a_host_that_was_taken_from_the_key_gets_nothing(server: Page, sent: Sent) -> None:
    submit(server, webhook=HOOK)
    run_all()
    ApiKey.objects.filter(pk=server.key.pk).update(webhook_hosts=[])
    deliver(sent)
    assert sent.received == []
    assert states() == [("given_up", 1)]
    assert WebhookAttempt.objects.get().error == "The key no longer has this host, or no secret."


# Further attempts


def test_attempts_are_repeated_with_growing_pauses_and_then_given_up(
    server: Page, sent: Sent, caplog: pytest.LogCaptureFixture
) -> None:
    submit(server, webhook=HOOK + "?token=secret")
    run_all()
    attempts = len(PAUSES_SECONDS) + 1
    sent.answers = [500, NotSent("The receiver took too long."), 302, 404, 503, 429, 500]
    assert len(sent.answers) == attempts
    pauses = []
    webhook = Webhook.objects.get()
    for number in range(attempts):
        deliver(sent, rounds=2 if number else 1)
        webhook.refresh_from_db()
        if webhook.next_attempt is not None:
            begun = WebhookAttempt.objects.get(number=number + 1).begun
            pauses.append((webhook.next_attempt - begun).total_seconds())
    for pause, least in zip(pauses, PAUSES_SECONDS, strict=True):
        assert least <= pause + 0.01 <= least * 1.2 + 1
    deliver(sent, rounds=2)
    assert len(sent.received) == attempts
    assert states() == [("given_up", attempts)]
    rows = list(WebhookAttempt.objects.values_list("number", "status", "error"))
    assert rows == [
        (1, 500, ""),
        (2, None, "The receiver took too long."),
        (3, 302, ""),
        (4, 404, ""),
        (5, 503, ""),
        (6, 429, ""),
        (7, 500, ""),
    ]
    assert all(each.seconds is not None for each in WebhookAttempt.objects.all())
    lines = [each.getMessage() for each in caplog.records if "the webhook of" in each.getMessage()]
    assert len(lines) == attempts
    assert "attempt 2: failed: The receiver took too long." in lines[1]
    assert "attempt 7: given_up: the response is a 500" in lines[6]
    assert "secret" not in caplog.text
    assert "whsec" not in caplog.text


def test_a_later_attempt_may_succeed(server: Page, sent: Sent) -> None:
    submit(server, webhook=HOOK)
    run_all()
    sent.answers = [500, 500]
    deliver(sent, rounds=5)
    assert len(sent.received) == 3
    assert states() == [("delivered", 3)]


def test_a_receiver_that_is_gone_is_not_asked_again(server: Page, sent: Sent) -> None:
    submit(server, webhook=HOOK)
    run_all()
    sent.answers = [410]
    deliver(sent, rounds=3)
    assert len(sent.received) == 1
    assert states() == [("gone", 1)]


def test_an_attempt_that_was_lost_is_made_again(server: Page, sent: Sent) -> None:
    """A process has begun it and died."""
    submit(server, webhook=HOOK)
    run_all()
    lost = claim()
    assert lost is not None
    deliver(sent)
    assert sent.received == []
    Webhook.objects.update(next_attempt=Now() - timedelta(seconds=1))
    deliver(sent)
    assert len(sent.received) == 1
    assert states() == [("delivered", 2)]
    assert list(WebhookAttempt.objects.values_list("number", "status")) == [(1, None), (2, 204)]
    assert LEASE.total_seconds() > 3 * ALL_SECONDS
    settle(lost, 99, status=500)  # the process was only slow
    assert states() == [("delivered", 2)]


def test_a_last_attempt_that_was_lost_is_given_up(server: Page, sent: Sent) -> None:
    submit(server, webhook=HOOK)
    run_all()
    Webhook.objects.update(attempted=len(PAUSES_SECONDS) + 1)
    deliver(sent)
    assert sent.received == []
    assert states() == [("given_up", len(PAUSES_SECONDS) + 1)]


def test_an_error_of_ours_leaves_the_attempt_to_be_made_again(
    server: Page, sent: Sent, caplog: pytest.LogCaptureFixture
) -> None:
    submit(server, webhook=HOOK)
    submit(server, webhook=HOOK)
    run_all()
    sent.answers = [KeyError("ours")]
    deliver(sent)
    assert states() == [("pending", 1), ("delivered", 1)]
    assert "KeyError" in caplog.text


def test_webhooks_wait_for_the_database(server: Page, sent: Sent, caplog: pytest.LogCaptureFixture) -> None:
    submit(server, webhook=HOOK)
    run_all()
    with database_fails("SELECT"):
        deliver(sent)
    assert sent.received == []
    assert "webhooks have to wait: the database is away" in caplog.text
    with database_fails('UPDATE "executions_webhookattempt"', times=1):
        deliver(sent)
    assert len(sent.received) == 1
    assert states() == [("delivered", 1)]


def test_only_one_process_makes_an_attempt(server: Page) -> None:
    submit(server, webhook=HOOK)
    run_all()
    assert claim() is not None
    assert claim() is None


def test_attempts_are_counted(server: Page, sent: Sent, settings: Settings) -> None:
    settings.METRICS_ALLOWED_IPS = ["127.0.0.1"]

    def counts() -> dict[str, float]:
        text = server.client.get("/metrics").content.decode()
        found = re.findall(r'^codeexec_webhooks_total\{result="(\w+)"\} (\S+)$', text, re.MULTILINE)
        return {result: float(count) for result, count in found}

    before = counts()
    assert before.keys() == {"delivered", "failed", "gone", "given_up"}
    for answers in ([500, 204], [410]):
        submit(server, webhook=HOOK)
        run_all()
        sent.answers = list(answers)
        deliver(sent, rounds=2)
    after = counts()
    assert {name: after[name] - before[name] for name in after} == {
        "delivered": 1,
        "failed": 1,
        "gone": 1,
        "given_up": 0,
    }


# Several at once


def test_a_host_that_hangs_leaves_room_for_others(server: Page) -> None:
    ApiKey.objects.filter(pk=server.key.pk).update(webhook_hosts=[NAME, "other.example.org"], max_concurrent=100)
    for _ in range(MOST_AT_ONCE):
        submit(server, webhook=HOOK)
    submit(server, webhook="https://other.example.org/")
    run_all()
    begun: list[Any] = []
    webhooks = Webhooks(Sent().post, get_backend().late_records, start=begun.append)
    webhooks.look()
    assert len(begun) == MOST_OF_A_HOST + 1
    assert webhooks.under_way() == {NAME: MOST_OF_A_HOST, "other.example.org": 1}
    begun.pop()()
    assert "other.example.org" not in webhooks.under_way()
    for run in begun:
        run()
    assert {state for state, _ in states()} == {"delivered"}


def test_without_a_thread_an_attempt_is_made_later(server: Page, sent: Sent, caplog: pytest.LogCaptureFixture) -> None:
    def fail(run: Any) -> None:
        raise RuntimeError("can't start new thread")

    submit(server, webhook=HOOK)
    run_all()
    webhooks = Webhooks(sent.post, get_backend().late_records, start=fail)
    webhooks.look()
    assert not webhooks.under_way()
    assert "no thread for a webhook" in caplog.text
    Webhook.objects.update(next_attempt=Now())
    deliver(sent)
    assert states() == [("delivered", 2)]


def test_closed_process_starts_no_attempt(server: Page, sent: Sent) -> None:
    submit(server, webhook=HOOK)
    run_all()
    webhooks = Webhooks(sent.post, get_backend().late_records, start=lambda run: run())
    webhooks.close()
    webhooks.look()
    assert states() == [("pending", 0)]


# With threads and TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certify(tmp_path_factory.mktemp("authority"), "Test")


@pytest.fixture
def receiver(authority: Certificate) -> Iterator[Receiver]:
    with Receiver(certify(authority.key.parent, NAME, authority)) as receiver:
        yield receiver


@pytest.mark.django_db(transaction=True)
def test_the_loop_delivers_over_tls(server: Page, receiver: Receiver, authority: Certificate) -> None:
    ApiKey.objects.filter(pk=server.key.pk).update(webhook_hosts=[receiver.host])
    given = [submit(server, webhook=receiver.url()).json()["id"] for _ in range(3)]
    run_all()
    post = loopback_sender(authority.certificate).post
    # The tests' database in memory has no room for two writers.
    webhooks = Webhooks(post, get_backend().late_records, every_seconds=0.05, most_of_a_host=1)
    webhooks.start()
    assert eventually(lambda: len(receiver.received) == 3)
    webhooks.close()
    webhooks.join(5)
    assert eventually(lambda: not webhooks.under_way())
    assert states() == [("delivered", 1)] * 3
    assert receiver.attempts() == dict.fromkeys(given, 1)
    for each in receiver.received:
        verify(each, *secrets_of(server.key.family))


# On record


def test_erasing_a_learner_erases_webhooks(server: Page, sent: Sent) -> None:
    submit(server, webhook=HOOK, learner="ada")
    submit(server, webhook=HOOK, learner="bob")
    run_all()
    sent.answers = [500, 500]
    deliver(sent)
    erase_learner("ada")
    assert Webhook.objects.get().execution.learner == "bob"
    assert WebhookAttempt.objects.get().execution.learner == "bob"
    deliver(sent, rounds=2)
    assert len(sent.received) == 3


def test_webhooks_are_pruned_with_their_executions(server: Page, sent: Sent) -> None:
    submit(server, webhook=HOOK)
    run_all()
    deliver(sent)
    prune(Execution.objects.get().created + timedelta(seconds=1))
    assert not Webhook.objects.exists()
    assert not WebhookAttempt.objects.exists()


def test_execution_erased_during_an_attempt_stays_erased(server: Page) -> None:
    submit(server, webhook=HOOK, learner="ada")
    run_all()
    claimed = claim()
    assert claimed is not None
    erase_learner("ada")
    settle(claimed, 0.1, status=500)
    assert not Webhook.objects.exists()
    assert not WebhookAttempt.objects.exists()


def test_staff_see_each_attempt(server: Page, sent: Sent) -> None:
    submit(server, webhook=HOOK + "?<b>")
    run_all()
    sent.answers = [503, NotSent("The receiver took too long.")]
    deliver(sent, rounds=2)
    Webhook.objects.update(next_attempt=Now())
    assert claim() is not None
    user = User.objects.create_user("grace", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_execution"))
    client = Client()
    client.force_login(user)
    page = client.get(f"/admin/executions/execution/{Execution.objects.get().pk}/change/").content.decode()
    shown = page.split("<h2>Webhook</h2>")[1].split("</section>")[0]
    assert f"{HOOK}?&lt;b&gt;" in shown
    assert "<dd>Pending</dd>" in shown
    assert "Next attempt" in shown
    assert re.findall(r"(503|The receiver took too long\.|no result)", shown) == [
        "503",
        "The receiver took too long.",
        "no result",
    ]
    assert "whsec" not in page


def test_an_execution_without_webhook_shows_none(server: Page, admin_client: Client) -> None:
    submit(server)
    page = admin_client.get(f"/admin/executions/execution/{Execution.objects.get().pk}/change/").content.decode()
    assert "<h2>Webhook</h2>" not in page
