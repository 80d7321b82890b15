"""A broker that is down, of each kind."""

import time

import pytest

from executions.cluster.transport import Sender
from tests.servers import free_port


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_broker_that_is_down_is_an_error_at_once(scheme: str) -> None:
    sender = Sender(f"{scheme}://127.0.0.1:{free_port()}/0")
    started = time.monotonic()
    with pytest.raises(ConnectionError):
        sender.send("run", "worker")
    assert time.monotonic() - started < 10  # not the minutes for which kombu would try again
    sender.close()
