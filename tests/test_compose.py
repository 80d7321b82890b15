"""compose.yaml keeps the promises of docs/coolify.md and docs/settings.md."""

import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from codeexec import gunicorn
from codeexec.capacity import Capacity
from executions.bounds import MOST_POLLS
from executions.sandbox.broker.__main__ import SOCKET
from executions.sandbox.checks.probes import PROBES_AT_ONCE
from executions.sandbox.settings import MEMORY_BYTES
from tests.test_docs import SETTINGS, rows

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ENVIRONMENT: dict[str, str | None] = SERVICES["code"]["environment"]
DEFAULTS = dict(re.findall(r"\$\{(SANDBOX_\w+):-(\d+)\}", " ".join(filter(None, ENVIRONMENT.values()))))
GUIDE = (ROOT / "docs/coolify.md").read_text()
SERVER_MEGABYTES = 1024
SYSTEM_MEGABYTES = 128
"""Left for the kernel, Docker and the rest of the server."""
SERVICE_MEGABYTES = 100
OTHER_THREADS = 50
"""Of the service: those that launch and watch containers, answer health checks, refuse requests, and the processes."""
NOT_PASSED_ON = {"DEBUG", "PORT", "BIND_ADDRESS", "ENV_FILE"}
"""DEBUG is never set on a public host, PORT is the host's (8000 inside), and the image sets the other two."""
BROKER = SERVICES["broker"]
BROKERS_SOCKET = "broker:/run/broker"
PROBES = PROBES_AT_ONCE + 1
"""Containers that run beside those of learners: the probes and the canary."""


def programs_megabytes(given: dict[str, str]) -> int:
    """Return the memory that running programs and those waiting for input may take at once."""
    at_once = sum(
        int(given.get(name, getattr(settings, name))) for name in ("SANDBOX_MAX_CONCURRENT", "SANDBOX_MAX_INTERACTIVE")
    )
    return at_once * MEMORY_BYTES // 1024**2


def stock_megabytes(given: dict[str, str]) -> int:
    """Return the memory of idle containers: while callers wait, up to as many of each kind as may run at once."""
    at_once = int(given.get("SANDBOX_MAX_CONCURRENT", settings.SANDBOX_MAX_CONCURRENT))
    megabytes = 0
    for name in ("SANDBOX_POOL_SIZE", "SANDBOX_SCIENCE_POOL_SIZE"):
        match = re.search(r"each takes about (\d+) MB", rows(SETTINGS)[name])
        assert match
        size = int(given.get(name, getattr(settings, name)))
        megabytes += max(size, at_once) * int(match[1]) if size else 0
    return megabytes


def test_all_services_fit_a_server_with_one_gigabyte() -> None:
    services = sum(int(service["mem_limit"].removesuffix("m")) for service in SERVICES.values())
    programs, stock = programs_megabytes(DEFAULTS), stock_megabytes(DEFAULTS)
    total = services + programs + stock
    assert total + SYSTEM_MEGABYTES <= SERVER_MEGABYTES
    comment = (ROOT / "compose.yaml").read_text().split("services:")[0].replace("\n# ", " ")
    assert [int(number) for number in re.findall(r"\b\d{3}\b", comment)] == [total, services, programs, stock]


def test_line_has_room_for_two_classes_and_each_of_it_a_thread() -> None:
    line = int(DEFAULTS["SANDBOX_QUEUE_LENGTH"])
    assert line >= 2 * 30
    programs = line + int(DEFAULTS["SANDBOX_MAX_CONCURRENT"]) + int(DEFAULTS["SANDBOX_MAX_INTERACTIVE"])
    assert threads_for(programs) < SERVICES["code"]["pids_limit"]


def threads_for(programs: int) -> int:
    """Return how many threads a web process may have: one runs what is watched, and one sends its events."""
    return 2 * programs + MOST_POLLS + OTHER_THREADS


def test_plots_and_input_are_enabled_by_default() -> None:
    assert int(DEFAULTS["SANDBOX_SCIENCE_POOL_SIZE"]) > 0
    assert int(DEFAULTS["SANDBOX_MAX_INTERACTIVE"]) > 0


def test_the_guides_settings_fit_a_server_with_one_gigabyte() -> None:
    free_megabytes = SERVER_MEGABYTES - SYSTEM_MEGABYTES - SERVICE_MEGABYTES
    capacity = Capacity.of(1, free_megabytes * 1024**2)
    given = {f"SANDBOX_{name.upper()}": str(number) for name, number in asdict(capacity).items()}
    total = SERVICE_MEGABYTES + programs_megabytes(given) + stock_megabytes(given)
    assert total + SYSTEM_MEGABYTES <= SERVER_MEGABYTES
    [step] = re.findall(r"^6\. \*\*Resource limits\*\*.*?^7\. ", GUIDE, re.MULTILINE | re.DOTALL)
    assert f" {capacity.max_concurrent} at once and {capacity.max_interactive} more " in step
    assert f" {round(total, -1)} MB in total" in step


