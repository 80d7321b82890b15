"""The alert rules and the dashboard in docs/monitoring query metrics that exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from pytest_django import Settings

ROOT = Path(__file__).parent.parent
MONITORING = ROOT / "docs/monitoring"
RULES: list[dict[str, Any]] = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())
OPERATIONS = (ROOT / "docs/operations.md").read_text()

EXPRESSIONS = {rule["alert"]: rule["expr"] for rule in RULES} | {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
PROMETHEUS_OWN = {"up"}
METRIC = re.compile(r"\b(?:codeexec|process)_\w+|\bup\b")


@pytest.fixture
def exported(client: Client, settings: Settings) -> set[str]:
    """Return the names of all metrics at /metrics, including those without samples."""
    settings.METRICS_ALLOWED_IPS = ["127.0.0.1"]
    types = re.findall(r"^# TYPE (\w+) (\w+)$", client.get("/metrics").content.decode(), re.MULTILINE)
    histograms = {
        f"{name}_{part}" for name, kind in types if kind == "histogram" for part in ("bucket", "sum", "count")
    }
    return {name for name, _ in types} | histograms | PROMETHEUS_OWN


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_queried_metric_exists(name: str, exported: set[str]) -> None:
    asked = set(METRIC.findall(EXPRESSIONS[name]))
    assert asked
    assert asked <= exported


def test_every_metric_is_shown(exported: set[str]) -> None:
    shown = set(METRIC.findall(" ".join(EXPRESSIONS.values())))
    ours = {
        name for name in exported if name.startswith("codeexec_") and not name.endswith(("_sum", "_count", "_created"))
    }
    plain = {name for name in ours if f"{name}_bucket" not in ours}
    assert plain <= shown


def test_every_alert_is_documented() -> None:
    assert set(re.findall(r"^\| `(CodeExecution\w+)`", OPERATIONS, re.MULTILINE)) == {rule["alert"] for rule in RULES}


def test_no_panels_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        position = panel["gridPos"]
        cells = {
            (position["x"] + across, position["y"] + down)
            for across in range(position["w"])
            for down in range(position["h"])
        }
        assert not cells & taken
        taken |= cells
