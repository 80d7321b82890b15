"""The configuration of gunicorn for a service whose webhooks go to receivers on loopback that AUTHORITY certifies."""

import os
from pathlib import Path

from codeexec.gunicorn import *  # noqa: F403 (all settings but what is below)


def post_worker_init(worker: object) -> None:  # type: ignore[no-redef]
    from codeexec.start import start_service
    from tests.receiver import loopback_sender

    start_service(loopback_sender(Path(os.environ["AUTHORITY"])))
