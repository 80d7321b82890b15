"""Which inputs of test cases are Python calls, such as `add(5, 3)`, and which are a program's stdin.

A container finds this out in a separate process before the tests: the program of a test must not know the call before
the test begins, but gets other inputs as its stdin from the start. The service itself never parses a program's text.
"""

import keyword
import re
from dataclasses import replace

from executions.sandbox.container.container import Container
from executions.sandbox.results import Run, TestProgram

ARGUMENT = r"""(?:-?(?:0|[1-9]\d{0,17})(?:\.\d{1,17})?|'[^'\\\n\r]*'|"[^"\\\n\r]*"|True|False|None)"""
PLAIN_CALL = re.compile(rf"([a-zA-Z_]\w*)\( *(?:{ARGUMENT}(?: *, *{ARGUMENT})*)? *\)", re.ASCII)
"""A name with numbers and simple strings in brackets. Most inputs are such calls, and need no process to find out."""


def find_calls(
    container: Container, tests: tuple[TestProgram, ...], seconds: float
) -> tuple[Run | None, list[TestProgram]]:
    """Return the tests, with `is_call` set where the input is one, and the run that found out, if one was needed.

    It takes at most `seconds`.
    """
    unsure = sorted(
        {
            test.input
            for test in tests
            if not (test.code or test.is_by_value) and "(" in test.input and not is_plain_call(test.input)
        }
    )
    run: Run | None = None
    answers: list[bool] = []
    if unsure and seconds > 0 and container.is_usable:
        run, answers = container.find_calls(unsure, seconds)
    calls = {text for text, is_call in zip(unsure, answers, strict=False) if is_call}
    return run, [replace(test, is_call=test.input in calls or is_plain_call(test.input)) for test in tests]


def is_plain_call(text: str) -> bool:
    """Return whether `text` is certainly a call; if not, it may still be one."""
    call = PLAIN_CALL.fullmatch(text.strip())
    return call is not None and not keyword.iskeyword(call[1])
