"""`make bench` judges its ratios by their bounds, and draws and writes what it has measured."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import crowd, pace
from benchmarks.bounds import BUSY, NEVER, PER_BARE, PRESSURE, SEVERAL, ratios_of
from benchmarks.plots import PERFORMANCE, README, draw, write
from benchmarks.results import Burst, Rate, Results
from benchmarks.svg import THEMES, Theme
from benchmarks.tables import tables_of

LATENCIES = {
    pace.EXECUTE: 1.0,
    pace.BARE: 1.0,
    pace.CONTAINER: 10.0,
    pace.TESTED: 2.0,
    pace.WITHOUT_SCIENCE: 1.0,
    pace.FILLED: 1.2,
}
RATES = (
    (PRESSURE, BUSY, 60.0),
    (NEVER, BUSY, 6.0),
    (NEVER, SEVERAL, 9.0),
    (crowd.BARE, crowd.BARE_AT_ONCE, 100.0),
    (crowd.ENGINE, crowd.ENGINE_AT_ONCE, 10.0),
)


@pytest.fixture
def results() -> Results:
    """Return results in which each ratio is at its bound."""
    bursts = [Burst(way, program, 2, [0.1, 0.2], 0.1) for way in (PRESSURE, NEVER) for program in crowd.BURSTS]
    return Results(
        machine="2 processors",
        waiting={"plain": 13.0, "science": 80.0},
        latencies={way: [seconds, seconds] for way, seconds in LATENCIES.items()},
        tests=1.5,
        imports={pace.EXECUTE: [1.0, 1.0], pace.CONTAINER: [20.0, 20.0]},
        rates=[Rate(way, clients, per_second, 0.01, 0) for way, clients, per_second in RATES],
        bursts=bursts,
        memory=[(0, 100), (500, 100), (1000, 100), (1500, 100), (2000, 110)],
        took={"pace": 1.0},
    )


def missed(results: Results) -> list[str]:
    return [ratio.name for ratio in ratios_of(results) if not ratio.is_kept]


def test_ratios_at_their_bounds_are_kept(results: Results) -> None:
    assert missed(results) == []


def test_ratios_past_their_bounds_are_missed(results: Results) -> None:
    slower = replace(results, latencies={**results.latencies, pace.BARE: [0.99, 0.99]})
    assert missed(slower) == [PER_BARE]
    refused = replace(results, bursts=[replace(results.bursts[0], seconds=[0.1]), *results.bursts[1:]])
    assert missed(refused) == ["bursts: answered / asked"]
    grown = replace(results, memory=[*results.memory[:-1], (2000, 111)])
    assert missed(grown) == ["memory of the service: at the end / after a fifth of the executions"]
    fewer = [
        replace(rate, per_second=0.99 * rate.per_second) if rate.way == PRESSURE else rate for rate in results.rates
    ]
    assert len(missed(replace(results, rates=fewer))) == 2


def test_saved_results_are_loaded_unchanged(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    results.save(path)
    assert Results.load(path) == results


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_each_plot_is_a_picture_with_a_name(results: Results, theme: Theme) -> None:
    for title, drawn in draw(results, theme).values():
        assert ElementTree.fromstring(drawn).attrib["aria-label"] == title


def test_the_documents_have_a_place_for_all_figures(results: Results, tmp_path: Path) -> None:
    performance, readme = (tmp_path / document.name for document in (PERFORMANCE, README))
    performance.write_text(PERFORMANCE.read_text())
    readme.write_text(README.read_text())
    for _ in range(2):  # the second time replaces the first
        write(results, performance, readme)
        for table in tables_of(results).values():
            assert performance.read_text().count(table.markdown()) == 1
    assert "On 2 processors:" in readme.read_text()
