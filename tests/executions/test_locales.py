"""What a learner is told, in the language that the request asks for."""

import ast
import re
import string
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from executions.models import Execution
from executions.request import Locale
from executions.running.hint_sentences import AMOUNTS, HINTS, KINDS
from executions.running.hints import KINDS_OF, hint_sentence
from executions.running.language import DIRECTORY, gettext, ngettext, speaking
from executions.running.rules import CONSTRUCTS
from executions.sandbox.results import ErrorDetail, Hint, Run, RunStatus
from tests.conftest import Page
from tests.fakes import EIGHT, FakeExecutor
from tests.guest.mistakes import MISTAKES

ROOT = Path(__file__).parents[2]
MARKS = ("gettext", "gettext_noop", "ngettext")
TRANSLATED = [locale for locale in Locale if locale is not Locale.EN]


def words_of(sentence: str) -> list[str]:
    """Return the names in braces in `sentence`."""
    return [name for _, name, _, _ in string.Formatter().parse(sentence) if name]


def rendered(key: str, words: dict[str, str]) -> str:
    sentence = hint_sentence(Hint(key, tuple(words.items())))
    assert sentence is not None
    return sentence


# The catalogues


def test_every_catalogue_is_complete_and_up_to_date() -> None:
    """`make catalogues` brings them up to date, and names what is missing."""
    checked = subprocess.run(
        [sys.executable, ROOT / "scripts/make-catalogues", "--check"], capture_output=True, text=True, check=False
    )
    assert (checked.stdout, checked.stderr, checked.returncode) == ("catalogues: complete\n", "", 0)


@pytest.mark.parametrize("locale", TRANSLATED)
def test_every_sentence_of_the_code_is_in_the_catalogue(locale: Locale) -> None:
    """What extracts the sentences reads tokens, and those of an f-string are one: Python's own parser misses none."""
    with (DIRECTORY / locale / "LC_MESSAGES/learners.po").open("rb") as file:
        catalogue = {part for message in read_po(file) for part in (message.id, *message.id)}
    found = [
        argument.value
        for path in DIRECTORY.parent.joinpath("running").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS
        for argument in node.args
        if isinstance(argument, ast.Constant)
    ]
    assert len(found) > 30
    assert [sentence for sentence in found if sentence not in catalogue] == []


def test_every_locale_but_english_has_a_catalogue() -> None:
    assert {path.name for path in DIRECTORY.iterdir()} == set(TRANSLATED)


@pytest.mark.parametrize("locale", TRANSLATED)
@pytest.mark.parametrize("key", HINTS)
def test_every_hint_is_one_sentence_with_all_its_words(locale: Locale, key: str) -> None:
    words = {name: f"<{name}>" for name in words_of(HINTS[key])}
    english = rendered(key, words)
    with speaking(locale):
        hint = rendered(key, words)
    assert hint != english
    for name in words:
        shown = f"'<{name}>'" if name in KINDS_OF else f"<{name}>()" if name == "function" else f"<{name}>"
        assert shown in hint
    assert hint.endswith((".", "?"))
    assert not re.search(r"[.?!] [A-Z]", hint)
    assert hint.startswith("<function>") == english.startswith("<function>")  # it may be "The lambda"


@pytest.mark.parametrize("locale", TRANSLATED)
@pytest.mark.parametrize("mistake", [each for each in MISTAKES if each.words], ids=str)
def test_no_word_of_a_hint_stays_in_english(locale: Locale, mistake: Any) -> None:
    """Python's messages have English words in their parts, such as "at most 1"."""
    in_english = [value for table in (KINDS, AMOUNTS) for value in table.values() if "{" not in value]
    kinds = {value: key for key, value in KINDS.items()}
    words = {name: kinds.get(word, word) for name, word in mistake.words.items()}
    if words.get("function") == "The lambda":
        words["function"] = "<lambda>()"
    with speaking(locale):
        hint = rendered(mistake.hint, words | {"installed": "numpy"})
    assert [english for english in in_english if re.search(rf"\b{english}\b", hint)] == []
    assert not re.search(r"\b(?:at most|at least|exactly|from \d|and '|The lambda)", hint)


@pytest.mark.parametrize(
    ("locale", "key", "words", "hint"),
    [
        (
            "de",
            "argument_missing",
            {"function": "f()", "names": "'a', 'b', and 'c'"},
            "einen Wert für 'a', 'b' und 'c'",
        ),
        ("es", "argument_missing", {"function": "f()", "names": "'a' and 'b'"}, "un valor para 'a' y 'b'"),
        ("de", "argument_missing", {"function": "<lambda>()", "names": "'a'"}, "Die lambda-Funktion wurde ohne"),
        ("de", "arguments_many", {"function": "f()", "takes": "from 1 to 2", "given": "3"}, "es nimmt 1 bis 2, aber"),
        ("es", "arguments_many", {"function": "f()", "takes": "exactly one", "given": "3"}, "exactamente 1, pero"),
        ("de", "no_length", {"kind": "int"}, "aber das hier ist eine ganze Zahl."),
        ("es", "no_length", {"kind": "Dog"}, "pero esto es un valor de tipo 'Dog'."),
        ("en", "string_and_number", {"operator": "** or pow()"}, "You cannot use ** with"),
    ],
)
def test_words_of_python_are_translated(locale: Locale, key: str, words: dict[str, str], hint: str) -> None:
    with speaking(Locale(locale)):
        assert hint in rendered(key, words)


