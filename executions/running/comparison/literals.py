"""Reads Python literals of plain data: what a teacher expects a call to return, and what it returned.

A parser of our own, with bounds for everything: Python's would have to read what a container sent.
"""

from collections.abc import Iterator

from executions.running.comparison.plain import MAKERS, WORDS, Items, Pairs, Thing, Value
from executions.running.comparison.tokens import number, string, tokens
from guest.protocol import VALUE_DEPTH, VALUES

MOST_DEPTH = 2 * VALUE_DEPTH + 1
"""A container writes an iterator or a view as a call with a list."""


def parse(text: str, is_sent: bool = False) -> Value:
    """Return the value of a literal. Raises ValueError if it is not one, or too large.

    A literal from a container may also describe, in angle brackets, what is not plain data.
    """
    try:
        return _Parser(text, is_sent).whole()
    except ArithmeticError as error:
        raise ValueError("not a literal") from error


class _Parser:
    """A recursive descent, at most MOST_DEPTH calls and brackets deep."""

    def __init__(self, text: str, has_things: bool) -> None:
        self._has_things = has_things
        self._tokens = tokens(text.strip())
        self._left_values = 2 * VALUES
        self._advance()

    def whole(self) -> Value:
        value = self._value(0)
        if self._kind != "mark" or self._text != ",":
            self._demand("")
            return value
        values = [value, *self._rest_of_tuple()]  # 1, 2
        return Items("tuple", tuple(values))

    def _rest_of_tuple(self) -> Iterator[Value]:
        while self._takes(","):
            if self._is_at_end():
                return
            yield self._value(1)
        self._demand("")

    def _advance(self) -> None:
        self._kind, self._text, self._content = next(self._tokens)

    def _is_at_end(self) -> bool:
        return self._kind == "mark" and not self._text

    def _takes(self, mark: str) -> bool:
        """Go on if the next token is this mark; return whether it was."""
        if self._kind != "mark" or self._text != mark:
            return False
        self._advance()
        return True

    def _demand(self, mark: str) -> None:
        if self._kind != "mark" or self._text != mark:
            raise ValueError("not a literal")
        if mark:
            self._advance()

    def _value(self, depth: int) -> Value:
        self._left_values -= 1
        if self._left_values < 0:
            raise ValueError("too large")
        value = self._single(depth)
        if self._kind == "mark" and self._text in ("+", "-") and isinstance(value, int | float):
            sign = -1 if self._takes("-") else 1
            if sign == 1:
                self._demand("+")
            imaginary = self._single(depth) if self._kind == "name" else self._number()
            if not isinstance(imaginary, complex):
                raise ValueError("not a literal")
            return complex(value, sign * imaginary.imag)
        return value

    def _single(self, depth: int) -> Value:
        if depth > MOST_DEPTH:
            raise ValueError("too large")
        kind, text, content = self._kind, self._text, self._content
        if kind == "string":
            return self._strings()
        if kind == "number" or text in ("-", "+"):
            return self._signed(depth)
        self._advance()
        if kind == "thing" and self._has_things:
            return Thing(text)
        if kind == "name":
            return self._named(text.rpartition(".")[2], depth)
        match text:
            case "[":
                return Items("list", tuple(self._until("]", depth)))
            case "(":
                return self._bracket(depth)
            case "{":
                return self._braces(depth)
        raise ValueError(f"not a literal: {content}")

    def _signed(self, depth: int) -> Value:
        if self._takes("-"):
            if self._kind == "name":
                word = self._single(depth + 1)
                if isinstance(word, float | complex):
                    return -word
                raise ValueError("not a literal")
            return -self._number()
        self._takes("+")
        return self._number()

    def _number(self) -> int | float | complex:
        if self._kind != "number":
            raise ValueError("not a literal")
        value = number(self._text)
        self._advance()
        return value

    def _strings(self) -> str | bytes:
        """Return a string, or several that follow one another."""
        parts: list[str | bytes] = []
        while self._kind == "string":
            parts.append(string(self._text, self._content))
            self._advance()
        if all(isinstance(part, str) for part in parts):
            return "".join(part for part in parts if isinstance(part, str))
        if any(isinstance(part, str) for part in parts):
            raise ValueError("not a literal")
        return b"".join(part for part in parts if isinstance(part, bytes))

    def _until(self, end: str, depth: int) -> Iterator[Value]:
        while not self._takes(end):
            yield self._value(depth + 1)
            if not self._takes(","):
                self._demand(end)
                return

    def _bracket(self, depth: int) -> Value:
        values = []
        while not self._takes(")"):
            values.append(self._value(depth + 1))
            if self._takes(","):
                continue
            self._demand(")")
            if len(values) == 1:
                return values[0]  # in brackets for no reason
            break
        return Items("tuple", tuple(values))

    def _braces(self, depth: int) -> Value:
        if self._takes("}"):
            return Pairs(())
        first = self._value(depth + 1)
        if not self._takes(":"):
            if self._takes(","):
                return Items("set", (first, *self._until("}", depth)))
            self._demand("}")
            return Items("set", (first,))
        pairs = [(first, self._value(depth + 1))]
        while self._takes(","):
            if self._kind == "mark" and self._text == "}":
                break
            key = self._value(depth + 1)
            self._demand(":")
            pairs.append((key, self._value(depth + 1)))
        self._demand("}")
        return Pairs(tuple(pairs))

    def _named(self, name: str, depth: int) -> Value:
        if not self._takes("("):
            if name in WORDS:
                return WORDS[name]
            raise ValueError(f"not a literal: {name}")
        if name == "defaultdict" and self._kind == "name":
            self._advance()  # what it makes does not matter
            self._takes(",")
        values = tuple(self._until(")", depth))
        make = MAKERS.get(name)
        if make is None:
            raise ValueError(f"not a literal: {name}")
        return make(values)
