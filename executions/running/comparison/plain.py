"""Plain data as a literal can express it, in types that hold whatever a container sends: no hash or order is needed."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from types import EllipsisType

MOST_DIGITS = 6_000
"""Of a Decimal."""

MOST_EXPONENT = 400
"""Of a Decimal: a larger one would become an integer of as many digits."""

MOST_SHOWN_BITS = 10_000
"""Of an integer, or of the two of a fraction, that is shown in decimal."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list, a tuple, a set, a view of a dictionary (keys or items), or what an iterator gives: `kind` says which."""

    kind: str
    values: tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """A dictionary."""

    values: tuple[tuple["Value", "Value"], ...]


@dataclass(frozen=True, slots=True)
class Thing:
    """What is not plain data, in words."""

    text: str


Number = int | float | complex | Fraction
Value = Number | str | bytes | EllipsisType | Items | Pairs | Thing | None

WORDS: dict[str, Value] = {
    "None": None,
    "True": True,
    "False": False,
    "Ellipsis": ...,
    "inf": float("inf"),
    "nan": float("nan"),
    "infj": complex(0, float("inf")),
    "nanj": complex(0, float("nan")),
}
"""The names that are literals, or occur in what Python prints."""


def show(value: Value) -> str:
    """Return a literal for people to compare: the same for equal values, however they were written."""
    match value:
        case Items("set", values):
            shown = sorted(map(show, values))
            return f"{{{', '.join(shown)}}}" if values else "set()"
        case Items(kind, values):
            shown = list(map(show, values))
            if kind == "tuple":
                return f"({', '.join(shown)}{',' if len(values) == 1 else ''})"
            return f"[{', '.join(shown)}]"
        case Pairs(values):
            return f"{{{', '.join(sorted(f'{show(key)}: {show(each)}' for key, each in values))}}}"
        case Thing(text):
            return text
        case int() if not isinstance(value, bool) and value.bit_length() > MOST_SHOWN_BITS:
            return hex(value)  # Python refuses to write it in decimal
        case Fraction():
            return _show_fraction(value)
    return repr(value)


def _show_fraction(number: Fraction) -> str:
    """Return a Decimal as it is written, and another fraction as one."""
    above, below = number.numerator, number.denominator
    bits = above.bit_length() + below.bit_length()
    if bits > MOST_SHOWN_BITS:
        return f"{above:#x}/{below:#x}"
    if below == 1 or pow(10, bits, below):  # it divides no power of ten
        return str(number)
    with localcontext(prec=bits):
        return str(Decimal(above) / Decimal(below))


def _one(values: tuple[Value, ...]) -> Value:
    if len(values) != 1:
        raise ValueError("not a literal")
    return values[0]


def _items(kind: str) -> Callable[[tuple[Value, ...]], Value]:
    def make(values: tuple[Value, ...]) -> Value:
        if not values:
            return Items(kind, ())
        items = _one(values)
        if not isinstance(items, Items):
            raise ValueError("not a literal")
        return Items(kind, items.values)

    return make


def _mapping(values: tuple[Value, ...]) -> Value:
    if not values or isinstance(values[0], Pairs):
        return _one(values) if values else Pairs(())
    items = _one(values)
    pairs = []
    for each in items.values if isinstance(items, Items) else ():
        if not isinstance(each, Items) or len(each.values) != 2:
            raise ValueError("not a literal")
        pairs.append((each.values[0], each.values[1]))
    if not isinstance(items, Items):
        raise ValueError("not a literal")
    return Pairs(tuple(pairs))


def _float(values: tuple[Value, ...]) -> Value:
    value = _one(values)
    if isinstance(value, str | int):
        return float(value)
    raise ValueError("not a literal")


def _complex(values: tuple[Value, ...]) -> Value:
    real, imaginary = (*values, 0, 0)[:2]
    if len(values) > 2 or not (isinstance(real, int | float) and isinstance(imaginary, int | float)):
        raise ValueError("not a literal")
    return complex(real, imaginary)


def _decimal(values: tuple[Value, ...]) -> Value:
    value = _one(values)
    if not isinstance(value, str | int):
        raise ValueError("not a literal")
    if isinstance(value, str) and len(value) > MOST_DIGITS:
        raise ValueError("too large")
    try:
        number = Decimal(value)
    except ArithmeticError as error:
        raise ValueError("not a literal") from error
    if number.is_nan():
        return float("nan")
    return Fraction(number) if number.is_finite() and abs(number.adjusted()) < MOST_EXPONENT else float(number)


def _fraction(values: tuple[Value, ...]) -> Value:
    numerator, denominator = (*values, 1, 1)[:2]
    if len(values) != 2 or not (isinstance(numerator, int) and isinstance(denominator, int) and denominator):
        raise ValueError("not a literal")
    return Fraction(numerator, denominator)


MAKERS: dict[str, Callable[[tuple[Value, ...]], Value]] = {
    **{name: _items("set") for name in ("set", "frozenset")},
    **{name: _items("list") for name in ("list", "deque")},
    **{name: _items(name) for name in ("tuple", "view", "iterator")},
    **dict.fromkeys(("dict", "Counter", "OrderedDict", "defaultdict"), _mapping),
    "float": _float,
    "complex": _complex,
    "Decimal": _decimal,
    "Fraction": _fraction,
    "bytearray": _one,
}
"""Makes a value of the arguments of a call by this name. Raises ValueError or ArithmeticError."""