@pytest.mark.parametrize("locale", TRANSLATED)
def test_every_rule_names_its_construct(locale: Locale) -> None:
    with speaking(locale):
        named = {word: gettext(phrase).format(word=word) for word, phrase in CONSTRUCTS.items()}
    of_python = {word for word, phrase in CONSTRUCTS.items() if phrase == word and word != "recursion"}
    assert {word for word, phrase in named.items() if phrase == CONSTRUCTS[word].format(word=word)} == of_python


@pytest.mark.parametrize("locale", TRANSLATED)
@pytest.mark.parametrize("count", [0, 1, 2, 1_000_000])
def test_a_sentence_about_a_number_of_things_has_every_form(locale: Locale, count: int) -> None:
    one, many = "Execution timed out after {seconds} second", "Execution timed out after {seconds} seconds"
    with speaking(locale):
        said = ngettext(one, many, count)
    assert said not in (one, many, "")
    assert words_of(said) == ["seconds"]


# Requests

FAILED = Run(
    RunStatus.ERROR,
    stderr="NameError: name 'pritn' is not defined\n",
    exit_code=1,
    raised="NameError",
    detail=ErrorDetail("NameError", "name 'pritn' is not defined", 1, 1, 6, "pritn(8)"),
    hint=Hint("name_near", (("name", "pritn"), ("near", "print"))),
)
CASES = [
    {"input": "add(5, 3)", "expected_output": "9"},
    {"avoids": ["for"], "defines": [{"name": "f", "parameters": 2}]},
]
SAID: dict[str, dict[str, str]] = {
    "en": {
        "hint": "The name 'pritn' is not defined: did you mean 'print'?",
        "message": "❌ Test failed: add(5, 3) -> Expected: 9",
        "diff": "Line 1 differs:\n  expected: 9\n  printed:  8\n            ^",
        "rules": "❌ Test failed: Do not use a for loop: line 1 does."
        " Define a function f with 2 parameters: yours has 1.",
        "timeout": "Execution timed out after 5 seconds",
    },
    "de": {
        "hint": "Der Name 'pritn' ist nicht definiert: meintest du 'print'?",
        "message": "❌ Test nicht bestanden: add(5, 3) -> Erwartet: 9",
        "diff": "Zeile 1 ist anders:\n  erwartet:   9\n  ausgegeben: 8\n              ^",
        "rules": "❌ Test nicht bestanden: Verzichte auf eine for-Schleife: siehe Zeile 1."
        " Definiere eine Funktion f mit 2 Parametern: deine hat 1.",
        "timeout": "Zeit abgelaufen nach 5 Sekunden",
    },
    "es": {
        "hint": "El nombre 'pritn' no está definido: ¿querías decir 'print'?",
        "message": "❌ Prueba no superada: add(5, 3) -> Se esperaba: 9",
        "diff": "La línea 1 es diferente:\n  esperado: 9\n  impreso:  8\n            ^",
        "rules": "❌ Prueba no superada: No uses un bucle for: la línea 1 lo hace."
        " Define una función f con 2 parámetros: la tuya tiene 1.",
        "timeout": "Tiempo agotado después de 5 segundos",
    },
}


@pytest.mark.parametrize("locale", Locale)
def test_answer_is_in_the_language_of_the_request(page: Page, executor: FakeExecutor, locale: Locale) -> None:
    executor.main = FAILED
    answer = page.run(locale=locale, test_cases=CASES).json()
    said = SAID[locale]
    assert answer["error_detail"]["hint"] == said["hint"]
    assert answer["error_detail"]["message"] == "name 'pritn' is not defined"
    assert answer["error"] == FAILED.stderr
    output, rules = answer["test_results"]
    assert (output["message"], output["diff"]) == (said["message"], said["diff"])
    assert rules["message"] == said["rules"]


@pytest.mark.parametrize("locale", Locale)
def test_events_are_in_the_language_of_the_request(page: Page, executor: FakeExecutor, locale: Locale) -> None:
    executor.main = replace(FAILED, status=RunStatus.TIMEOUT)
    body = {"code": "pritn(8)", "locale": locale, "test_cases": CASES}
    streamed = b"".join(page.post(body, accept="text/event-stream")).decode()
    for name in ("message", "rules"):
        assert streamed.count(SAID[locale][name]) == 2  # an event, and the answer
    assert SAID[locale]["timeout"] in streamed


def test_record_keeps_the_messages_that_the_learner_saw(page: Page, executor: FakeExecutor) -> None:
    executor.main = FAILED
    page.run(locale="de", test_cases=CASES)
    execution = Execution.objects.get()
    detail, results = execution.error_detail, execution.test_results
    assert detail is not None
    assert results is not None
    assert detail["hint"] == SAID["de"]["hint"]
    assert results[0]["message"] == SAID["de"]["message"]


@pytest.mark.parametrize("fields", [{}, {"locale": None}, {"locale": "en"}])
def test_english_is_the_default(page: Page, executor: FakeExecutor, fields: dict[str, Any]) -> None:
    executor.main = FAILED
    page.run(locale="de")  # what another learner reads changes nothing
    assert page.run(**fields).json()["error_detail"]["hint"] == SAID["en"]["hint"]


@pytest.mark.parametrize("locale", ["fr", "DE", "de-AT", "de_DE", "", " de", "../de"])
def test_another_locale_is_refused_with_those_that_there_are(page: Page, executor: FakeExecutor, locale: str) -> None:
    response = page.run(locale=locale)
    assert response.status_code == 400
    assert response.json()["fields"] == {"locale": "Must be one of: en, de, es."}
    assert executor.submissions == []


def test_container_does_not_know_the_language(page: Page, executor: FakeExecutor) -> None:
    executor.test = EIGHT
    page.run(locale="en", test_cases=CASES)
    page.run(locale="de", test_cases=CASES)
    first, second = executor.submissions
    assert first == replace(second, party=first.party)