def test_every_setting_is_set_or_passed_through() -> None:
    assert ENVIRONMENT.keys() - {"DOCKER_HOST"} == rows(SETTINGS).keys() - NOT_PASSED_ON


def test_unset_variables_are_not_passed_as_empty() -> None:
    """A variable without a value is passed through only if it is set; `${NAME}` and `${NAME:-}` would make it empty."""
    for name, value in ENVIRONMENT.items():
        assert value is None or value.startswith((f"${{{name}:?", f"${{{name}:-", "postgres://", "redis://", "unix://"))
        assert not re.search(r"\$\{\w+(:?-)?\}", value or "")


def test_the_env_file_of_make_run_leaves_the_limits_of_a_small_server(tmp_path: Path) -> None:
    """Docker Compose reads the same `.env`: a default of the service in it would override one of compose.yaml."""
    subprocess.run([sys.executable, ROOT / "scripts/make-env", tmp_path / ".env"], check=True)
    lines = (tmp_path / ".env").read_text().splitlines()
    assert {line.partition("=")[0] for line in lines if line and not line.startswith("#")} == {"SECRET_KEY", "API_KEY"}


def test_running_the_command_again_keeps_the_secrets(tmp_path: Path) -> None:
    [block] = re.findall(r"^```sh\n((?:(?!```).)*>\.env.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    written = tmp_path / ".env"
    texts = []
    for _ in range(2):
        subprocess.run(["sh", "-eu"], input=block, cwd=tmp_path, check=True, text=True)
        texts.append(written.read_text())
    assert texts[0] == texts[1]
    assert written.stat().st_mode & 0o777 == 0o600
    values = dict(line.split("=") for line in texts[0].splitlines())
    assert values.keys() == set(re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text()))
    assert all(re.fullmatch(r"[0-9a-f]{32,}", value) for value in values.values())


def test_the_grace_period_covers_the_longest_shutdown() -> None:
    grace = int(SERVICES["code"]["stop_grace_period"].removesuffix("s"))
    start = (ROOT / "container/start").read_text()
    leave = int(start.split("LEAVE_SECONDS=")[1].split()[0])
    assert leave + gunicorn.graceful_timeout < grace


def test_only_the_docker_socket_is_mounted_from_the_host() -> None:
    mounts = [
        volume
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith(("/", "."))
    ]
    assert mounts == ["/var/run/docker.sock:/var/run/docker.sock"]


def test_only_the_broker_holds_the_docker_socket() -> None:
    holders = [name for name, service in SERVICES.items() if "docker.sock" in str(service.get("volumes"))]
    assert holders == ["broker"]
    assert BROKERS_SOCKET in BROKER["volumes"]
    assert BROKERS_SOCKET in SERVICES["code"]["volumes"]
    assert ENVIRONMENT["DOCKER_HOST"] == f"unix://{SOCKET}"
    assert SOCKET.startswith(BROKERS_SOCKET.partition(":")[2])


def test_the_broker_has_nothing_but_the_socket() -> None:
    assert BROKER["network_mode"] == "none"
    assert "ports" not in BROKER
    assert BROKER["environment"].keys() == {"BROKER_MOST_CONTAINERS", "SANDBOX_RUNTIME"}
    assert (BROKER["read_only"], BROKER["cap_drop"], BROKER["security_opt"]) == (
        True,
        ["ALL"],
        ["no-new-privileges:true"],
    )


def test_the_broker_allows_as_many_containers_as_the_service_needs() -> None:
    allowed = int(BROKER["environment"]["BROKER_MOST_CONTAINERS"].partition(":-")[2].rstrip("}"))
    at_once = int(DEFAULTS["SANDBOX_MAX_CONCURRENT"]) + int(DEFAULTS["SANDBOX_MAX_INTERACTIVE"])
    stock = int(DEFAULTS["SANDBOX_POOL_SIZE"]) + int(DEFAULTS["SANDBOX_SCIENCE_POOL_SIZE"])
    assert 2 * (at_once + stock) + PROBES <= allowed  # a redeployed service has its own before the old one ends


def test_no_log_grows_without_a_limit() -> None:
    kept = [service["logging"]["options"] for service in SERVICES.values()]
    assert kept == [{"max-size": "10m", "max-file": "5"}] * len(SERVICES)


def test_every_build_argument_of_the_image_is_passed_on() -> None:
    arguments = set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert arguments == {"BASE_IMAGE", "BUILD_IMAGE"}
    for service in ("code", "broker"):
        assert SERVICES[service]["build"]["args"].keys() == arguments


def test_ports_listen_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert [port.split(":")[0] for port in ports] == ["127.0.0.1"]
