"""The configuration of gunicorn in tests: few probes, and webhooks to receivers that AUTHORITY certifies."""

import os
from pathlib import Path

from codeexec.gunicorn import *  # noqa: F403 (all settings but what is below)
from tests.sandbox.probing import FEW_PROBES


def post_worker_init(worker: object) -> None:  # type: ignore[no-redef]
    from codeexec.start import start_service
    from tests.receiver import loopback_sender

    authority = os.environ.get("AUTHORITY")
    start_service(loopback_sender(Path(authority)) if authority else None, FEW_PROBES)
