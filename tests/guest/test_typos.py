"""A hint suggests a name only if the other is a slip of the finger for it."""

import builtins

import pytest

from guest.hints.typos import is_slip, meant_by


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("pritn", "print"),
        ("prnt", "print"),
        ("printt", "print"),
        ("imput", "input"),
        ("Print", "print"),
        ("user_name", "username"),
        ("agee", "age"),
        ("fi", "if"),
        ("nmae", "name"),
        ("imptor", "import"),
    ],
)
def test_slip_is_recognized(word: str, meant: str) -> None:
    assert is_slip(word, meant)


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("i", "id"),
        ("text", "next"),
        ("item", "iter"),
        ("ans", "abs"),
        ("user", "super"),
        ("x1", "x2"),
        ("word1", "word"),
        ("found", "round"),
        ("mian", "min"),
        ("name", "game"),
        ("name", "name"),
        ("", "x"),
        ("_", "__"),
    ],
)
def test_another_word_is_no_slip(word: str, other: str) -> None:
    assert not is_slip(word, other)


NAMES_OF_BEGINNERS = (
    "i j n x y a b num nums number numbers text line lines word words count counter total row rows col val value "
    "values ans answer user users item items list1 lst arr res result temp tmp data name names age score key keys "
    "file files point points color colour letter letters char chars first last left right low high mid node head tail"
).split()


def test_no_built_in_is_meant_by_what_beginners_call_their_variables() -> None:
    functions = [name for name in dir(builtins) if callable(getattr(builtins, name))]
    meant = {name: meant_by(name, functions) for name in NAMES_OF_BEGINNERS}
    assert {name: near for name, near in meant.items() if near} == {"lst": "list"}  # suggested only for lst(...)
