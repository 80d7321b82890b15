"""What `/metrics` shows, and to whom."""

import os
import re
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from codeexec.metrics import memory_limit_bytes
from executions.cluster.workers import MOST_SHOWN
from executions.running.backend import get_backend
from executions.sandbox.counters import ORPHANS
from executions.sandbox.results import RunLost, SandboxBusy, SandboxError
from tests.conftest import Page
from tests.fakes import FakeExecutor, seen_worker

TOKEN = "x1y2z3w4" * 8
SCRAPER = "192.0.2.7"


@pytest.fixture
def scraper(settings: Settings) -> Client:
    settings.METRICS_TOKEN = TOKEN
    return Client(headers={"Authorization": f"Bearer {TOKEN}"}, REMOTE_ADDR=SCRAPER)


def scrape(scraper: Client) -> dict[str, float]:
    """Return all samples by name with labels."""
    answer = scraper.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    samples = re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", answer.content.decode(), re.MULTILINE)
    return {name: float(value) for name, value in samples}


def test_metrics_without_the_token_are_404(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    missing = client.get("/nowhere")
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {TOKEN[:-1]}"}):
        answer = client.get("/metrics", headers=headers)
        assert (answer.status_code, answer.content) == (404, missing.content)


def test_metrics_are_404_if_no_token_is_set(client: Client, settings: Settings) -> None:
    assert (settings.METRICS_TOKEN, settings.METRICS_ALLOWED_IPS) == ("", [])
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(("address", "status"), [("192.0.2.7", 200), ("192.0.3.7", 404)])
def test_an_allowed_network_may_read_metrics(client: Client, settings: Settings, address: str, status: int) -> None:
    settings.METRICS_ALLOWED_IPS = ["192.0.2.0/24"]
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == status


def test_metrics_show_the_state_of_the_pool(scraper: Client, page: Page) -> None:
    samples = scrape(scraper)
    names = ("ready", "pool_idle", "pool_in_use", "pool_waiting")
    assert [samples[f"codeexec_{name}"] for name in names] == [1, 4, 1, 2]
    assert samples["process_resident_memory_bytes"] > 0


def test_an_execution_is_counted_with_its_durations(scraper: Client, page: Page) -> None:
    before = scrape(scraper)
    assert page.run(test_cases=[{"code": "print(8)", "expected_output": "8"}]).status_code == 200
    after = scrape(scraper)
    grown = {name: after[name] - before[name] for name in before if after[name] != before[name]}
    assert grown['codeexec_executions_total{status="success"}'] == 1
    assert grown["codeexec_waiting_seconds_sum"] == pytest.approx(0.0625)
    assert grown["codeexec_running_seconds_sum"] == pytest.approx(0.25 + 0.5)
    assert grown['codeexec_running_seconds_bucket{le="1.0"}'] == 1
    assert 'codeexec_running_seconds_bucket{le="0.5"}' not in grown


@pytest.mark.parametrize(
    ("error", "status"), [(SandboxBusy("full"), "refused"), (RunLost("gone"), "internal_error")], ids=str
)
def test_a_failed_execution_is_counted(
    scraper: Client, page: Page, executor: FakeExecutor, error: SandboxError, status: str
) -> None:
    before = scrape(scraper)
    executor.error = error
    assert page.run().status_code == 503
    after = scrape(scraper)
    assert after[f'codeexec_executions_total{{status="{status}"}}'] == (
        before[f'codeexec_executions_total{{status="{status}"}}'] + 1
    )
    assert after["codeexec_running_seconds_count"] == before["codeexec_running_seconds_count"]
    assert after['codeexec_refusals_total{reason="unavailable"}'] > before.get(
        'codeexec_refusals_total{reason="unavailable"}', 0
    )


def test_refusals_are_counted_by_code(scraper: Client, page: Page) -> None:
    names = [f'codeexec_refusals_total{{reason="{reason}"}}' for reason in ("invalid", "invalid_key", "not_found")]
    before = scrape(scraper)
    page.run(code="")
    page.post({"code": "1"}, x_api_key="nonsense")
    after = scrape(scraper)
    assert [after.get(name, 0) - before.get(name, 0) for name in names] == [1, 1, 0]


def test_counters_of_the_sandbox_are_shown(scraper: Client, page: Page) -> None:
    before = scrape(scraper)["codeexec_orphans_removed_total"]
    ORPHANS.inc(2)
    assert scrape(scraper)["codeexec_orphans_removed_total"] == before + 2


@pytest.mark.parametrize(
    ("own_cgroups", "files", "limit"),
    [
        ("0::/system.slice/code.service", {"system.slice/code.service/memory.max": 300, "memory.max": "max"}, 300),
        (
            "0::/system.slice/code.service",
            {"system.slice/memory.max": 200, "system.slice/code.service/memory.max": 300},
            200,
        ),
        ("0::/", {"memory.max": 400}, 400),
        ("4:memory:/docker/0123\n3:cpu:/", {"memory/memory.limit_in_bytes": 500}, 500),
        (
            "4:memory:/code\n0::/",
            {"memory/code/memory.limit_in_bytes": 600, "memory/memory.limit_in_bytes": 2**63},
            600,
        ),
        ("0::/", {"memory.max": "max"}, None),
        ("", {}, None),
    ],
)
def test_the_memory_limit_is_the_lowest_of_all_cgroups_above(
    tmp_path: Path, own_cgroups: str, files: dict[str, object], limit: int | None
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{content}\n")
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert memory_limit_bytes(own_cgroups, tmp_path) == (machine if limit is None else limit)


def numbers_of_workers(scraper: Client) -> dict[str, float]:
    return {name: value for name, value in scrape(scraper).items() if name.startswith("codeexec_worker_")}


def test_each_worker_has_its_numbers_until_it_is_gone(scraper: Client, page: Page) -> None:
    assert numbers_of_workers(scraper) == {}  # programs run in this process
    get_backend().workers = lambda: (seen_worker("8f14e45fceea", "one"), seen_worker("c9f0f895fb98", "two", slots=4))
    found = numbers_of_workers(scraper)
    names = ("ready", "slots", "in_use", "idle", "waiting", "silent_seconds")
    of_one = [found[f'codeexec_worker_{name}{{host="one",worker="8f14e45f"}}'] for name in names]
    assert of_one == [1, 8, 3, 4, 1, 0.5]
    assert found['codeexec_worker_slots{host="two",worker="c9f0f895"}'] == 4
    assert len(found) == 12
    assert scrape(scraper)["codeexec_workers_load"] == pytest.approx(8 / 12)
    get_backend().workers = tuple
    assert numbers_of_workers(scraper) == {}
    assert "codeexec_workers_load" not in scrape(scraper)


@pytest.mark.parametrize("more", [0, 1])
def test_only_so_many_workers_have_series_of_their_own(scraper: Client, page: Page, more: int) -> None:
    get_backend().workers = lambda: tuple(seen_worker(f"{number:08}") for number in range(MOST_SHOWN + more))
    found = numbers_of_workers(scraper)
    assert len([name for name in found if name.startswith("codeexec_worker_ready")]) == MOST_SHOWN


def test_metrics_contain_no_code_learner_or_token(scraper: Client, page: Page) -> None:
    page.run(code="print('CANARY')", learner="CANARY")
    text = scraper.get("/metrics").content.decode()
    assert "CANARY" not in text
    assert page.token not in text
