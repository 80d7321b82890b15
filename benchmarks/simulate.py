"""`python -m benchmarks.simulate`: what a lesson's start needs, in simulated time, and how far to trust that.

First predicts the bursts that docs/performance.md has measured, with the error of each prediction; then lets so many
pupils press Run within so many seconds. docs/capacity.md explains both.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median

from benchmarks.results import p95
from benchmarks.simulation import Press, Program, Site, simulate
from codeexec.capacity import Capacity
from tests.service import ROOT

GIB = 2**30
PERFORMANCE = ROOT / "docs/performance.md"
MEASURED_ON = Capacity.of(2, 20 * GIB)
"""The machine of docs/performance.md, without what its other processes used."""

PROGRAMS = {
    "hello": Program("hello", 0.0035),
    "with ten tests": Program("with ten tests", 0.045, beside_seconds=0.078),
    "that sleep 1 s": Program("that sleep 1 s", 0.004, sleep_seconds=1),
    "that compute": Program("that compute", 0.064),
    "plots": Program("plots", 0.119, is_science=True),
}
"""Those of the measured bursts, with their CPU seconds by `python -m benchmarks.capacity`."""

CPU_QUANTILES = (
    (0.0, 0.0035),
    (0.1, 0.0038),
    (0.25, 0.0053),
    (0.5, 0.0105),
    (0.75, 0.023),
    (0.9, 0.037),
    (0.95, 0.049),
)
"""CPU seconds of the programs of a lesson that are not plots, by `python -m benchmarks.capacity`."""
PLOT_SHARE, SLEEP_SHARE = 0.02, 0.03


@dataclass(frozen=True, slots=True)
class Prediction:
    """A burst of docs/performance.md: the measured time within which 95 % had their answer, and the predicted one."""

    burst: str
    reuse: str
    measured: float
    predicted: float

    @property
    def error(self) -> float:
        """The error as a share of what was measured."""
        return self.predicted / self.measured - 1


def main() -> int:
    """Predict and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulate", description=__doc__)
    parser.add_argument("--pupils", type=int, default=100, help="how many press Run (default: 100)")
    parser.add_argument("--within", type=float, default=5, metavar="SECONDS", help="when they do (default: 5)")
    parser.add_argument("--processors", type=int, default=2, help="of each worker (default: 2)")
    parser.add_argument("--memory", type=float, default=4, metavar="GB", help="free on each worker (default: 4)")
    parser.add_argument("--workers", type=int, default=1, help="1 without web processes is a single server")
    parser.add_argument("--webs", type=int, default=1, help="web processes, each with a processor of its own")
    parser.add_argument("--never", action="store_true", help="SANDBOX_REUSE=never")
    given = parser.parse_args()

    print(f"{'':24}{'reuse':>10}{'measured':>10}{'predicted':>11}{'error':>8}")
    predictions = list(predict(PERFORMANCE.read_text()))
    for each in predictions:
        print(f"{each.burst:24}{each.reuse:>10}{each.measured:10.2f}{each.predicted:11.2f}{each.error:8.0%}")
    errors = [abs(each.error) for each in predictions]
    print(f"p95 in seconds; mean error {mean(errors):.0%}, largest {max(errors):.0%}\n")

    capacity = Capacity.of(given.processors, int(given.memory * GIB))
    site = Site(capacity, given.workers, given.webs, reuses=not given.never)
    presses = simulate(site, lesson(given.pupils, given.within))
    answered = seconds_of(presses)
    print(f"{given.pupils} pupils press Run within {given.within:g} s: {len(answered)} get an answer", end="")
    print(f", p50 {median(answered):.2f} s, p95 {p95(answered):.2f} s" if answered else "")
    return 0


def predict(performance: str) -> Iterator[Prediction]:
    """Predict each burst in the text of docs/performance.md."""
    table = performance.partition("<!-- bench: bursts -->")[2].partition("<!-- end -->")[0]
    for line in table.splitlines():
        cells = [cell.strip(" `") for cell in line.strip("|").split("|")]
        if len(cells) != 7 or not cells[0][:1].isdigit():
            continue
        count, _, name = cells[0].partition(" ")
        site = Site(MEASURED_ON, reuses=cells[1] == "pressure", are_one_party=True)
        presses = simulate(site, [(0.0, PROGRAMS[name])] * int(count))
        yield Prediction(cells[0], cells[1], float(cells[4]), p95(seconds_of(presses)))


def lesson(pupils: int, within_seconds: float, seed: int = 0) -> list[tuple[float, Program]]:
    """Return when each pupil presses Run for which program. The same seed gives the same lesson."""
    dice = random.Random(seed)
    return [(dice.uniform(0, within_seconds), _any_program(dice)) for _ in range(pupils)]


def seconds_of(presses: Sequence[Press]) -> list[float]:
    """Return the seconds of those that were answered, in order."""
    return sorted(press.seconds for press in presses if press.seconds is not None)


def _any_program(dice: random.Random) -> Program:
    kind = dice.random()
    if kind < PLOT_SHARE:
        return PROGRAMS["plots"]
    if kind < PLOT_SHARE + SLEEP_SHARE:
        return PROGRAMS["that sleep 1 s"]
    share = dice.random()
    for (low, least), (high, most) in pairwise(CPU_QUANTILES):
        if share < high:
            return Program("of a lesson", least + (most - least) * (share - low) / (high - low))
    return Program("of a lesson", CPU_QUANTILES[-1][1])


if __name__ == "__main__":
    sys.exit(main())
