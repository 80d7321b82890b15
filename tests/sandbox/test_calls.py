"""Which inputs are certainly calls, without asking Python."""

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from executions import bounds
from executions.sandbox.call_inputs import is_plain_call
from guest import protocol


@pytest.mark.parametrize(
    "text",
    [
        "f()",
        " add(5, 3) ",
        "add( -5,3.25 )",
        "is_odd(0)",
        "greet('Ada', \"O'Hara\")",
        "f(True,None , False)",
        "_f1('é)(')\n",
    ],
)
def test_plain_call_needs_no_process(text: str) -> None:
    assert is_plain_call(text)


@pytest.mark.parametrize(
    "text",
    [
        "f(1)(2)",
        "f([1])",
        "if(1)",
        "not(1)",
        "lambda(1)",
        "f(01)",
        "f(1,)",
        "f('\\'')",
        "f('a\nb')",
        "f(1) ",
        "f(x)",
        "f(1",
        "5",
    ],
)
def test_anything_else_is_left_to_python(text: str) -> None:
    assert is_plain_call(text) is (text == "f(1) ")


PIECES = st.sampled_from([*"fx_19(),'\"-. \n\\", "True", "if", "f(", "', '", "0", "1.5", "not", "print", "'a'", "é"])


@given(st.lists(PIECES, max_size=12).map("".join) | st.text())
@example("f(1, 'a')")
def test_whatever_looks_like_a_plain_call_is_one(text: str) -> None:
    if is_plain_call(text):
        assert isinstance(ast.parse(text.strip(), mode="eval").body, ast.Call)


def test_every_part_of_a_test_fits_into_its_memory() -> None:
    assert max(bounds.CODE_BYTES, bounds.INPUT_BYTES) <= protocol.TEST_PART_BYTES
