"""Evaluates the alert rules with Prometheus's own promtool, on what a service reports before and during a fault."""

import json
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

RULES = Path(__file__).parent.parent / "docs/monitoring/alerts.yaml"
QUIET_MINUTES = 30
FAULT_MINUTES = 15
TARGET = 'job="code-execution",instance="code"'
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LEVEL = re.compile(r"^# TYPE (\w+) gauge$", re.MULTILINE)
GOT = re.compile(r'time: (\d+)m,\s+exp: \{alertname="never"\} .*\s+got: (.*)')


@dataclass(frozen=True)
class Scrape:
    """What `/metrics` said at a time: each value by name and labels, and which names are gauges."""

    at: float
    values: dict[str, float]
    gauges: frozenset[str]

    @classmethod
    def of(cls, url: str) -> "Scrape":
        """Scrape a service."""
        text = requests.get(f"{url}/metrics", timeout=10).text
        values = {
            f"{name}{{{TARGET}{',' + labels if labels else ''}}}": float(value)
            for name, labels, value in SAMPLE.findall(text)
            if not name.endswith("_created")
        }
        return cls(time.time(), values | {f"up{{{TARGET}}}": 1}, frozenset(LEVEL.findall(text)) | {"up"})

    def about(self, prefix: str) -> "Scrape":
        """Return only the metrics whose names begin so: what else happened to a service is then another matter."""
        values = {name: value for name, value in self.values.items() if name.startswith(prefix)}
        return Scrape(self.at, values, self.gauges)

    @classmethod
    def of_nothing(cls) -> "Scrape":
        """Return what Prometheus records when nobody answers."""
        return cls(time.time(), {f"up{{{TARGET}}}": 0}, frozenset({"up"}))


def firing(before: Scrape, during: Scrape) -> set[str]:
    """Return the alerts that fire some time after the service had reported `before` for half an hour.

    The fault then lasts for a quarter of an hour: gauges stay as they are `during` it, and counters grow by as much in
    every minute as between the two scrapes, unless the service has restarted.
    """
    quiet, *fault = _alerts(before, during, [QUIET_MINUTES + minutes for minutes in (0, 2, 5, FAULT_MINUTES)])
    assert not quiet, quiet
    return set.union(*fault)


def _alerts(before: Scrape, during: Scrape, minutes: list[int]) -> list[set[str]]:
    """Return which alerts fire in each of these minutes."""
    series = [
        {"series": name, "values": " ".join(_values(name, before, during))} for name in before.values | during.values
    ]
    # promtool only compares: expect something that never is, and read what it got instead.
    never = {"labels": '{alertname="never"}', "value": 1}
    expression = {"expr": 'group by (alertname) (ALERTS{alertstate="firing"})', "exp_samples": [never]}
    expressions = [expression | {"eval_time": f"{minute}m"} for minute in minutes]
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": expressions}]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}, file)
        file.flush()
        done = subprocess.run(["promtool", "test", "rules", file.name], capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    got = dict(GOT.findall(output))
    assert got.keys() == {str(minute) for minute in minutes}, output
    return [set(re.findall(r'alertname="(\w+)"', got[str(minute)])) for minute in minutes]


def _values(name: str, before: Scrape, during: Scrape) -> list[str]:
    """Return a value for each minute, `_` where there is none."""
    kind = name.partition("{")[0]
    first, last = before.values.get(name), during.values.get(name)
    restarted = last is not None and first is not None and last < first
    if kind == "process_start_time_seconds":  # promtool's clock begins at 0
        began = during.at - QUIET_MINUTES * 60
        first, last = (None if value is None else value - began for value in (first, last))
    step = 0.0 if kind in during.gauges or restarted or last is None else last - (first or 0)
    fault = ["_" if last is None else str(last + step * minute) for minute in range(FAULT_MINUTES)]
    return ["_" if first is None else str(first)] * (QUIET_MINUTES + 1) + fault


def alerts() -> list[dict[str, Any]]:
    """Return the rules."""
    rules: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    return rules
