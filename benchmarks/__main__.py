"""`make bench`: how long learners wait, alone and as a class, compared with Python and Docker in the same run.

Machines differ and are noisy, so only ratios are checked, against the bounds in CONTRIBUTING.md. Prints everything and
keeps it in a file, from which `python -m benchmarks.plots` makes docs/performance.md.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import crowd, memory, pace
from benchmarks.bounds import NEVER, PRESSURE, ratios_of
from benchmarks.results import SAVED, Results, describe_machine
from benchmarks.services import NO_SCIENCE, FilledService, StockedService
from benchmarks.tables import tables_of


def main() -> int:
    """Measure, print and save; return 1 if a ratio misses its bound."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=SAVED, help="the file to write")
    path: Path = parser.parse_args().results
    results = measure()
    results.save(path)
    ratios = ratios_of(results)
    print("\n" + "\n".join(map(str, ratios)))
    for title, table in tables_of(results).items():
        print(f"\n{title}\n" + table.plain())
    print(f"\n{sum(results.took.values()):.0f} s: " + ", ".join(f"{k} {v:.0f}" for k, v in results.took.items()))
    print(f"Saved in {path}. Run python -m benchmarks.plots to renew docs/performance.md.")
    return 0 if all(ratio.is_kept for ratio in ratios) else 1


def measure() -> Results:
    """Start the services and measure everything."""
    took: dict[str, float] = {}

    @contextlib.contextmanager
    def part(name: str) -> Iterator[None]:
        print(f"{name} …", file=sys.stderr)
        started = time.monotonic()
        yield
        took[name] = time.monotonic() - started

    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with part("start"):
            pressure = StockedService(directory / PRESSURE)
            never = StockedService(directory / NEVER, SANDBOX_REUSE=NEVER)
            plain = StockedService(directory / "plain", **NO_SCIENCE)
            filled = FilledService(directory / "filled", **NO_SCIENCE)
            with ThreadPoolExecutor() as starters:
                list(starters.map(stack.enter_context, (pressure, never, plain, filled)))
            waiting = memory.measure_waiting(pressure)
        with part("pace"):
            latencies, tests = pace.measure_latencies(pressure, plain, filled)
        plain.stop()
        filled.stop()
        with part("imports"):
            imports = pace.measure_imports(pressure)
        with part("sustained"):
            rates = crowd.measure_rates({PRESSURE: pressure, NEVER: never})
        with part("bursts"):
            bursts = crowd.measure_bursts({PRESSURE: pressure, NEVER: never})
        with part("memory"):
            samples = memory.measure_growth(pressure)
    return Results(describe_machine(), waiting, latencies, tests, imports, rates, bursts, samples, took)


if __name__ == "__main__":
    sys.exit(main())
