"""Verdicts of the service on exercises that others wrote, beside what plain Python makes of the same programs."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.corpora.exercises import DEFECT, Exercise
from benchmarks.corpora.native import Result, native
from executions.bounds import LONGEST_TIMEOUT_SECONDS
from tests.service import Service

SHOWN = 600
OUTCOMES = ("passes in both", "fails in both", "passes in the service alone", "fails in the service alone", "chance")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of one program of an exercise."""

    exercise: Exercise
    what: str
    native: Result
    served: dict[str, Any]
    outcome: str
    """One of OUTCOMES."""

    @property
    def is_surprise(self) -> bool:
        """Whether the service judges otherwise than plain Python."""
        return self.outcome in OUTCOMES[2:4]


def judge_all(service: Service, exercises: Iterable[Exercise]) -> Iterator[Judgement]:
    """Yield what becomes of each program of the exercises."""
    with native(LONGEST_TIMEOUT_SECONDS) as run:
        for exercise in exercises:
            for what, program in exercise.programs.items():
                one, other = run(program + exercise.check, exercise.files)
                files = [{"name": name, "text": text} for name, text in exercise.files.items()]
                fields = {"files": files, "test_cases": exercise.test_cases, "timeout": LONGEST_TIMEOUT_SECONDS}
                served = service.execute(program, **fields)
                yield Judgement(exercise, what, one, served, outcome_of(one, other, served))


def outcome_of(one: Result, other: Result, served: dict[str, Any]) -> str:
    """Return whether a program is right for plain Python, which has run it twice, and for the service."""
    is_right, is_right_again = one[2] == 0, other[2] == 0
    if is_right != is_right_again:
        return "chance"
    passes = all(result["passed"] for result in served["test_results"])
    if passes == is_right:
        return "passes in both" if passes else "fails in both"
    return "passes in the service alone" if passes else "fails in the service alone"


def print_judgements(judgements: list[Judgement]) -> None:
    """Print a row for each corpus and kind of program, and each verdict that plain Python does not share."""
    rows = Counter((each.exercise.corpus, each.what.partition(" ")[0], each.outcome) for each in judgements)
    print("\n| exercises | programs | " + " | ".join(OUTCOMES) + " |")
    print("|---|---|" + "---:|" * len(OUTCOMES))
    for corpus in sorted({corpus for corpus, _, _ in rows}):
        for kind in ("solution", "stub", DEFECT):
            counts = [rows[corpus, kind, outcome] for outcome in OUTCOMES]
            if any(counts):
                print(f"| {corpus} | {kind} | " + " | ".join(map(str, counts)) + " |")
    for each in judgements:
        if each.is_surprise:
            failed = [result["message"] for result in each.served["test_results"] if not result["passed"]]
            print(f"\n{each.exercise.name} ({each.exercise.corpus}), {each.what}: {each.outcome}")
            print(each.exercise.programs[each.what][-SHOWN:])
            print(f"native: {str(each.native)[-SHOWN:]}\nserved: {each.served['status']} {str(failed)[:SHOWN]}")
