"""How gunicorn serves: `gunicorn -c codeexec/gunicorn.py codeexec.wsgi`."""

import os
import resource

from django.conf import settings

from executions.bounds import LONGEST_TIMEOUT_SECONDS
from executions.sandbox.profiles import LOADING_SECONDS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codeexec.settings")

# A client, a container and a database connection take a descriptor each; the usual 1024 are soon used up.
_, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(most_files, 65536), most_files))

bind = f"0.0.0.0:{settings.PORT}"

# One process: the pool of warm containers and the counts of the rate limits live in its memory. Its threads only
# wait, for containers and for the database; the work is done in the containers.
workers = 1
worker_class = "codeexec.worker.BoundedThreadWorker"
# Everyone who runs, everyone whose program may wait for them, everyone who may wait in line, and some to refuse the
# rest, to pass on what people answer to programs, and to answer for our health.
threads = settings.SANDBOX_MAX_CONCURRENT + settings.SANDBOX_MAX_INTERACTIVE + settings.SANDBOX_QUEUE_LENGTH + 8

# The longest request waits in line, for a container that loads packages, runs to its end and is given a moment to be
# answered.
graceful_timeout = int(settings.SANDBOX_QUEUE_SECONDS + LOADING_SECONDS) + LONGEST_TIMEOUT_SECONDS + 5
timeout = 60
keepalive = 75  # longer than the idle time of the usual proxies, so that they and not we close a connection

limit_request_line = 2048
limit_request_fields = 50
limit_request_field_size = 4096

# /dev/shm is memory: the worker's heartbeat must not wait for a disk.
worker_tmp_dir = "/dev/shm"  # noqa: S108
errorlog = "-"
# Its own lines in the form of ours. The root's handler writes them.
logconfig_dict = {
    **settings.LOGGING,
    "loggers": {**settings.LOGGING["loggers"], "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True}},
}
control_socket_disable = True  # nobody steers this process but by signals


def post_worker_init(worker: object) -> None:
    """Start the service in the process that serves, before its first request."""
    from codeexec.start import start_service  # the worker has set up Django by now

    start_service()
