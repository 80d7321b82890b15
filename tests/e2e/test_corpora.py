"""Programs and exercises of others do the same in the service as without it. `make corpora` tries many more."""

from pathlib import Path

import pytest

from benchmarks.corpora.__main__ import SETTINGS, compare_all
from benchmarks.corpora.exercises import from_files, from_record
from benchmarks.corpora.judged import judge_all
from tests.service import Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(480)]

MOST = 20

MEDIAN = {
    "task_id": "median",
    "entry_point": "median",
    "prompt": '''def median(numbers):
    """Return the number in the middle.

    >>> median([3, 1, 2])
    2
    """
''',
    "canonical_solution": """    if not numbers:
        return None
    numbers, half = sorted(numbers), len(numbers) // 2
    return numbers[half] if len(numbers) % 2 else (numbers[half - 1] + numbers[half]) / 2
""",
    "test": """
METADATA = {}


def check(candidate):
    assert True, "This prints if this assert fails"
    assert candidate([3, 1, 2]) == 2, "the middle one"
    assert abs(candidate([1.5, -2.5]) - -0.5) < 1e-6
    assert candidate([]) is None
""",
}
HALVES = {
    "task_id": "halves",
    "entry_point": "halves",
    "prompt": "def halves(text):\n",
    "canonical_solution": "    return text[: len(text) // 2], text[len(text) // 2 :]\n",
    "test": "def check(candidate):\n    assert candidate('ab\\ncd') == ('ab', '\\ncd')\n",
}
LOOP = {
    "task_id": "loop",
    "entry_point": "total",
    "prompt": "def total(n):\n",
    "canonical_solution": "    return n * (n + 1) // 2\n",
    "test": "def check(candidate):\n    for n in range(9):\n        assert candidate(n) == sum(range(n + 1))\n",
}
"""In the form of HumanEval's records."""
NAMES = "import math\n\narea = {area}\n# === TESTS ===\nassert area == 9 * math.pi, f'Not {{area}}'\nprint(area)\n"
"""In the form of a file of pylings."""


def test_documented_examples_do_the_same_in_the_service(tmp_path: Path) -> None:
    with Service(tmp_path, **SETTINGS) as service:
        comparisons = list(compare_all(service, MOST, packages=()))
    assert len(comparisons) == MOST
    assert [each for each in comparisons if each.reason == "unknown"] == []
    assert sum(not each.reason for each in comparisons) > MOST / 2


def test_right_and_wrong_solutions_are_judged_as_by_plain_python(service: Service) -> None:
    exercises = [exercise for record in (MEDIAN, HALVES, LOOP) for exercise in from_record(record)]
    mended = from_files("names", NAMES.format(area="math.pi * 3**2"), NAMES.format(area="___"))
    assert mended is not None
    judgements = list(judge_all(service, [*exercises, mended]))
    assert [each for each in judgements if each.outcome not in ("passes in both", "fails in both")] == []
    passed = {(each.exercise.corpus, each.what) for each in judgements if each.outcome == "passes in both"}
    corpora = {each.corpus for each in exercises} | {"pylings"}
    assert len(corpora) == 4
    assert {each for each in passed if not each[1].startswith("defect")} == {(each, "solution") for each in corpora}
    assert any(each.what.startswith("defect") and each.outcome == "fails in both" for each in judgements)
