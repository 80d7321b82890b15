"""compose.cluster.yaml keeps the promises of docs/scale.md."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeexec import gunicorn
from tests.test_compose import ENVIRONMENT, threads_for

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.cluster.yaml").read_text())["services"]
WEBS, WORKERS, WORKER = ("web-1", "web-2"), ("worker-1", "worker-2"), SERVICES["worker-1"]
SOCKET = "/var/run/docker.sock"
THREADED = ("MAX_CONCURRENT", "MAX_INTERACTIVE", "QUEUE_LENGTH")
DEFAULT = re.compile(r"\$\{\w+:-(\d+)\}")
SECRETS = {"SECRET_KEY", "API_KEY", "DATABASE_URL"}


def test_it_has_all_parts() -> None:
    assert SERVICES.keys() == {"proxy", *WEBS, *WORKERS, "db", "redis"}
    assert [SERVICES["proxy"]["environment"][name] for name in ("WEB_1", "WEB_2")] == [f"{web}:8000" for web in WEBS]
    assert {SERVICES[web]["environment"]["EXECUTOR"] for web in WEBS} == {"celery"}


def test_only_workers_hold_a_docker_socket_each_its_own() -> None:
    holders = {name for name, service in SERVICES.items() if SOCKET in str(service.get("volumes"))}
    assert holders == {*WORKERS}
    assert SERVICES["worker-1"]["volumes"] != SERVICES["worker-2"]["volumes"]
    assert {name for name in SERVICES if "profiles" in SERVICES[name]} == {"worker-2"}


def test_the_worker_has_no_database_no_secret_and_no_port() -> None:
    assert not SECRETS & WORKER["environment"].keys()
    assert "ports" not in WORKER
    assert "db" not in WORKER["depends_on"]


def test_what_is_published_listens_on_loopback_unless_redis_is_given_an_address() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "proxy": ["127.0.0.1:${PORT:-8000}:8080"],
        "redis": ["${REDIS_ADDRESS:-127.0.0.1}:6379:6379"],
    }


@pytest.mark.parametrize("name", SERVICES.keys() - {"db", "redis", "proxy"})
def test_our_own_processes_have_few_rights_and_time_to_finish(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    leave = int((ROOT / "container/start").read_text().split("LEAVE_SECONDS=")[1].split()[0])
    assert leave + gunicorn.graceful_timeout < int(service["stop_grace_period"].removesuffix("s"))


@pytest.mark.parametrize("name", WEBS)
def test_web_process_has_a_thread_for_each_program_that_it_accepts(name: str) -> None:
    given = SERVICES[name]["environment"]
    defaults = [DEFAULT.fullmatch(given[f"SANDBOX_{each}"]) for each in THREADED]
    programs = sum(int(default[1]) for default in defaults if default)
    assert all(defaults)
    assert threads_for(programs) < SERVICES[name]["pids_limit"]


def test_first_start_waits_for_no_worker() -> None:
    """A web process is healthy only with a worker, which may have to build its image first: compose gave up."""
    waits = {name: service.get("depends_on", []) for name, service in SERVICES.items()}
    assert waits["proxy"] == [*WEBS]
    assert all(waits[web].keys() == {"db", "redis"} for web in WEBS)


@pytest.mark.parametrize("name", SERVICES)
def test_no_log_grows_without_a_limit(name: str) -> None:
    assert SERVICES[name]["logging"]["options"] == {"max-size": "10m", "max-file": "5"}


def test_every_setting_of_a_single_service_reaches_the_web_processes_or_the_workers() -> None:
    passed = WORKER["environment"].keys() | SERVICES["web-1"]["environment"].keys()
    assert ENVIRONMENT.keys() - {"DOCKER_HOST"} <= passed
