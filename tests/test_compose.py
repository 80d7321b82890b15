"""compose.yaml holds what docs/coolify.md promises of it."""

from pathlib import Path
from typing import Any

import yaml

from codeexec import gunicorn
from executions.sandbox.options import MEMORY_BYTES

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVER_BYTES = 1024**3
SYSTEM_BYTES = 128 * 1024**2
"""What is left for the kernel, Docker and the rest of the server."""


def mebibytes(size: str) -> int:
    assert size.endswith("m")
    return int(size[:-1]) * 1024**2


def test_all_of_it_fits_a_server_of_a_gigabyte() -> None:
    services = sum(mebibytes(service["mem_limit"]) for service in SERVICES.values())
    programs = SERVICES["code"]["environment"]["SANDBOX_MAX_CONCURRENT"] * MEMORY_BYTES
    assert services + programs + SYSTEM_BYTES <= SERVER_BYTES
    assert f"{(services + programs) // 1024**2} MB" in (ROOT / "compose.yaml").read_text()


def test_the_service_has_time_to_end() -> None:
    grace = int(SERVICES["code"]["stop_grace_period"].removesuffix("s"))
    start = (ROOT / "container/start").read_text()
    leave = int(start.split("LEAVE_SECONDS=")[1].split()[0])
    assert leave + gunicorn.graceful_timeout < grace


def test_nothing_of_the_host_is_mounted_but_the_socket() -> None:
    mounts = [
        volume
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith(("/", "."))
    ]
    assert mounts == ["/var/run/docker.sock:/var/run/docker.sock"]


def test_no_port_is_open_to_the_network() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert [port.split(":")[0] for port in ports] == ["127.0.0.1"]
