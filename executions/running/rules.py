"""The rules of test cases on a program's text: their words, whether they are kept, and the sentences for the learner.

A container has said on which line a program uses a word. What a rule is, only the service knows.
"""

import builtins
import re
from collections.abc import Iterator

from executions.request import Definition, TestCase
from executions.running.language import gettext, gettext_noop, ngettext
from executions.running.outcome import error_detail, sentence
from executions.sandbox.results import Run, RunStatus

CONSTRUCTS = {
    "for": gettext_noop("a for loop"),
    "while": gettext_noop("a while loop"),
    "nested loop": gettext_noop("a loop in a loop"),
    "break": "break",
    "continue": "continue",
    "if": "if",
    "elif": "elif",
    "else": "else",
    "conditional expression": gettext_noop("a conditional expression (a if b else c)"),
    "match": "match",
    "def": "def",
    "return": "return",
    "yield": "yield",
    "lambda": "lambda",
    "recursion": gettext_noop("recursion"),
    "default value": gettext_noop("a default value of a parameter"),
    "decorator": gettext_noop("a decorator"),
    "docstring": gettext_noop("a docstring"),
    "type hint": gettext_noop("a type hint"),
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
    "comprehension": gettext_noop("a comprehension"),
    "list comprehension": gettext_noop("a list comprehension"),
    "set comprehension": gettext_noop("a set comprehension"),
    "dict comprehension": gettext_noop("a dict comprehension"),
    "generator expression": gettext_noop("a generator expression"),
    "list literal": gettext_noop("a list in square brackets"),
    "dict literal": gettext_noop("a dictionary in curly brackets"),
    "set literal": gettext_noop("a set in curly brackets"),
    "slice": gettext_noop("a slice"),
    "f-string": gettext_noop("an f-string"),
    **{word: word for word in ("and", "or", "not", "in", "not in", "is", "is not")},
    **dict.fromkeys("+ - * / // % ** @ & | ^ ~ << >> == != < <= > >= :=".split(), gettext_noop("the operator {word}")),
    **dict.fromkeys("+= -= *= /= //= %= **= @= &= |= ^= <<= >>=".split(), gettext_noop("the operator {word}")),
}
"""The words that are neither names nor modules, with what a learner is told to use."""

BUILTINS = {name for name, value in vars(builtins).items() if callable(value) and not name.startswith("_")}
BUILTINS |= {"__import__", "exit", "quit"}

NAME = r"[^\W\d]\w*"
METHOD = re.compile(rf"\.{NAME}")
IN_MODULE = re.compile(rf"{NAME}(?:\.{NAME})+")
IMPORT = re.compile(rf"import(?: {NAME}(?:\.{NAME})*)?")


def is_word(text: str) -> bool:
    """Return whether `text` is a word that a rule may name."""
    known = text in CONSTRUCTS or text in BUILTINS
    return known or any(pattern.fullmatch(text) for pattern in (METHOD, IN_MODULE, IMPORT))


def keeps_rules(case: TestCase, run: Run) -> bool:
    """Return whether the program keeps all rules of `case`."""
    return run.status is RunStatus.SUCCESS and not any(_broken_rules(case, run))


def rule_sentences(case: TestCase, run: Run, timeout_seconds: int) -> str:
    """Return what the program does not keep, or all rules if it keeps them."""
    if run.status is RunStatus.SUCCESS:
        return " ".join(_broken_rules(case, run)) or " ".join(_every_rule(case))
    detail = error_detail(run, timeout_seconds)
    if detail is None or run.status is not RunStatus.ERROR:
        return sentence(run, timeout_seconds)
    if detail.line is None:
        said = gettext("The program cannot be read: {type}: {message}.")
    else:
        said = gettext("The program cannot be read: {type} in line {line}: {message}.")
    return said.format(type=detail.type, line=detail.line, message=detail.message)


def _every_rule(case: TestCase) -> Iterator[str]:
    """Yield a sentence for each rule of `case`."""
    for word in case.uses:
        yield f"{_use(word)}."
    for word in case.avoids:
        yield f"{_avoid(word)}."
    for definition in case.defines:
        yield f"{_define(definition)}."


def _broken_rules(case: TestCase, run: Run) -> Iterator[str]:
    """Yield a sentence for each rule of `case` that the program breaks."""
    found = iter(run.uses)
    for word in case.uses:
        line, _ = next(found)
        if not line:
            yield f"{_use(word)}."
    for word in case.avoids:
        line, _ = next(found)
        if line:
            yield gettext("{order}: line {line} does.").format(order=_avoid(word), line=line)
    for definition in case.defines:
        line, count = next(found)
        if not line:
            yield f"{_define(definition)}."
        elif definition.parameters not in (None, count):
            yield gettext("{order}: yours has {count}.").format(order=_define(definition), count=count)


def _use(word: str) -> str:
    if word.startswith("import "):
        return gettext("Import {module}").format(module=word.removeprefix("import "))
    return gettext("Use {what}").format(what=_phrase(word))


def _avoid(word: str) -> str:
    if word.startswith("import "):
        return gettext("Do not import {module}").format(module=word.removeprefix("import "))
    return gettext("Do not use {what}").format(what=_phrase(word))


def _phrase(word: str) -> str:
    if word in CONSTRUCTS:
        return gettext(CONSTRUCTS[word]).format(word=word)
    if word.startswith("."):
        return gettext("the method {word}()").format(word=word)
    return f"{word}()" if word in BUILTINS and word[0].islower() else word


def _define(definition: Definition) -> str:
    name, count = definition.name, definition.parameters
    if count is None:
        return gettext("Define a function {name}").format(name=name)
    if count == 0:
        return gettext("Define a function {name} with no parameters").format(name=name)
    order = ngettext(
        "Define a function {name} with {count} parameter", "Define a function {name} with {count} parameters", count
    )
    return order.format(name=name, count=count)
