"""A process that delivers webhooks to a receiver on loopback, as a web process does: until its stdin ends.

`python -m tests.webhook_process NAME AUTHORITY [URL COUNT]`; each request says that NAME has sent it. At first, the
process records COUNT ended executions with webhooks to URL.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codeexec.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from apikeys.keys import create_key  # noqa: E402
from apikeys.webhook_secrets import make_secret  # noqa: E402
from executions.models import Execution  # noqa: E402
from executions.records.late_records import LateRecords  # noqa: E402
from executions.records.record import create  # noqa: E402
from executions.request import ExecutionRequest  # noqa: E402
from executions.webhooks.webhooks import Webhooks  # noqa: E402
from tests.receiver import loopback_sender  # noqa: E402
from web.notation import parse_webhook  # noqa: E402


def fill(url: str, count: int) -> None:
    key, _ = create_key("Server", "secret", [])
    key.webhook_hosts = [parse_webhook(url)[0]]
    key.save()
    make_secret(key, timezone.now())
    for _ in range(count):
        create(ExecutionRequest("1", webhook=url), key=key)
    Execution.objects.update(status=Execution.Status.SUCCESS, finished=timezone.now())


def deliver(name: str, authority: Path) -> None:
    sender, late_records = loopback_sender(authority), LateRecords()

    def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
        return sender.post(url, {**headers, "sent-by": name}, body)

    late_records.start()
    Webhooks(post, late_records, every_seconds=0.1).start()
    sys.stdin.read()


if __name__ == "__main__":
    name, authority, *work = sys.argv[1:]
    if work:
        fill(work[0], int(work[1]))
    deliver(name, Path(authority))
