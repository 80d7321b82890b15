"""Runs the broker: `python -m executions.sandbox.broker`. docs/broker.md has its settings."""

import asyncio
import logging
import os
import signal

from executions.sandbox.broker.broker import Broker
from executions.sandbox.broker.wire import EngineSocket

SOCKET = "/run/broker/docker.sock"
ENGINE = "unix:///var/run/docker.sock"
MOST_CONTAINERS = 64

log = logging.getLogger("executions.sandbox.broker")


async def run() -> None:
    """Serve until SIGTERM."""
    engine = os.environ.get("DOCKER_HOST") or ENGINE
    if not engine.startswith("unix://"):
        raise SystemExit(f"broker: DOCKER_HOST must be a unix:// address, not {engine}")
    broker = Broker(
        EngineSocket(engine.removeprefix("unix://")),
        os.environ.get("SANDBOX_RUNTIME") or None,
        int(os.environ.get("BROKER_MOST_CONTAINERS") or MOST_CONTAINERS),
    )
    serving = asyncio.create_task(broker.serve(os.environ.get("BROKER_SOCKET") or SOCKET))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        log.info("stopped")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s broker: %(message)s")
    asyncio.run(run())
