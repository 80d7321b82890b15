"""`GET /health`."""

from dataclasses import replace

import pytest
from django.test import Client
from pytest_django import Settings

from executions.running.backend import get_backend
from tests.fakes import HEALTHY, FakeExecutor, seen_worker


def test_a_healthy_service_answers_200(client: Client, executor: FakeExecutor) -> None:
    """It needs no key and no database: this test has none."""
    response = client.get("/health")
    assert response.status_code == 200
    assert response.json() == {
        "status": "healthy",
        "docker": "connected",
        "database": "connected",
        "cache": "connected",
        "disk": "ok",
        "pool": {"idle": 4, "in_use": 1, "waiting": 2},
        "workers": None,
    }
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("engine", ["connected", "unreachable"])
def test_an_unhealthy_service_answers_503_but_not_why(client: Client, executor: FakeExecutor, engine: str) -> None:
    executor.state = replace(HEALTHY, ready=False, engine=engine, reason="probe failed: write to /etc")
    response = client.get("/health")
    assert response.status_code == 503
    assert (response.json()["status"], response.json()["docker"]) == ("unhealthy", engine)
    assert "probe" not in response.content.decode()


@pytest.mark.parametrize("part", ["database", "cache"])
def test_a_service_without_a_part_that_it_needs_is_unhealthy(
    client: Client, executor: FakeExecutor, settings: Settings, part: str
) -> None:
    getattr(get_backend().heartbeat, part).works = False
    response = client.get("/health")
    assert response.status_code == 503
    others = {"docker", "database", "cache"} - {part}
    assert {name: response.json()[name] for name in others} == dict.fromkeys(others, "connected")
    assert (response.json()["status"], response.json()[part]) == ("unhealthy", "unreachable")
    settings.METRICS_ALLOWED_IPS = ["127.0.0.1"]
    assert "codeexec_ready 0.0" in client.get("/metrics").content.decode()


def test_a_container_that_cannot_be_removed_is_degraded(client: Client, executor: FakeExecutor) -> None:
    executor.state = replace(HEALTHY, stuck=1)
    response = client.get("/health")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")


def test_workers_are_shown_without_their_hosts(client: Client, executor: FakeExecutor) -> None:
    unready = replace(HEALTHY, ready=False, reason="no engine at 10.0.0.7", in_use=0)
    get_backend().workers = lambda: (
        seen_worker("8f14e45fceea", "host-1"),
        seen_worker("c9f0f895fb98", "host-2", health=unready),
        seen_worker("45c48cce2e2d", "host-3", is_leaving=True),
    )
    response = client.get("/health")
    of_first = {"worker": "8f14e45f", "status": "ready", "slots": 8, "in_use": 3, "idle": 4, "waiting": 1}
    assert response.json()["workers"][0] == of_first
    assert [each["status"] for each in response.json()["workers"]] == ["ready", "unready", "leaving"]
    assert "host" not in response.content.decode()
    assert "10.0.0.7" not in response.content.decode()


def test_a_service_that_has_not_started_is_unhealthy(client: Client) -> None:
    assert get_backend().executor.health().ready is False
    assert client.get("/health").status_code == 503


def test_a_session_cookie_costs_no_query(client: Client, executor: FakeExecutor) -> None:
    client.cookies["sessionid"] = "x" * 32
    assert client.get("/health").status_code == 200


def test_other_methods_are_refused(client: Client, executor: FakeExecutor) -> None:
    assert client.head("/health").status_code == 200
    response = client.post("/health")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert response.json()["code"] == "method_not_allowed"
