"""`python -m benchmarks.plots`: write the results of `make bench` into docs/performance.md and the README, with plots.

In both documents, what stands between a pair of marks is replaced: `<!-- bench: NAME -->` and `<!-- end -->`.
"""

import argparse
import re
import sys
from pathlib import Path
from statistics import median

from benchmarks import pace
from benchmarks.bounds import (
    BUSY,
    IMPORTS,
    NEVER,
    PER_BARE,
    PER_CONTAINER,
    PRESSURE,
    REUSED,
    SUSTAINED,
    TESTED,
    Ratio,
    ratios_of,
)
from benchmarks.crowd import BARE, BARE_AT_ONCE, BURSTS
from benchmarks.results import SAVED, Burst, Results, p95
from benchmarks.svg import THEMES, Bar, Theme, bars, lines
from benchmarks.tables import WAYS, Table, tables_of
from tests.service import ROOT

IMAGES = ROOT / "docs/images"
PERFORMANCE, README = ROOT / "docs/performance.md", ROOT / "README.md"
MARKED = r"(<!-- bench: {name} -->\n).*?(<!-- end -->)"
PICTURE = """\
<picture>
  <source media="(prefers-color-scheme: dark)" srcset="images/bench-{name}-dark.svg">
  <img src="images/bench-{name}-light.svg" alt="{title}">
</picture>"""
README_BURSTS = ("100 hello", "30 plots")
NAMES = {"At a learner's pace": "pace", "Bursts": "bursts", "Sustained": "sustained", "Memory": "memory"}


