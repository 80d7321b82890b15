"""The rules of test cases on a program's text: their words, whether they are kept, and the sentences for the learner.

A container has said on which line a program uses a word. What a rule is, only the service knows.
"""

import builtins
import re
from collections.abc import Iterator

from executions.request import Definition, TestCase
from executions.running.outcome import error_detail, sentence
from executions.sandbox.results import Run, RunStatus

CONSTRUCTS = {
    "for": "a for loop",
    "while": "a while loop",
    "nested loop": "a loop in a loop",
    "break": "break",
    "continue": "continue",
    "if": "if",
    "elif": "elif",
    "else": "else",
    "conditional expression": "a conditional expression (a if b else c)",
    "match": "match",
    "def": "def",
    "return": "return",
    "yield": "yield",
    "lambda": "lambda",
    "recursion": "recursion",
    "default value": "a default value of a parameter",
    "decorator": "a decorator",
    "docstring": "a docstring",
    "type hint": "a type hint",
    "class": "class",
    "global": "global",
    "nonlocal": "nonlocal",
    "try": "try",
    "except": "except",
    "finally": "finally",
    "raise": "raise",
    "assert": "assert",
    "with": "with",
    "del": "del",
    "pass": "pass",
    "async": "async",
    "await": "await",
    "comprehension": "a comprehension",
    "list comprehension": "a list comprehension",
    "set comprehension": "a set comprehension",
    "dict comprehension": "a dict comprehension",
    "generator expression": "a generator expression",
    "list literal": "a list in square brackets",
    "dict literal": "a dictionary in curly brackets",
    "set literal": "a set in curly brackets",
    "slice": "a slice",
    "f-string": "an f-string",
    **{word: word for word in ("and", "or", "not", "in", "not in", "is", "is not")},
    **{word: f"the operator {word}" for word in "+ - * / // % ** @ & | ^ ~ << >> == != < <= > >= :=".split()},
    **{word: f"the operator {word}" for word in "+= -= *= /= //= %= **= @= &= |= ^= <<= >>=".split()},
}
"""The words that are neither names nor modules, with what a learner is told to use."""

BUILTINS = {name for name, value in vars(builtins).items() if callable(value) and not name.startswith("_")}
BUILTINS |= {"__import__", "exit", "quit"}

NAME = r"[^\W\d]\w*"
METHOD = re.compile(rf"\.{NAME}")
IN_MODULE = re.compile(rf"{NAME}(?:\.{NAME})+")
IMPORT = re.compile(rf"import(?: {NAME}(?:\.{NAME})*)?")


def is_word(text: str) -> bool:
    """Return whether `text` is a word that a program can be asked for."""
    known = text in CONSTRUCTS or text in BUILTINS
    return known or any(pattern.fullmatch(text) for pattern in (METHOD, IN_MODULE, IMPORT))


def keeps_rules(case: TestCase, run: Run) -> bool:
    """Return whether the program keeps all rules of `case`."""
    return run.status is RunStatus.SUCCESS and not any(_faults(case, run))


def rule_sentences(case: TestCase, run: Run, timeout_seconds: int) -> str:
    """Return what the program does not keep, or all rules if it keeps them."""
    if run.status is RunStatus.SUCCESS:
        return " ".join(filter(None, _faults(case, run))) or " ".join(_orders(case))
    detail = error_detail(run, timeout_seconds)
    if detail is None or run.status is not RunStatus.ERROR:
        return sentence(run, timeout_seconds)
    place = "" if detail.line is None else f" in line {detail.line}"
    return f"The program cannot be read: {detail.type}{place}: {detail.message}."


def _orders(case: TestCase) -> Iterator[str]:
    for word in case.uses:
        yield f"{_use(word)}."
    for word in case.avoids:
        yield f"{_avoid(word)}."
    for definition in case.defines:
        yield f"{_define(definition)}."


def _faults(case: TestCase, run: Run) -> Iterator[str]:
    """Yield a sentence for each rule of `case`, empty if it is kept."""
    answers = iter(run.uses)
    for word in case.uses:
        line, _ = next(answers)
        yield "" if line else f"{_use(word)}."
    for word in case.avoids:
        line, _ = next(answers)
        yield f"{_avoid(word)}: line {line} does." if line else ""
    for definition in case.defines:
        line, count = next(answers)
        if not line:
            yield f"{_define(definition)}."
        else:
            is_right = definition.parameters in (None, count)
            yield "" if is_right else f"{_define(definition)}: yours has {count}."


def _use(word: str) -> str:
    return f"Import {word.removeprefix('import ')}" if word.startswith("import ") else f"Use {_phrase(word)}"


def _avoid(word: str) -> str:
    return f"Do not {word}" if word.startswith("import ") else f"Do not use {_phrase(word)}"


def _phrase(word: str) -> str:
    if word in CONSTRUCTS:
        return CONSTRUCTS[word]
    if word.startswith("."):
        return f"the method {word}()"
    return f"{word}()" if word in BUILTINS and word[0].islower() else word


def _define(definition: Definition) -> str:
    order = f"Define a function {definition.name}"
    if definition.parameters is None:
        return order
    return f"{order} with {definition.parameters or 'no'} parameter{'s' if definition.parameters != 1 else ''}"
