"""A learner's whole answer in German and in Spanish, from real containers."""

import pytest

from executions.answer import Answer
from executions.request import Definition, ExecutionRequest, Locale, Match, TestCase
from executions.running.service import answer_of
from executions.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.docker

PROGRAM = """\
def add(a):
    print(a + 3)

for n in [1]:
    add(n)
add(1, 2, 3)
"""
CASES = (
    TestCase(input="add(5)", expected_output="9"),
    TestCase(input="add(5)", expected_output="8", match=Match.RETURNS),
    TestCase(input="add('5')", expected_output="8"),
    TestCase(avoids=("for", "import os"), uses=("sum",), defines=(Definition("add", 2),)),
)
FOR_TESTS = PROGRAM.removesuffix("add(1, 2, 3)\n")
SAID = {
    Locale.DE: (
        "add() hat die falsche Anzahl von Argumenten bekommen: es nimmt 1, aber du hast 3 übergeben.",
        [
            "❌ Test nicht bestanden: add(5) -> Erwartet: 9",
            "Zeile 1 ist anders:\n  erwartet:   9\n  ausgegeben: 8\n              ^",
            "Deine Funktion hat 8 ausgegeben, aber None zurückgegeben: verwende return"
            "\n  erwartet:      8\n  zurückgegeben: None",
            "Du kannst eine Zeichenkette und eine Zahl nicht mit + verbinden:"
            " wandle die Zahl mit str(...) um oder die Zeichenkette mit int(...).",
            "❌ Test nicht bestanden: Verwende sum(). Verzichte auf eine for-Schleife: siehe Zeile 4."
            " Definiere eine Funktion add mit 2 Parametern: deine hat 1.",
        ],
    ),
    Locale.ES: (
        "add() recibió una cantidad incorrecta de argumentos: necesita 1, pero pasaste 3.",
        [
            "❌ Prueba no superada: add(5) -> Se esperaba: 9",
            "La línea 1 es diferente:\n  esperado: 9\n  impreso:  8\n            ^",
            "Tu función imprimió 8 pero devolvió None: usa return\n  esperado: 8\n  devuelto: None",
            "No puedes unir una cadena y un número con +: convierte el número con str(...) o la cadena con int(...).",
            "❌ Prueba no superada: Usa sum(). No uses un bucle for: la línea 4 lo hace."
            " Define una función add con 2 parámetros: la tuya tiene 1.",
        ],
    ),
}


def answer(sandbox: Sandbox, request: ExecutionRequest) -> Answer:
    return answer_of(request, sandbox.execute(request.submission()))


@pytest.mark.parametrize("locale", SAID)
def test_learner_is_told_everything_in_the_language_of_the_request(sandbox: Sandbox, locale: Locale) -> None:
    hint, (message, diff, returned, hint_of_test, rules) = SAID[locale]
    failed = answer(sandbox, ExecutionRequest(PROGRAM, locale=locale))
    assert failed.error_detail is not None
    assert failed.error_detail.hint == hint
    assert failed.error_detail.message == "add() takes 1 positional argument but 3 were given"
    assert failed.error.startswith("Traceback (most recent call last):\n")
    results = answer(sandbox, ExecutionRequest(FOR_TESTS, test_cases=CASES, timeout=8, locale=locale)).test_results
    assert results is not None
    assert (results[0].message, results[0].diff, results[1].diff) == (message, diff, returned)
    assert results[2].error_detail is not None
    assert results[2].error_detail.hint == hint_of_test
    assert results[3].message == rules


def test_limit_is_told_in_the_language_of_the_request(sandbox: Sandbox) -> None:
    ended = answer(sandbox, ExecutionRequest("while True: pass", timeout=1, locale=Locale.ES))
    assert ended.error == "Tiempo agotado después de 1 segundo"
    assert ended.error_detail is not None
    assert ended.error_detail.message == ended.error
    assert (ended.error_detail.hint or "").startswith("Al programa se le acabó el tiempo: ")
