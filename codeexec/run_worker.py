"""Runs the programs of web processes on this machine: `python -m codeexec.run_worker`, with `EXECUTOR=celery` there.

Needs the engine and REDIS_URL; no database, no SECRET_KEY and no port.
"""

import logging.config
import os
import secrets
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from codeexec.env import stop_without_traceback
from codeexec.garbage import begin_collection, put_off_collection

if TYPE_CHECKING:
    from executions.sandbox.checks.attacks import Probe

log = logging.getLogger(__name__)


def main(probes: "Sequence[Probe] | None" = None) -> None:
    """Serve until SIGTERM; then take no more submissions, and finish those that have arrived.

    `probes` must pass before programs run, by default all of them.
    """
    put_off_collection()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codeexec.settings")
    os.environ["SECRET_KEY"] = secrets.token_hex(32)  # the settings demand one, and nothing here is signed
    os.environ["DATABASE_URL"] = "sqlite://:memory:"
    with stop_without_traceback():
        from django.conf import settings  # reads the environment

        broker_url = settings.CELERY_BROKER_URL
    if not settings.REDIS_URL:
        raise SystemExit("settings: REDIS_URL: a worker needs the Redis server of the web processes")
    from codeexec.checks import needs_tls_or_ssh

    if needs_tls_or_ssh(os.environ):
        raise SystemExit("settings: DOCKER_HOST: the engine must be on this machine, at a unix socket or plain TCP")
    logging.config.dictConfig(settings.LOGGING)

    from executions.cluster.board import Board, connect
    from executions.cluster.owners import Owners
    from executions.cluster.transport import serve
    from executions.cluster.worker import Worker
    from executions.configuration import (
        DRAIN_SECONDS,
        can_wait_for_input,
        longest_execution,
        most_programs,
        sandbox_settings,
    )
    from executions.owner import Owner
    from executions.sandbox.sandbox import Sandbox

    limits = sandbox_settings()
    board, board_of_instructions = Board(connect(settings.REDIS_URL)), Board(connect(settings.REDIS_URL))
    owners = Owners(board, str(Owner.of_this_process()), longest_execution().total_seconds())
    sandbox = Sandbox(limits, dead_owners=lambda: owners.dead, probes=probes)
    interactive = settings.SANDBOX_MAX_INTERACTIVE
    may_wait = can_wait_for_input()
    worker = Worker(uuid.uuid4().hex, sandbox, limits, board, board_of_instructions, interactive, may_wait)
    begin_collection()
    owners.start()
    sandbox.start()
    log.info("worker %s starts", worker.name)
    try:
        serve(broker_url, worker.name, worker.run, most_programs(), worker.start, worker.leave)
    finally:
        worker.close()
        sandbox.close(DRAIN_SECONDS)


if __name__ == "__main__":
    main()
