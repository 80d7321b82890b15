"""Points, groups and the teacher's sentences: what a submission gets for its test cases."""

from typing import Any

import pytest

from apikeys.keys import create_key
from executions.answer import GroupResult
from executions.models import Execution
from executions.request import TestCase
from executions.running.score import group_results, score
from tests.conftest import Page


def cases(*values: tuple[float | None, str | None]) -> list[TestCase]:
    """Return test cases with these points and groups."""
    return [TestCase(points=points, group=group) for points, group in values]


@pytest.mark.parametrize(
    ("values", "passed", "gained", "most"),
    [
        ([(1, None)], [True], 1, 1),
        ([(1, None)], [False], 0, 1),
        ([(1, None), (2.5, None)], [False, True], 2.5, 3.5),
        ([(0.1, None), (0.2, None)], [True, True], 0.3, 0.3),
        ([(0.1, None)] * 10, [True] * 10, 1, 1),
        ([(0.3333, None)] * 3, [True, True, False], 0.6666, 0.9999),
        ([(10_000, None)] * 50, [True] * 50, 500_000, 500_000),
        ([(1, None), (None, None)], [False, True], 0, 1),
        ([(0, None)], [True], 0, 0),
        ([(1, "a"), (2, "a")], [True, True], 3, 3),
        ([(1, "a"), (2, "a")], [True, False], 0, 3),
        ([(1, "a"), (2, "b"), (4, "a"), (8, None)], [True, False, True, True], 13, 15),
        ([(1, "a"), (None, "a")], [True, False], 0, 1),
        ([(1, ""), (2, "")], [True, False], 1, 3),
        ([(None, "a")], [True], None, None),
        ([(None, None)], [True], None, None),
        ([], [], None, None),
    ],
)
def test_score_is_the_sum_of_what_passed(
    values: list[tuple[float | None, str | None]], passed: list[bool], gained: float | None, most: float | None
) -> None:
    assert score(cases(*values), passed) == (gained, most)


def test_group_passes_only_as_a_whole() -> None:
    found = group_results(cases((1, "b"), (2, "a"), (3, None), (4, "b"), (None, "c")), [True, True, False, False, True])
    assert found == (GroupResult("b", False, 0, 5), GroupResult("a", True, 2, 2), GroupResult("c", True, 0, 0))


TESTS: list[dict[str, Any]] = [
    {"input": "f()", "expected_output": "8", "points": 1.5, "group": "all", "on_pass": "Well done.", "on_fail": "No."},
    {"input": "f()", "expected_output": "9", "points": 2, "on_pass": "Well done.", "on_fail": "Look again."},
    {"input": "f()", "expected_output": "8", "points": 0.5, "group": "all", "hidden": True, "on_pass": "Zero, too!"},
    {"input": "f()", "expected_output": "9", "hidden": True, "on_fail": ""},
]


def test_answer_and_record_have_score_groups_and_feedback(page: Page) -> None:
    _, token = create_key("Server", "secret", [])
    answer = page.post({"code": "1", "test_cases": TESTS}, x_api_key=token, origin=None).json()
    assert (answer["score"], answer["max_score"]) == (2, 4)
    assert answer["groups"] == [{"name": "all", "passed": True, "score": 2, "max_score": 2}]
    results = answer["test_results"]
    assert [result["feedback"] for result in results] == ["Well done.", "Look again.", "Zero, too!", None]
    assert [result["points"] for result in results] == [1.5, 2, None, None]
    assert [result["group"] for result in results] == ["all", None, None, None]
    stored = page.client.get(f"/executions/{answer['id']}", headers={"X-API-Key": token}).json()
    assert {name: stored[name] for name in answer} == answer


def test_answer_without_points_has_no_score(page: Page) -> None:
    for tests in (None, [{"input": "f()"}]):
        answer = page.run(test_cases=tests).json()
        assert (answer["score"], answer["max_score"], answer["groups"]) == (None, None, [])


def test_stored_execution_without_results_has_no_score(page: Page) -> None:
    key, token = create_key("Server", "secret", [])
    record = Execution.objects.create(key=key, code="1", timeout=5, test_cases=[{"points": 1, "group": "a"}])
    stored = page.client.get(f"/executions/{record.public_id}", headers={"X-API-Key": token}).json()
    assert (stored["score"], stored["max_score"], stored["groups"], stored["test_results"]) == (None, None, [], None)


def test_points_and_sentences_are_not_part_of_what_runs() -> None:
    case = TestCase(code="1", points=1, on_pass="CANARY", on_fail="CANARY", group="CANARY")
    assert case.program() == TestCase(code="1").program()
