"""What a checkout of another repository has: the exercises of Exercism's Python track and QuixBugs, CPython's tests."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.corpora.exercises import DEFECT, Exercise
from executions.bounds import CODE_BYTES

ALIAS = 'import sys\n\nsys.modules[__name__] = sys.modules["__main__"]\n'
"""A file beside the program, under whose name a suite finds the program."""
RUN_SUITE = "\n\nimport unittest\n\nunittest.main()\n"
CHECK_VALUES = """
import json, types

for arguments, expected, tolerance in {cases!r}:
    value = {function}(*arguments)
    value = json.loads(json.dumps(list(value) if isinstance(value, types.GeneratorType) else value))
    assert value == expected or (tolerance and abs(value - expected) < tolerance)
"""

NEEDS_MORE = re.compile(r"^\s*(?:from|import) +(?:test\b|\.)|support", re.MULTILINE)
"""A test of CPython that imports others, or files beside it."""


def cpython(tests: Path) -> dict[str, str]:
    """Return those of CPython's tests that need only unittest, by name. They are in Lib/test of a checkout."""
    texts = {path.stem: path.read_bytes() for path in sorted(tests.glob("test_*.py"))}
    programs = {name: text.decode() for name, text in texts.items() if text.isascii() and len(text) <= CODE_BYTES}
    return {name: text for name, text in programs.items() if "unittest.main()" in text and not NEEDS_MORE.search(text)}


def exercism(checkout: Path) -> Iterator[Exercise]:
    """Yield the practice exercises of Exercism's Python track. Each suite stays as it is."""
    for directory in sorted((checkout / "exercises" / "practice").iterdir()):
        files = json.loads((directory / ".meta" / "config.json").read_text())["files"]
        [stub], [solution] = ([directory / name for name in files[kind]] for kind in ("solution", "example"))
        suite = directory / files["test"][0]
        helpers = sorted(set(directory.glob("*.py")) - {stub, suite})
        programs = {"solution": solution.read_text(), "stub": stub.read_text()}
        text = suite.read_text()
        beside = {stub.name: ALIAS, **{helper.name: helper.read_text() for helper in helpers}}
        yield Exercise(directory.name, "Exercism", programs, [{"unittest": text}], text + RUN_SUITE, beside)


def quixbugs(checkout: Path) -> Iterator[Exercise]:
    """Yield the algorithms of QuixBugs: by what their calls return, or by its tests if they need graphs."""
    tests = checkout / "python_testcases"
    for test in sorted(tests.glob("test_*.py")):
        name = test.stem.removeprefix("test_")
        folders = {"solution": "correct_python_programs", DEFECT: "python_programs"}
        programs = {what: (checkout / folder / f"{name}.py").read_text() for what, folder in folders.items()}
        tree = ast.parse(test.read_text())
        values = checkout / "json_testcases" / f"{name}.json"
        if values.exists():
            lines = [json.loads(line) for line in values.read_text().splitlines()]
            skipped = _skipped(tree)
            cases = [  # the last argument of sqrt() is how near it has to come
                (arguments, expected, arguments[-1] if isinstance(arguments[-1], float) else 0)
                for arguments, expected in lines
                if arguments not in skipped
            ]
            check = CHECK_VALUES.format(cases=cases, function=name)
            yield Exercise(name, "QuixBugs, returns", programs, [_returns(name, *case) for case in cases], check)
        else:
            code = _plain(tree)
            node = {"node.py": (tests / "node.py").read_text()}
            yield Exercise(name, "QuixBugs, code", programs, [{"code": code}], f"\n{code}", node)


def _returns(function: str, arguments: list[Any], expected: Any, tolerance: float) -> dict[str, Any]:
    call = f"{function}({', '.join(map(repr, arguments))})"
    case = {"input": call, "expected_output": repr(expected), "match": "returns"}
    return {**case, "tolerance": tolerance} if tolerance else case


def _skipped(tree: ast.Module) -> list[Any]:
    """Return the arguments that QuixBugs' own test leaves out because they take minutes: `input_data == …`."""
    return [
        ast.literal_eval(node.comparators[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and ast.unparse(node.left) == "input_data"
    ]


def _plain(tree: ast.Module) -> str:
    """Return a test of pytest that calls its functions itself, and does not import the program."""
    kept = [each for each in tree.body if not isinstance(each, ast.If) and ast.unparse(each) != "import pytest"]
    calls = [f"{each.name}()" for each in kept if isinstance(each, ast.FunctionDef)]
    return "\n".join([*map(ast.unparse, kept), *calls])
