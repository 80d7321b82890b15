"""Runs the broker: `python -m executions.sandbox.broker`. docs/broker.md has its settings."""

import asyncio
import json
import logging
import os
import signal
from datetime import UTC, datetime

from executions.sandbox.broker.broker import Broker
from executions.sandbox.broker.wire import EngineSocket

SOCKET = "/run/broker/docker.sock"
ENGINE = "unix:///var/run/docker.sock"
MOST_CONTAINERS = 64

log = logging.getLogger("executions.sandbox.broker")


class JSONFormatter(logging.Formatter):
    """One line per event, like those of the service."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {"event": record.getMessage(), "logger": record.name, "level": record.levelname.lower()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps({**line, "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat()})


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
    handler = logging.StreamHandler()
    handler.setFormatter(JSONFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    asyncio.run(run())
