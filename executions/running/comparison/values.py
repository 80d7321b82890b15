"""Whether a returned value is equal to the expected one, as a teacher means it."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import isfinite

from executions.running.comparison.plain import Items, Number, Pairs, Thing, Value
from executions.running.comparison.texts import Tolerance

MOST_INEXACT = 100
"""Values of a set, or keys of a dictionary, that are compared one by one because nothing is exactly equal to them."""


MOST_VALUES = 50_000
"""Values that one comparison looks at. Two sets of ten thousand numbers need forty thousand; two sets of sets, whose
members are compared one by one, would need millions."""

MOST_BITS = 20_000
"""Of integers that may be close, or the parts of fractions. Writing longer ones in decimal takes too long."""


@dataclass(slots=True)
class ValueComparison:
    """Compares two values, once. With `has_exact_types`, a tuple is not a list, 240 not 240.0 and 1 not True."""

    tolerance: Tolerance
    has_exact_types: bool = False
    left_values: int = MOST_VALUES

    def are_equal(self, expected: Value, actual: Value) -> bool:
        """Whether two values are equal as a teacher means it. Raises ValueError if these have too many values."""
        self._count()
        match expected, actual:
            case (Thing(), _) | (_, Thing()):
                return False
            case (Items("set", values), Items("set", others)):
                return self._have_the_same(values, others)
            case (Items("set", values), Items("view", others)) if not self.has_exact_types:
                return self._have_the_same(values, others)
            case (Items(kind, values), Items(other_kind, others)) if "set" not in (kind, other_kind):
                return (
                    len(values) == len(others)
                    and (kind == other_kind or not self.has_exact_types)
                    and all(map(self.are_equal, values, others))
                )
            case (Pairs(), Pairs()):
                return self._are_equal_dictionaries(self._by_key(expected), self._by_key(actual))
            case (int() | float() | complex() | Fraction(), int() | float() | complex() | Fraction()):
                return self._are_equal_numbers(expected, actual)
        return type(expected) is type(actual) and expected == actual

    def _count(self) -> None:
        self.left_values -= 1
        if self.left_values < 0:
            raise ValueError("too large")

    def _are_equal_numbers(self, expected: Number, actual: Number) -> bool:
        if self.has_exact_types and type(expected) is not type(actual):
            return False
        if isinstance(expected, complex) or isinstance(actual, complex):
            return all(self._are_close(getattr(expected, part), getattr(actual, part)) for part in ("real", "imag"))
        return self._are_close(expected, actual)

    def _are_close(self, expected: int | float | Fraction, actual: int | float | Fraction) -> bool:
        if expected == actual or (expected != expected and actual != actual):  # nan is meant to be nan
            return True
        if _is_long(expected) or _is_long(actual):
            return False
        return self.tolerance.allows(_decimal(expected), _decimal(actual))

    def _have_the_same(self, values: Iterable[Value], others: Iterable[Value]) -> bool:
        """Whether two sets are equal: first what is exactly alike, then what is within the tolerance."""
        one, other = ({self._key(value): value for value in each} for each in (values, others))
        return len(one) == len(other) and self._match(
            [value for key, value in one.items() if key not in other],
            [value for key, value in other.items() if key not in one],
        )

    def _match(self, values: list[Value], others: list[Value]) -> bool:
        """Whether each of `values` equals another of `others`."""
        if len(values) != len(others):
            return False
        if all(isinstance(each, int | float | Fraction) for each in (*values, *others)):
            return all(map(self.are_equal, _in_order(values), _in_order(others)))
        if len(values) > MOST_INEXACT:
            return False
        left = list(others)
        for value in values:
            index = next((index for index, other in enumerate(left) if self.are_equal(value, other)), None)
            if index is None:
                return False
            del left[index]
        return True

    def _are_equal_dictionaries(
        self, one: dict[Hashable, tuple[Value, Value]], other: dict[Hashable, tuple[Value, Value]]
    ) -> bool:
        if len(one) != len(other) or not all(self.are_equal(one[key][1], other[key][1]) for key in one.keys() & other):
            return False
        return self._match(
            [Items("list", pair) for key, pair in one.items() if key not in other],
            [Items("list", pair) for key, pair in other.items() if key not in one],
        )

    def _by_key(self, dictionary: Pairs) -> dict[Hashable, tuple[Value, Value]]:
        """Return the pairs by their keys; of equal keys the last counts, as in a dictionary."""
        return {self._key(pair[0]): pair for pair in dictionary.values}

    def _key(self, value: Value) -> Hashable:
        """Return what is the same for values that are exactly alike."""
        self._count()
        match value:
            case Items("set", values):
                return "set", frozenset(map(self._key, values))
            case Items(kind, values):
                return "items", kind if self.has_exact_types else "", tuple(map(self._key, values))
            case Pairs(pairs):
                return "pairs", frozenset((self._key(key), self._key(each)) for key, each in pairs)
            case float() if value != value:
                return "nan"
            case int() | float() | complex() | Fraction():
                return "number", type(value) if self.has_exact_types else None, _exactly(value)
        return type(value), value


def _exactly(number: Number) -> str:
    """Return a text that is the same for equal numbers. Anybody can predict the hash of a number, but not of a text:
    a program could return thousands of numbers that all have the same."""
    if isinstance(number, complex):
        return f"{_exactly(number.real)} {_exactly(number.imag)}" if number.imag else _exactly(number.real)
    if isinstance(number, float) and not isfinite(number):
        return repr(number)
    exact = Fraction(number)
    return f"{exact.numerator:x}/{exact.denominator:x}"


def _is_long(number: int | float | Fraction) -> bool:
    parts = (number.numerator, number.denominator) if isinstance(number, int | Fraction) else ()
    return any(part.bit_length() > MOST_BITS for part in parts)


def _in_order(values: list[Value]) -> list[int | float | Fraction]:
    return sorted(value for value in values if isinstance(value, int | float | Fraction))


def _decimal(number: int | float | Fraction) -> Decimal:
    """Return the number as it is written."""
    if isinstance(number, Fraction):
        return Decimal(number.numerator) / Decimal(number.denominator)
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
