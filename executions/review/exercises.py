"""What the attempts at an exercise have in common: who solves it, which test fails, which mistakes are made most.

A page reads one short row for each of the latest attempts, and the executions of the few examples that it shows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Count, Max, Q
from django.db.models.functions import Substr
from django.utils.safestring import SafeString

from executions.models import Attempt, Execution
from executions.records.attempts import failed_tests, test_key, wrong_output
from executions.review.display import first_line, highlighted
from web.visible_text import cut, make_visible

LATEST_ATTEMPTS = 10_000
"""How many attempts are evaluated. More would hardly change the figures."""

SHOWN_EXERCISES = 200
SHOWN_TESTS = 10
SHOWN_MISTAKES = 6
SHOWN_SHAPES = 8
OUTPUT_CHARACTERS = 200
PROGRAM_CHARACTERS = 1_500

Key = TypeVar("Key", int, str)

COLUMNS = ("execution_id", "who", "passed", "shape", "error", "wrong_output", "failed_tests")


@dataclass(frozen=True, slots=True)
class Exercise:
    """An exercise in the list, with all its attempts on record."""

    id: str
    attempts: int
    passed: int
    latest: datetime | None

    @property
    def passed_share(self) -> float:
        """The share of attempts that passed, from 0 to 1."""
        return self.passed / self.attempts


@dataclass(slots=True)
class Group:
    """Attempts that have something in common. `execution_id` is the latest of them, as an example."""

    execution_id: int
    attempts: int = 0
    passed: int = 0
    learners: set[int] = field(default_factory=set)

    @property
    def passed_share(self) -> float:
        """The share of attempts that passed, from 0 to 1."""
        return self.passed / self.attempts


@dataclass(frozen=True, slots=True)
class FailingTest:
    """A test case, and the attempts that it failed."""

    label: str
    attempts: int
    share: float
    """Of all attempts, from 0 to 1."""

    execution_id: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """A kind of error, or a wrong output of a test case with what was expected."""

    text: str
    group: Group
    label: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """Programs that differ only in names, literals and layout; `code` is the beginning of the latest, as HTML."""

    code: SafeString
    group: Group


@dataclass(frozen=True, slots=True)
class ExerciseFigures:
    """The latest attempts at an exercise. `on_record` counts all of its attempts."""

    on_record: int
    attempts: int
    passed: int
    learners: int
    solvers: int
    tests: tuple[FailingTest, ...]
    errors: tuple[Mistake, ...]
    outputs: tuple[Mistake, ...]
    shapes: tuple[Shape, ...]
    shape_count: int

    @property
    def passed_share(self) -> float | None:
        """The share of attempts that passed, from 0 to 1; None without attempts."""
        return self.passed / self.attempts if self.attempts else None

    @property
    def solved_share(self) -> float | None:
        """The share of learners who passed in one of these attempts, from 0 to 1; None without learners."""
        return self.solvers / self.learners if self.learners else None


def exercises(beginning: str = "") -> tuple[Exercise, ...]:
    """Return exercises whose id begins with `beginning`, latest attempt first, and one more than are shown."""
    rows = (
        Attempt.objects.filter(exercise__startswith=beginning)
        .values_list("exercise")
        .annotate(attempts=Count("*"), passes=Count("execution_id", filter=Q(passed=True)), latest=Max("execution_id"))
        .order_by("-latest")[: SHOWN_EXERCISES + 1]
    )
    found = list(rows)
    times = dict(Execution.objects.filter(pk__in=[row[3] for row in found]).values_list("pk", "created"))
    return tuple(Exercise(id, attempts, passed, times.get(latest)) for id, attempts, passed, latest in found)


def figures_of(exercise: str, latest: int = LATEST_ATTEMPTS) -> ExerciseFigures:
    """Return the figures of an exercise, from so many of the `latest` attempts."""
    own = Attempt.objects.filter(exercise=exercise)
    rows = list(own.order_by("-execution_id").values_list(*COLUMNS)[:latest])
    shapes: dict[int, Group] = {}
    errors: dict[str, Group] = {}
    outputs: dict[int, Group] = {}
    failures: dict[str, Group] = {}
    learners, solvers = set(), set()
    for number, who, passed, shape, error, output, failed in rows:
        learners.add(who)
        if passed:
            solvers.add(who)
        _count(shapes, shape, number, who, passed)
        if error:
            _count(errors, error, number, who, passed)
        if output is not None:
            _count(outputs, output, number, who, passed)
        if failed:
            _count(failures, failed, number, who, passed)
    tests = _most(_of_each_test(failures), SHOWN_TESTS)
    wrong = _most(outputs, SHOWN_MISTAKES)
    common = _most(shapes, SHOWN_SHAPES)
    examples = _examples(group.execution_id for _, group in (*tests, *wrong))
    labels = {test_key(case): label(case) for cases, _ in examples.values() for case in cases}
    codes = _codes(group.execution_id for _, group in common)
    return ExerciseFigures(
        on_record=own.count() if len(rows) == latest else len(rows),
        attempts=len(rows),
        passed=sum(row[2] for row in rows),
        learners=len(learners),
        solvers=len(solvers),
        tests=tuple(
            FailingTest(labels.get(key, key), group.attempts, group.attempts / len(rows), group.execution_id)
            for key, group in tests
        ),
        errors=tuple(Mistake(first_line(error, 100), group) for error, group in _most(errors, SHOWN_MISTAKES)),
        outputs=tuple(
            _wrong(group, *examples[group.execution_id]) for _, group in wrong if group.execution_id in examples
        ),
        shapes=tuple(Shape(highlighted(codes.get(group.execution_id, "")), group) for _, group in common),
        shape_count=len(shapes),
    )


def label(case: Mapping[str, Any]) -> str:
    """Return a test case in a line: its name, or else what it runs or asks for."""
    rules = [*(case.get("uses") or ()), *(f"no {word}" for word in case.get("avoids") or ())]
    rules += [f"def {each['name']}" for each in case.get("defines") or ()]
    texts = (case.get("name"), case.get("input"), case.get("code"), case.get("stdin"), ", ".join(rules))
    said = next(filter(None, texts), None) or case.get("expected_output") or "the program itself"
    return first_line(said, 100) + (" (hidden)" if case.get("hidden") else "")


def _count(groups: dict[Key, Group], key: Key, number: int, who: int, passed: bool) -> None:
    """Count an attempt in its group. The latest attempts come first."""
    group = groups.get(key)
    if group is None:
        group = groups[key] = Group(number)
    group.attempts += 1
    group.passed += passed
    group.learners.add(who)


def _of_each_test(failures: Mapping[str, Group]) -> dict[str, Group]:
    """Return the attempts that failed each test. `failures` has those that failed the same ones, as many do."""
    found: dict[str, Group] = {}
    for keys, group in failures.items():
        for key in dict.fromkeys(keys.split()):  # in the order of the tests
            test = found.setdefault(key, Group(group.execution_id))
            test.attempts += group.attempts
    return found


def _most(groups: Mapping[Key, Group], most: int) -> list[tuple[Key, Group]]:
    return sorted(groups.items(), key=lambda each: (-each[1].attempts, -each[1].execution_id))[:most]


def _examples(ids: Iterable[int]) -> dict[int, tuple[list[Any], list[Any]]]:
    """Return the test cases of executions, and their results."""
    rows = Execution.objects.filter(pk__in=set(ids)).values_list("pk", "test_cases", "test_results")
    return {number: (cases or [], results or []) for number, cases, results in rows}


def _codes(ids: Iterable[int]) -> dict[int, str]:
    rows = Execution.objects.filter(pk__in=set(ids)).annotate(head=Substr("code", 1, PROGRAM_CHARACTERS + 1))
    return {number: cut(head, PROGRAM_CHARACTERS, "\n…") for number, head in rows.values_list("pk", "head")}


def _wrong(group: Group, cases: list[Any], results: list[Any]) -> Mistake:
    found = wrong_output(failed_tests(cases, results))
    case, output = found or ({}, "")
    return Mistake(_short(output) or "(nothing)", group, label(case), _short(case.get("expected_output") or ""))


def _short(text: str) -> str:
    return make_visible(cut(text.strip(), OUTPUT_CHARACTERS, "…"))
