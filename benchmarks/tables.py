"""The figures of a run as tables, for the terminal and for Markdown."""

from dataclasses import dataclass
from statistics import median

from benchmarks import crowd, pace
from benchmarks.bounds import NEVER, PRESSURE
from benchmarks.results import Results, p95

WAYS = {
    pace.EXECUTE: '`print("Hello")` in `/execute`',
    pace.BARE: "the same in a bare `python3 -c`",
    pace.CONTAINER: "the same in a new container for each request",
    pace.TESTED: "with ten tests in `/execute`",
    pace.WITHOUT_SCIENCE: "without science containers waiting",
    pace.FILLED: "with 100,000 executions on record",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells. The first column holds words, the others numbers."""

    head: list[str]
    rows: list[list[str]]

    def plain(self) -> str:
        """Return the table for a terminal."""
        lines = [self.head, *self.rows]
        widths = [max(len(line[column].replace("`", "")) for line in lines) for column in range(len(self.head))]
        return "\n".join(
            "  ".join(
                cell.replace("`", "").rjust(width) if column else cell.replace("`", "").ljust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        )

    def markdown(self) -> str:
        """Return the table in Markdown."""
        marks = ["---", *["---:"] * (len(self.head) - 1)]
        return "\n".join(
            "|" + "".join(f" {cell} |" if cell else " |" for cell in line) for line in (self.head, marks, *self.rows)
        )


def tables_of(results: Results) -> dict[str, Table]:
    """Return the tables of a run by title."""
    return {
        "At a learner's pace": _latencies(results),
        "Bursts": _bursts(results),
        "Sustained": _sustained(results),
        "Memory": _memory(results),
    }


def _latencies(results: Results) -> Table:
    rows = [[WAYS[name], *_milliseconds(seconds)] for name, seconds in results.latencies.items()]
    rows.append(
        ["numpy, pandas and matplotlib.pyplot imported in `/execute`", *_milliseconds(results.imports[pace.EXECUTE])]
    )
    rows.append(["the same in a cold container", *_milliseconds(results.imports[pace.CONTAINER])])
    return Table(["", "p50, ms", "p95, ms"], rows)


def _milliseconds(seconds: list[float]) -> list[str]:
    return [f"{each * 1000:.{0 if each > 0.1 else 1}f}" for each in (median(seconds), p95(seconds))]


def _bursts(results: Results) -> Table:
    head = ["", "reuse", "answered", "p50, s", "p95, s", "longest, s", "CPU seconds for each"]
    rows = []
    for burst in results.bursts:
        seconds = burst.seconds or [float("nan")]
        times = [f"{each:.2f}" for each in (median(seconds), burst.p95, max(seconds))]
        answered = f"{len(burst.seconds)} of {burst.count}"
        rows.append([burst.program, f"`{burst.way}`", answered, *times, f"{burst.cpu_seconds:.3f}"])
    return Table(head, rows)


def _sustained(results: Results) -> Table:
    names = {
        PRESSURE: "`/execute`, reuse `pressure`",
        NEVER: "`/execute`, reuse `never`",
        crowd.BARE: "bare `python3 -c`",
    }
    rows = [
        [
            names.get(way, way),
            str(clients),
            f"{results.per_second(way, clients):.1f}",
            f"{results.cpu_seconds(way, clients):.3f}",
        ]
        for way in (crowd.BARE, PRESSURE, NEVER, crowd.ENGINE)
        for clients in results.clients_of(way)
    ]
    return Table(["", "at once", "per second", "CPU seconds for each"], rows)


def _memory(results: Results) -> Table:
    rows = [[f"a waiting {profile} container", f"{megabytes:.0f}"] for profile, megabytes in results.waiting.items()]
    (first, first_kb), (last, last_kb) = results.memory[len(results.memory) // 5], results.memory[-1]
    rows += [
        [f"the service after {count:,} executions", f"{kb / 1000:.0f}"]
        for count, kb in ((first, first_kb), (last, last_kb))
    ]
    return Table(["", "MB"], rows)
