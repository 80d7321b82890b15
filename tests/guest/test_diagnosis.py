"""Each mistake gets its hint, and each rule and each hint has a mistake."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from executions.running.hint_sentences import HINTS
from executions.running.outcome import TYPES
from guest import protocol, reports
from guest.hints import detail, diagnosis
from guest.hints.rule import Rule, Words
from guest.hints.rules.modules import DEPENDENCIES
from tests.guest.collection import collected, count, sentence_of
from tests.guest.mistakes import MISTAKES, WITHOUT_HINT, Mistake

KINDS_OF_ERRORS = (SyntaxError(), ImportError(), NameError(), AttributeError(), Exception())
RULES = {rule: None for error in KINDS_OF_ERRORS for rule in diagnosis.rules_for(error)}
OF_THE_HOST = {*TYPES, "signal", "timeout_loop", "timeout_idle", "timeout_input"}
COLLECTED = [each for each in collected() if not each.since]


@pytest.fixture(autouse=True)
def _as_in_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give programs an empty stdin, an empty directory, no arguments, and numpy and pandas."""
    for name in ("numpy", "pandas"):
        (tmp_path / "site-packages" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys, "argv", ["main.py"])
    path = [entry for entry in sys.path if not entry.endswith(("site-packages", "dist-packages"))]
    monkeypatch.setattr(sys, "path", [*path, str(tmp_path / "site-packages")])


def hint_of_program(program: str) -> str:
    """Run `program` and return the hint for its error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns about some code that still runs
            code = compile(program, "main.py", "exec", dont_inherit=True)
    except SyntaxError as found:
        error: BaseException = found.with_traceback(None)
    else:
        error = error_of(code)
    *_, hint, _line, _column, _end_column = reports.unpack_detail(detail.describe(error, "main.py", program, {}))
    return sentence_of(hint)


def error_of(code: Any) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 (each mistake raises another exception)
        exec(code, {"__name__": "__main__"})
    return caught.value


def hint_of(mistake: Mistake) -> str:
    if isinstance(mistake.of, str):
        return hint_of_program(mistake.of)
    before, start, rest = mistake.line.partition("«")
    marked, _, after = rest.partition("»")
    columns = (len(before) + 1, len(before + marked) + 1) if start else (0, 0)
    return sentence_of(
        reports.pack_hint(*diagnosis.hint_for(mistake.of, str(mistake.of), before + marked + after, *columns))
    )


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_mistake_gets_its_hint(mistake: Mistake) -> None:
    assert hint_of(mistake) == HINTS[mistake.hint].format(**mistake.words)


def hints_of_collected() -> list[str]:
    """Return the hint for each collected mistake, which runs in a directory of its own."""
    hints = []
    with warnings.catch_warnings(action="ignore"):  # some leave files open
        for number, mistake in enumerate(COLLECTED):
            sys.stdin = io.StringIO()  # exit() closes it
            os.mkdir(str(number))
            with contextlib.chdir(str(number)):
                hints.append(hint_of_program(mistake.program))
        gc.collect()
    return hints


def test_no_collected_mistake_gets_a_false_hint() -> None:
    answers = zip(COLLECTED, hints_of_collected(), strict=True)
    verdicts, wrong = count(answers, installed="numpy, pandas")
    assert wrong == []
    assert verdicts == {"right": 1107, "none": 94, "false": 0}


@pytest.mark.parametrize("program", WITHOUT_HINT)
def test_other_errors_get_no_hint(program: str) -> None:
    assert hint_of_program(program) == ""


def test_every_rule_is_used_by_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    deciding: set[Rule] = set()

    def watched(rule: Rule) -> Rule:
        kind, pattern, in_line, hint = rule

        def choose(words: Words, error: BaseException, code: str) -> str | None:
            chosen = hint if isinstance(hint, str) else hint(words, error, code)
            if chosen is not None:
                deciding.add(rule)
            return chosen

        return kind, pattern, in_line, choose

    rules_for = diagnosis.rules_for
    monkeypatch.setattr(diagnosis, "rules_for", lambda error: tuple(watched(rule) for rule in rules_for(error)))
    for mistake in MISTAKES:
        hint_of(mistake)
    hint_of_program(WITHOUT_HINT[0])
    hints_of_collected()
    assert [rule for rule in RULES if rule not in deciding] == []


def test_every_hint_is_used_by_a_mistake() -> None:
    of_mistakes = {mistake.hint for mistake in MISTAKES} | {each.hint for each in collected() if each.hint}
    assert of_mistakes | OF_THE_HOST == HINTS.keys()
    assert of_mistakes.isdisjoint(OF_THE_HOST)


def refused_imports() -> Iterator[str]:
    yield from sorted(sys.stdlib_module_names)
    yield from ("matplotlib.pyplt", "os.pth", "tkintr", "winsond", "Turtle")


def test_import_hint_never_suggests_an_unavailable_module() -> None:
    for name in refused_imports():
        message = f"No module named '{name}'"
        error = ModuleNotFoundError(message, name=name)
        hint = sentence_of(reports.pack_hint(*diagnosis.hint_for(error, message, f"import {name}", 1, len(name) + 8)))
        assert f"did you mean '{name}'" not in hint
        assert not any(f"did you mean '{absent}'" in hint for absent in ("tkinter", "winsound")), name


def test_hint_for_a_missing_module_lists_no_package_that_only_others_need() -> None:
    """Those of the second part of guest/requirements.txt."""
    requirements = (
        (Path(protocol.__file__).parent / "requirements.txt").read_text().partition("# What these pull in")[2]
    )
    pulled_in = re.findall(r"^([\w-]+)==", requirements, re.MULTILINE)
    hidden = [name.lower().replace("_", "-") for name in DEPENDENCIES]
    assert pulled_in
    assert [package for package in pulled_in if not any(name in package for name in hidden)] == []


def test_every_hint_is_one_sentence() -> None:
    assert [hint for hint in HINTS.values() if not hint.endswith((".", "?"))] == []
    assert [hint for hint in HINTS.values() if re.search(r"[.?!] [A-Z]", hint)] == []
