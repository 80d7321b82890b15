"""The configuration of gunicorn: `gunicorn -c codeexec/gunicorn.py codeexec.wsgi`."""

import logging
import os
import resource
from typing import Any

from django.conf import settings
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from codeexec.env import stop_without_traceback
from codeexec.garbage import put_off_collection
from executions.bounds import LONGEST_RUN_SECONDS, MOST_POLLS
from executions.configuration import most_programs
from executions.sandbox.profiles import LOADING_SECONDS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codeexec.settings")

# Each client, container and database connection takes a file descriptor. The usual limit of 1024 is too low.
_, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(most_files, 65536), most_files))

with stop_without_traceback():
    host = f"[{settings.BIND_ADDRESS}]" if ":" in settings.BIND_ADDRESS else settings.BIND_ADDRESS
bind = f"{host}:{settings.PORT}"

# One process: its memory holds the pool of warm containers and the rate limits. Its threads only wait for containers
# and the database; the containers do the work.
workers = 1
worker_class = "codeexec.gunicorn_worker.BoundedThreadWorker"
# For running programs, for programs waiting for input, for the queue, for those who wait for an execution to end, and a
# few more to refuse requests and pass on input. No thread waits for a client to send a request or to read the response.
threads = most_programs() + MOST_POLLS + 8

# Of these, an address may have half. If there are more, the oldest are closed (codeexec/crowd.py).
worker_connections = 2000

# The longest request waits in the queue and for a container that loads packages, runs, and takes a moment to respond.
graceful_timeout = int(settings.SANDBOX_QUEUE_SECONDS + LOADING_SECONDS) + LONGEST_RUN_SECONDS + 5
timeout = 60
keepalive = 75  # longer than most proxies keep idle connections, so that the proxy closes them first

# No peer may set SCRIPT_NAME, which would change the path, or the scheme: settings.py decides which proxies we trust.
forwarded_allow_ips = ""

limit_request_line = 2048
limit_request_fields = 50
limit_request_field_size = 8190  # gunicorn's own default: cookies and tracing headers of a site may be long

# /dev/shm is in memory: the worker's heartbeat must not wait for a disk.
worker_tmp_dir = "/dev/shm"  # noqa: S108
errorlog = "-"
# gunicorn's log lines in the same format as ours, written by the root handler.
logconfig_dict = {
    **settings.LOGGING,
    "loggers": {**settings.LOGGING["loggers"], "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True}},
}


class OneLog(Logger):  # type: ignore[misc]
    """Has no access log, for which gunicorn would collect all headers of each request and then write nothing."""

    def access(self, *_: Any) -> None:
        """Do nothing: web/request_log.py logs each request that fails."""


logger_class = OneLog
control_socket_disable = True  # only UNIX signals control this process


def on_starting(arbiter: object) -> None:
    """Log Python's warnings like everything else, from the first line on."""
    logging.captureWarnings(True)


def post_fork(arbiter: object, worker: object) -> None:
    """Collect no garbage while the application loads, all of which stays, until codeexec/start.py does."""
    put_off_collection()


def post_worker_init(worker: object) -> None:
    """Start the service in the worker process, before its first request."""
    from codeexec.start import start_service  # needs Django, which the worker has set up by now

    start_service()