def main() -> int:
    """Draw the plots and renew the documents."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=SAVED)
    results = Results.load(parser.parse_args().results)
    for theme_name, theme in THEMES.items():
        for name, (_, drawn) in draw(results, theme).items():
            (IMAGES / f"bench-{name}-{theme_name}.svg").write_text(drawn)
    write(results, PERFORMANCE, README)
    return 0


def write(results: Results, performance: Path, readme: Path) -> None:
    """Replace the marked sections of both documents."""
    titles = {name: title for name, (title, _) in draw(results, THEMES["light"]).items()}
    ratios = _ratio_table(ratios_of(results))
    sections = {"machine": f"{results.machine}.", "ratios": ratios.markdown()}
    for title, table in tables_of(results).items():
        name = NAMES[title]
        pictures = [PICTURE.format(name=each, title=titles[each]) for each in titles if each.partition("-")[0] == name]
        sections[name] = "\n\n".join((*pictures, table.markdown()))
    _renew(performance, sections)
    _renew(readme, {"speed": _readme(results)})


def _renew(document: Path, sections: dict[str, str]) -> None:
    """Replace the marked sections of a document."""
    text = document.read_text()
    for name, section in sections.items():
        found = re.search(MARKED.format(name=name), text, re.DOTALL)
        assert found, f"{document} has no mark for {name}"
        text = f"{text[: found.start()]}{found[1]}\n{section}\n\n{found[2]}{text[found.end() :]}"
    document.write_text(text)


def draw(results: Results, theme: Theme) -> dict[str, tuple[str, str]]:
    """Return the title and the drawing of each plot by its name."""
    clients = results.clients_of(PRESSURE)
    places = [str(each) for each in clients]
    bare = f"bare python3, {BARE_AT_ONCE} at once"
    rates = {way: [results.per_second(way, each) for each in clients] for way in (PRESSURE, NEVER)}
    rates[bare] = [results.per_second(BARE, BARE_AT_ONCE)] * len(clients)
    spent = {way: [results.cpu_seconds(way, each) * 1000 for each in clients] for way in (PRESSURE, NEVER)}
    spent[bare] = [results.cpu_seconds(BARE, BARE_AT_ONCE) * 1000] * len(clients)
    ways = {"/execute": pace.EXECUTE, "bare python3": pace.BARE, "a new container": pace.CONTAINER}
    latencies = [results.latencies[way] for way in ways.values()]
    found = {(burst.way, burst.program): burst for burst in results.bursts}
    bursts = {way: [_burst_bar(found[way, program]) for program in BURSTS] for way in (PRESSURE, NEVER)}
    memory = results.memory
    counts = [f"{count:,}" if index % 4 == 0 else "" for index, (count, _) in enumerate(memory)]
    titles = {
        "pace": "Time of a request at a learner's pace",
        "bursts": "Time until 95 % of those answered in a burst had their answer",
        "sustained": "Programs per second",
        "sustained-cpu": "CPU milliseconds of the machine for each program",
        "memory": "Memory of the service in MB",
    }
    drawn = {
        "pace": bars(
            titles["pace"],
            list(ways),
            {"p50": [_bar(median(each)) for each in latencies], "p95": [_bar(p95(each)) for each in latencies]},
            theme,
        ),
        "bursts": bars(titles["bursts"], list(BURSTS), bursts, theme),
        "sustained": lines(titles["sustained"], places, rates, theme, "clients at once"),
        "sustained-cpu": lines(titles["sustained-cpu"], places, spent, theme, "clients at once"),
        "memory": lines(
            titles["memory"], counts, {"the service": [kb / 1000 for _, kb in memory]}, theme, "executions"
        ),
    }
    return {name: (titles[name], drawn[name]) for name in drawn}


def _bar(seconds: float) -> Bar:
    return Bar(seconds * 1000, f"{seconds * 1000:.0f} ms")


def _burst_bar(burst: Burst) -> Bar:
    if len(burst.seconds) < burst.count:
        return Bar(burst.p95 if burst.seconds else 0.0, f"{burst.p95:.1f} s, {len(burst.seconds)} of {burst.count}")
    return Bar(burst.p95, f"{burst.p95:.1f} s")


def _ratio_table(ratios: list[Ratio]) -> Table:
    rows = [
        [each.name, f"{each.value:.2f}", f"{'at most' if each.is_most else 'at least'} {each.bound:g}"]
        for each in ratios
    ]
    return Table(["ratio", "measured", "bound"], rows)


def _readme(results: Results) -> str:
    """Return the few figures that the README shows."""
    ratio = {each.name: each.value for each in ratios_of(results)}
    shares = {
        pace.EXECUTE: "",
        pace.BARE: f"`/execute` takes {ratio[PER_BARE]:.2f} of it",
        pace.CONTAINER: f"`/execute` takes {ratio[PER_CONTAINER]:.2f} of it",
    }
    rows = [[WAYS[way], *_times(results.latencies[way]), said] for way, said in shares.items()]
    for burst in results.bursts:
        if burst.way == PRESSURE and burst.program in README_BURSTS:
            answered = f"{len(burst.seconds)} of {burst.count} answered"
            rows.append([f"{burst.program} at once", *_times(burst.seconds), answered])
    rate = f"{results.per_second(PRESSURE, BUSY):.0f}/s"
    said = f"{ratio[SUSTAINED]:.2f} of bare interpreters, {BARE_AT_ONCE} at a time; {ratio[REUSED]:.0f} times `never`"
    rows.append([f"sustained, {BUSY} at once", rate, "", said])
    rows.append(["ten tests", "", "", f"{ratio[TESTED]:.2f} of their programs' running time"])
    said = f"a cold container takes {1 / ratio[IMPORTS]:.0f} times as long"
    rows.append(["numpy, pandas and matplotlib.pyplot imported", _times(results.imports[pace.EXECUTE])[0], "", said])
    plain, science = results.waiting["plain"], results.waiting["science"]
    waiting = f"A waiting container uses {plain:.0f} MB, or {science:.0f} MB with these packages loaded."
    return f"On {results.machine}:\n\n{Table(['', 'p50', 'p95', ''], rows).markdown()}\n\n{waiting}"


def _times(seconds: list[float]) -> list[str]:
    """Return the p50 and the p95 in milliseconds."""
    return [f"{each * 1000:.{0 if each >= 0.1 else 1}f} ms" for each in (median(seconds), p95(seconds))]


if __name__ == "__main__":
    sys.exit(main())
