"""Each fault that `make soak CLUSTER=1` looks for is found."""

from collections import Counter
from collections.abc import Callable

import pytest

from benchmarks.soak.restarts import Course, faults

ANSWERED, REFUSED, AGAIN = "token-0-0-0", "token-0-1-0", "token-0-1-1"

SPOILED: dict[str, Callable[[Course], object]] = {
    "unfit answer": lambda course: course.unfit.append("500"),
    "no answer": lambda course: setattr(course, "wanted", 3),
    "begun twice": lambda course: course.began.update([ANSWERED]),
    "finished twice": lambda course: course.finished.update([ANSWERED]),
    "not finished": lambda course: course.finished.pop(ANSWERED),
    "refused and begun": lambda course: course.began.update([REFUSED]),
    "not on record": lambda course: course.recorded.pop(ANSWERED),
    "two records": lambda course: course.recorded[ANSWERED].append(("success", ("two", 1))),
    "another status": lambda course: course.recorded.update({ANSWERED: [("error", ("one", 1))]}),
    "still running": lambda course: course.recorded.update({REFUSED: [("running", (None, None))]}),
    "one place twice": lambda course: course.recorded.update({AGAIN: [("success", ("one", 1))]}),
    "unknown": lambda course: course.recorded.update(unknown=[("success", ("two", 1))]),
}


@pytest.fixture
def course() -> Course:
    """Return a course with an answer, a refusal that is on record, and the answer to the same program sent again."""
    return Course(
        wanted=2,
        answered={ANSWERED: 0.1, AGAIN: 0.1},
        refused={REFUSED},
        began=Counter({ANSWERED: 1, AGAIN: 1}),
        finished=Counter({ANSWERED: 1, AGAIN: 1}),
        recorded={
            ANSWERED: [("success", ("one", 1))],
            REFUSED: [("refused", (None, None))],
            AGAIN: [("success", ("one", 2))],
        },
    )


def test_a_course_in_which_each_program_ran_once_has_no_faults(course: Course) -> None:
    assert faults(course) == []


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_run_that_is_lost_or_repeated_or_recorded_otherwise_is_a_fault(
    course: Course, spoil: Callable[[Course], object]
) -> None:
    spoil(course)
    assert len(faults(course)) >= 1


def test_a_run_may_be_lost_with_its_worker_alone_and_not_run_twice(course: Course) -> None:
    course.recorded[REFUSED] = [("internal_error", (None, None))]
    course.began[REFUSED] = 1
    assert len(faults(course)) == 1
    assert faults(course, may_lose=True) == []
    course.began[REFUSED] = 2
    assert len(faults(course, may_lose=True)) == 1
