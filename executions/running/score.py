"""How many points a submission gets for its test cases."""

from collections.abc import Iterable, Sequence

from executions.answer import GroupResult
from executions.bounds import POINTS_DECIMALS
from executions.request import TestCase


def score(test_cases: Sequence[TestCase], passed: Sequence[bool]) -> tuple[float | None, float | None]:
    """Return the points that the submission gets, and how many there are; None if no test case has any."""
    if all(case.points is None for case in test_cases):
        return None, None
    groups = group_results(test_cases, passed)
    alone = [index for index, case in enumerate(test_cases) if not case.group]
    gained = _total(test_cases[index].points for index in alone if passed[index])
    return _total([gained, *(group.score for group in groups)]), _total(case.points for case in test_cases)


def group_results(test_cases: Sequence[TestCase], passed: Sequence[bool]) -> tuple[GroupResult, ...]:
    """Return the result of each group, in the order in which the test cases name them."""
    members: dict[str, list[int]] = {}
    for index, case in enumerate(test_cases):
        if case.group:
            members.setdefault(case.group, []).append(index)
    results = []
    for name, indexes in members.items():
        has_passed = all(passed[index] for index in indexes)
        most = _total(test_cases[index].points for index in indexes)
        results.append(GroupResult(name, has_passed, most if has_passed else 0, most))
    return tuple(results)


def _total(points: Iterable[float | None]) -> float:
    """Return the sum as it is in decimal, where 0.1 + 0.2 is 0.3."""
    return round(sum(each or 0 for each in points), POINTS_DECIMALS)
