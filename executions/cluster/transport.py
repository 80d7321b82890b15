"""Celery carries the ids of submissions to workers, and nothing else. The only module that imports celery and kombu.

What they did comes back another way (board.py): results of Celery's backends can be lost, or reach nobody, where
threads wait for them.
"""

import logging
import ssl
from collections.abc import Callable
from typing import Any

import celery
from celery.bootsteps import StartStopStep
from celery.signals import worker_shutting_down
from kombu import Connection, Exchange, Queue
from kombu.exceptions import OperationalError

TASK = "codeexec.run"

QUEUE_SECONDS = 600
"""How long the queue of a worker that is gone is kept, where the broker can delete queues."""

CONNECT_SECONDS = 3

log = logging.getLogger(__name__)


def queue_of(worker: str) -> Queue:
    """Return the queue of one worker. It holds ids only, so nothing is lost with it."""
    name = f"codeexec.{worker}"
    return Queue(name, Exchange("codeexec", "direct", durable=False), name, durable=False, expires=QUEUE_SECONDS)


def make_app(broker_url: str) -> celery.Celery:
    """Return the Celery app for a broker: `redis://…` or `amqp://…`."""
    # Kombu has another name for a Redis server's socket, and does not verify its certificate unless told to.
    url = broker_url.replace("unix://", "redis+socket://", 1)
    verified = {"ssl_cert_reqs": ssl.CERT_REQUIRED} if url.startswith("rediss:") else None
    # Without its "fixups", one of which would load all of Django: a worker has neither its apps nor a database.
    app = celery.Celery("codeexec", broker=url, set_as_current=False, fixups=())
    app.conf.update(
        broker_use_ssl=verified,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_acks_late=False,  # a submission that a worker has lost is sent to another by its web process
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=CONNECT_SECONDS,
        broker_transport_options={
            "socket_timeout": CONNECT_SECONDS,
            "socket_connect_timeout": CONNECT_SECONDS,
            "max_retries": 0,
        },
    )
    return app


def errors_of(connection: Connection) -> tuple[type[BaseException], ...]:
    """Return what is raised if the broker is away, hangs, or refuses us, for example for a wrong password."""
    return OperationalError, *connection.connection_errors, *connection.channel_errors


class Sender:
    """Sends submissions to workers. For any number of threads."""

    def __init__(self, broker_url: str) -> None:
        self._app = make_app(broker_url)
        self._errors = errors_of(self._app.connection_for_write())

    def send(self, submission_id: str, worker: str) -> None:
        """Send a submission's id to a worker. Raises ConnectionError.

        It need not expire: without the order, which does, it says nothing.
        """
        try:
            self._app.send_task(TASK, (submission_id,), task_id=submission_id, queue=queue_of(worker), retry=False)
        except self._errors as error:
            raise ConnectionError(f"the broker does not take a submission: {type(error).__name__}") from error

    def close(self) -> None:
        """Close all connections."""
        self._app.close()


def broker_error(broker_url: str) -> str:
    """Return why the broker does not answer, or "" if it does."""
    with make_app(broker_url).connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS)
            connection.default_channel.close()
        except errors_of(connection) as error:
            return str(error) or type(error).__name__
    return ""


def serve(
    broker_url: str,
    name: str,
    run: Callable[[str], None],
    threads: int,
    begins: Callable[[], None],
    ends: Callable[[], None],
) -> None:
    """Run submissions that arrive for the worker `name`, in at most so many threads, until SIGTERM.

    Then take no more, and return when all that have arrived are done. `begins` is called when it is about to take the
    first, `ends` at SIGTERM.
    """
    app = make_app(broker_url)
    app.conf.update(task_queues=[queue_of(name)], task_default_queue=queue_of(name).name)
    app.task(run, name=TASK)

    class Started(StartStopStep):  # type: ignore[misc]
        requires = {"celery.worker.consumer.tasks:Tasks"}

        def start(self, consumer: Any) -> None:
            begins()

    app.steps["consumer"].add(Started)

    def end(**_: Any) -> None:
        ends()

    worker_shutting_down.connect(end)
    app.Worker(
        pool="threads",
        concurrency=threads,
        hostname=f"codeexec@{name}",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
        loglevel=logging.WARNING,
    ).start()
