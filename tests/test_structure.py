"""Rules for the whole project. import-linter holds which package may import which."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.walls import NO_PROBES, WALLS

ROOT = Path(__file__).resolve().parent.parent
SERVICE = ("codeexec", "playground", "executions", "apikeys", "staff", "audit", "web")


def modules(*directories: str) -> Iterator[Path]:
    for directory in directories:
        yield from (ROOT / directory).rglob("*.py")


@pytest.mark.parametrize("call", ["exec_create(", "exec_run(", "put_archive", "get_archive", ".pull(", "docker cp"])
def test_no_code_enters_containers_copies_files_or_pulls_images(call: str) -> None:
    """Containers get programs through stdin only, and only `build_image` makes images."""
    assert [path for path in modules(*SERVICE, "guest") if call in path.read_text()] == []


@pytest.mark.parametrize("call", ["time.time()", "datetime.now(", "CLOCK_REALTIME"])
def test_runs_are_timed_by_the_monotonic_clock(call: str) -> None:
    assert [path for path in modules("executions/sandbox", "guest") if call in path.read_text()] == []


def test_services_do_not_import_djangos_http() -> None:
    """Which import-linter cannot hold: it knows Django as a whole only."""
    services = modules("executions/running", "executions/records", "executions/webhooks")
    assert [path for path in services if "django.http" in path.read_text()] == []


def test_no_program_is_compiled_outside_a_container() -> None:
    """Compiling a program can already crash the interpreter or use up its memory."""
    names = {"compile", "eval", "exec", "ast.parse", "ast.literal_eval"}
    calls = [
        f"{path.name}: {ast.unparse(node.func)}"
        for path in modules(*SERVICE)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names
    ]
    assert calls == []


def test_the_top_level_has_only_what_architecture_md_knows() -> None:
    """Whatever a test or a program has left there would be committed with the next change."""
    known = {*SERVICE, "guest", "templates", "tests", "benchmarks", "clients", "container", "docs", "scripts"}
    generated = {"var", "staticfiles"}
    found = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."}
    assert found <= known | generated


def test_every_test_named_in_the_docs_exists() -> None:
    written = "\n".join(path.read_text() for path in modules("tests"))
    for document in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for name in re.findall(r"`(test_(?!cases|index|results)\w+)`", document.read_text()):
            assert f"def {name}(" in written, f"{document.name} names {name}"
        for name in re.findall(r"`(tests/[\w/.]+)`", document.read_text()):
            assert (ROOT / name).exists(), f"{document.name} names {name}"


def walls_named(pattern: str, text: str) -> set[str]:
    return {name for names in re.findall(pattern, text) for name in re.findall(r"\w+", names)}


def test_every_wall_is_documented_tested_and_removable() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    rows = [match[0] for match in re.finditer(r"^\| `[a-z_`, ]+` \|.*\|.*\|.*\|$", text, re.M)]
    assert "\n".join(rows) in text  # a blank line between two of them would end the table
    table = "\n".join(row.split(" | ")[0] for row in rows)
    marks = "\n".join(path.read_text() for path in modules("tests") if path.name.startswith("test_"))
    assert walls_named("`(\\w+)`", table) == walls_named(r"\bwall\(([^)]+)\)", marks) == WALLS.keys()


def test_every_hostile_case_has_a_test_or_a_reason() -> None:
    """The test above looks for the tests by name. This one also notices if a case disappears from the table."""
    table = (ROOT / "SECURITY.md").read_text().split("## Hostile cases")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([SROIKCQALF]\d\d) \| ([^|]+) \| ([^|]+) \|$", table, re.M)
    assert len({case for case, _, _ in rows}) == len(rows) == table.count("\n| ") - 1
    counts = {"S": 31, "R": 22, "O": 13, "I": 16, "K": 12, "C": 5, "Q": 10, "A": 8, "L": 3, "F": 21}
    assert Counter(case[0] for case, _, _ in rows) == counts
    without = {case for case, _, held in rows if "`test_" not in held}
    assert without == {"S34", "Q14"}  # about features that we do not have


@pytest.mark.parametrize("wall", sorted(WALLS))
def test_every_wall_edits_text_that_occurs_once(wall: str) -> None:
    for edit in (*WALLS[wall].edits, *NO_PROBES):
        assert (ROOT / edit.path).read_text().count(edit.old) == 1, edit
