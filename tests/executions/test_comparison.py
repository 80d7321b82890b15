"""When a test passes that compares outputs loosely, or what a call returns."""

import array
import time
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from typing import Any

import pytest

from executions.answer import TestResult
from executions.bounds import CODE_BYTES
from executions.request import Match, TestCase
from executions.running.comparison.literals import parse
from executions.running.comparison.plain import show
from executions.running.comparison.texts import matcher
from executions.running.judge import judge
from executions.sandbox.results import Outcome, Run, RunStatus
from guest.program.literal import TOO_LARGE, literal
from guest.protocol import VALUE_BYTES, VALUES

Point = namedtuple("Point", "x y")


def returned(expected: str, literal_text: str, printed: str = "", **options: Any) -> TestResult:
    """Return the result of a call that has returned the literal, and printed something before."""
    run = Run(RunStatus.SUCCESS, printed, tested=True, completed=True, returned=literal_text)
    case = TestCase(input="f()", expected_output=expected, match=Match.RETURNS, **options)
    [result] = judge((case,), Outcome(run, (run,), 0), 5)
    return result


def printed(expected: str, output: str, match: Match, **options: Any) -> TestResult:
    """Return the result of a program with this output."""
    run = Run(RunStatus.SUCCESS, output, tested=True, completed=True)
    [result] = judge(
        (TestCase(stdin="", expected_output=expected, match=match, **options),), Outcome(run, (run,), 0), 5
    )
    return result


class Colour(Enum):
    RED = 1


class Level(IntEnum):
    LOW = 1


class Liar:
    """Claims to be equal to everything, and to be whatever one asks for."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 8

    def __repr__(self) -> str:
        return "8"

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return int

    def __int__(self) -> int:
        return 8

    __index__ = __int__


class LyingInt(int):
    def __repr__(self) -> str:
        return "8"

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 8


class LyingList(list[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter([1, 2, 3])

    def __len__(self) -> int:
        return 3

    def __repr__(self) -> str:
        return "[1, 2, 3]"


def numbers() -> Iterator[int]:
    yield 1
    yield 2


EXACT_TYPES: dict[str, Any] = {"exact_types": True}

EQUAL: list[tuple[str, Any, dict[str, Any]]] = [
    ("240", 240, {}),
    ("240", 240.0, {}),
    ("240.0", 240, {}),
    ("2.4e2", 240, {}),
    ("-1", -1, {}),
    ("1", True, {}),
    ("0.3", 0.1 + 0.2, {}),
    ("[0.3, {'x': 0.3}]", [0.1 + 0.2, {"x": 0.1 + 0.2}], {}),
    ("1.000001", 1, {}),
    ("100", 99.5, {"tolerance": 0.5}),
    ("100", 99, {"relative_tolerance": 0.01}),
    ("1000", 1001, {"tolerance": 0.5, "relative_tolerance": 0.001}),
    ("nan", float("nan"), {}),
    ("float('inf')", float("inf"), {}),
    ("-inf", -float("inf"), {}),
    ("inf", float("inf"), {"relative_tolerance": 0.01}),
    ("[nan]", [float("nan")], {}),
    ("1+2j", 1 + 2j, {}),
    ("2", 2 + 0j, {}),
    ("0.5", Fraction(1, 2), {}),
    ("0.3", Decimal("0.3"), {}),
    ("Decimal('0.3')", 0.3, {}),
    ("9" * 5000, 10**5000 - 1, {}),
    ("'a'", "a", {}),
    ('"a"', "a", {}),
    ("'it\\'s\\n'", "it's\n", {}),
    ("'é🐍'", "é🐍", {}),
    ("b'\\x00a'", b"\0a", {}),
    ("b'a'", bytearray(b"a"), {}),
    ("None", None, {}),
    ("Ellipsis", ..., {}),
    ("[1, 2]", (1, 2), {}),
    ("(1, 2)", [1, 2], {}),
    ("1, 2", (1, 2), {}),
    ("[[1, 2], (3,)]", ((1, 2), [3]), {}),
    ("(1, 2)", Point(1, 2), {}),
    ("[1, 2]", numbers(), {}),
    ("[1, 2]", map(int, "12"), {}),
    ("[(1, 'a')]", zip([1], "a", strict=True), {}),
    ("[0, 1, 2]", range(3), {}),
    ("['a']", {"a": 1}.keys(), {}),
    ("{'b', 'a'}", {"a": 1, "b": 2}.keys(), {}),
    ("['b', 'a']", OrderedDict(b=1, a=2).keys(), {}),
    ("{'b', 'a'}", OrderedDict(a=1, b=2).keys(), {}),
    ("{('b', 2), ('a', 1)}", {"a": 1, "b": 2}.items(), {}),
    ("[('a', 1), ('b', 2)]", {"a": 1, "b": 2}.items(), {}),
    ("[{1}, {'k': {1, 2}}]", [{1: 1}.keys(), {"k": {2: 2, 1: 1}.keys()}], {}),
    ("{0.3, 0.7}", {0.7: 1, 0.1 + 0.2: 2}.keys(), {}),
    ("set()", {}.keys(), {}),
    ("[1, 2]", {"a": 1, "b": 2}.values(), {}),
    ("[1, 2]", deque([1, 2]), {}),
    ("[1, 2]", array.array("i", [1, 2]), {}),
    ("{1, 2, 3}", {3, 2, 1}, {}),
    ("{'b', 'a'}", frozenset("ab"), {}),
    ("set()", set(), {}),
    ("frozenset({1})", {1}, {}),
    ("{1.0, 2}", {1, 2.0}, {}),
    ("{0.3, 0.7}", {0.1 + 0.2, 0.7}, {}),
    ("{(0.3, 'a'), (0.7, 'b')}", {(0.1 + 0.2, "a"), (0.7, "b")}, {}),
    ("{(1, 2)}", {(1, 2)}, {}),
    ("{'a': 1, 'b': 2}", {"b": 2, "a": 1}, {}),
    ("{1: 'x'}", {1.0: "x"}, {}),
    ("{0.3: 'x'}", {0.1 + 0.2: "x"}, {}),
    ("{'a': 2, 'b': 1}", Counter("aab"), {}),
    ("Counter({'a': 2})", {"a": 2}, {}),
    ("{'a': 1}", OrderedDict(a=1), {}),
    ("defaultdict(int, {'a': 1})", defaultdict(int, a=1), {}),
    ("OrderedDict([('a', 1)])", {"a": 1}, {}),
    ("{'a': [{1, 2}, (3.0,)]}", {"a": ({2, 1}, [3])}, {}),
    ("1", Level.LOW, {}),
    ("[1, 2]", [1, 2], EXACT_TYPES),
    ("(1, 2)", (1, 2), EXACT_TYPES),
    ("{1: (2.0, True)}", {1: (2.0, True)}, EXACT_TYPES),
    ("{'a': 2}", Counter("aa"), EXACT_TYPES),
]

DIFFERENT: list[tuple[str, Any, dict[str, Any]]] = [
    ("8", 9, {}),
    ("8", "8", {}),
    ("'8'", 8, {}),
    ("8", None, {}),
    ("None", 0, {}),
    ("None", "None", {}),
    ("0", "", {}),
    ("[]", {}, {}),
    ("set()", {}, {}),
    ("[1, 2]", {1, 2}, {}),
    ("{1, 2}", [1, 2], {}),
    ("{1, 2}", numbers(), {}),
    ("{1, 2}", iter({1: 1, 2: 2}), {}),
    ("{1, 2}", {"a": 1, "b": 2}.values(), {}),
    ("{1, 2}", {1: 1, 2: 2, 3: 3}.keys(), {}),
    ("{1, 2}", {1: 1, 2: 2}.keys(), EXACT_TYPES),
    ("[1, 2]", {2: 1, 1: 2}.keys(), {}),
    ("[1, 2]", {1: 1, 2: 2}.keys(), EXACT_TYPES),
    ("[1, 2]", [2, 1], {}),
    ("[1, 2]", [1, 2, 3], {}),
    ("[1, 2]", [1], {}),
    ("[1]", 1, {}),
    ("{1, 2}", {1, 2, 3}, {}),
    ("{1, 2}", {1, 3}, {}),
    ("{(0.3, 'a')}", {(0.31, "a")}, {}),
    ("{'a': 1}", {"a": 2}, {}),
    ("{'a': 1}", {"b": 1}, {}),
    ("{'a': 1}", {"a": 1, "b": 2}, {}),
    ("'a'", b"a", {}),
    ("'a'", "A", {}),
    ("'a'", "a\n", {}),
    ("0.3", 0.30001, {}),
    ("1e-9", 2e-9, {"tolerance": 0}),
    ("100", 98.9, {"relative_tolerance": 0.01}),
    ("nan", 0.0, {}),
    ("inf", -float("inf"), {}),
    ("inf", 1e308, {"tolerance": 1_000_000}),
    ("inf", 5, {"relative_tolerance": 0.01}),
    ("inf", -float("inf"), {"relative_tolerance": 0.01}),
    ("5", float("inf"), {"relative_tolerance": 0.01}),
    ("1" + "0" * 400, 10**400 + 1, {}),
    ("1+2j", 1 - 2j, {}),
    ("[1, 2]", (1, 2), EXACT_TYPES),
    ("240", 240.0, EXACT_TYPES),
    ("1", True, EXACT_TYPES),
    ("[1, 2]", numbers(), EXACT_TYPES),
    ("{1: 2}", {1.0: 2}, EXACT_TYPES),
    ("8", Liar(), {}),
    ("[8]", [Liar()], {}),
    ("{8}", {Liar()}, {}),
    ("{8: 8}", {Liar(): Liar()}, {}),
    ("8", LyingInt(9), {}),
    ("[1, 2, 3]", LyingList([1]), {}),
    ("1", Colour.RED, {}),
    ("8", int, {}),
    ("8", numbers, {}),
    ("[1, 2]", iter(int, 1), {}),
    ("8", 10**VALUE_BYTES, {}),
    ("'x'", "x" * VALUE_BYTES, {}),
]


@pytest.mark.parametrize(("expected", "value", "options"), EQUAL, ids=range(len(EQUAL)))
def test_value_is_what_a_teacher_means(expected: str, value: Any, options: dict[str, Any]) -> None:
    result = returned(expected, literal(value).decode(), **options)
    assert result.passed, result.diff
    assert result.diff is None


@pytest.mark.parametrize(("expected", "value", "options"), DIFFERENT, ids=range(len(DIFFERENT)))
def test_other_value_does_not_pass(expected: str, value: Any, options: dict[str, Any]) -> None:
    result = returned(expected, literal(value).decode(), **options)
    assert not result.passed
    assert result.diff is not None
    assert len(result.diff) < 500


def test_table_of_comparisons_is_as_long_as_promised() -> None:
    assert len(EQUAL) + len(DIFFERENT) >= 60


def nested(depth: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda each: [each], lambda each: {1: each}, lambda each: iter([each])], ids=range(3))
def test_nesting_is_bounded(wrap: Callable[[Any], Any]) -> None:
    fits, too_deep = nested(50, wrap), nested(51, wrap)
    assert b"<" not in literal(fits)
    text = literal(too_deep).decode()
    assert "<a value that is nested too deeply>" in text
    assert not returned("1", text).passed


def test_cycle_ends() -> None:
    cycle: list[Any] = [1]
    cycle.append(cycle)
    assert literal(cycle).decode().count("[1, ") == 50
    wide: list[Any] = []
    wide.extend([wide] * 10)
    assert literal(wide) == TOO_LARGE


def test_number_of_values_is_bounded() -> None:
    fits = literal([1] * (VALUES - 1))
    assert returned(str([1] * (VALUES - 1)), fits.decode()).passed
    assert literal([1] * VALUES) == TOO_LARGE
    assert literal("x" * (VALUE_BYTES - 2)) != TOO_LARGE == literal("x" * (VALUE_BYTES - 1))


@pytest.mark.parametrize(
    "text",
    ["", "8 8", "f(", "<x object>", "[" * 70_000, "x" * 65_000, "'" * 65_000, "__import__('os')", "\ufffd", "{[1]: 2}"],
    ids=range(10),
)
def test_whatever_a_container_sends_has_a_verdict(text: str) -> None:
    assert not returned("8", text).passed


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "x",
            "f(1)",
            "[1",
            "1 2",
            "'a",
            "f'a'",
            "[x for x in y]",
            "not 1",
            "1 + 1",
            "--1",
            "lambda: 1",
            "{1: 2, 3}",
        ),
        *("<x object>", "9" * 10_001, "Decimal('x')", "Fraction(1, 0)", "'\\U00110000'", "b'\\N{DOT'é'", "[,]", "1__0"),
        *("[" * 200 + "]" * 200, str([1] * 30_000), "deque([1], maxlen=3)", "-'a'", "-None", "'a\nb'", "[1]]"),
    ],
    ids=range(28),
)
def test_invalid_literal_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the message is for nobody)
        parse(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[ 1,\n 2 ,]", "[1, 2]"),
        ("{'b': 1, 'a': 2}", "{'a': 2, 'b': 1}"),
        ("{3, 1, 2}", "{1, 2, 3}"),
        ("'a' \"b\"", "'ab'"),
        ("r'\\n'", "'\\\\n'"),
        ("'''a\nb'''", "'a\\nb'"),
        ("'\\x41\\u0042\\103\\N{BULLET}\\q'", "'ABC•\\\\q'"),
        ("b'\\x41\\101'", "b'AA'"),
        ("0x1F", "31"),
        ("0b11", "3"),
        ("1_000.5", "1000.5"),
        ("iterator([1])", "[1]"),
        ("Decimal('0.4')", "0.4"),
        ("Decimal('-12.50')", "-12.5"),
        ("Decimal('3.00')", "3"),
        ("Decimal('1E-30')", "1E-30"),
        (f"Decimal('0.{'7' * 1000}')", f"0.{'7' * 1000}"),
        ("Fraction(1, 3)", "1/3"),
        (f"Fraction(1, 0x3{'0' * 4000})", f"0x1/0x3{'0' * 4000}"),
        ("((1))", "1"),
        ("(1,)", "(1,)"),
        ("()", "()"),
        ("{}", "{}"),
    ],
)
def test_literals_are_read_as_python_reads_them(text: str, shown: str) -> None:
    assert show(parse(text)) == shown


LONG = ["[" + "1," * 9990 + "]", "{" + "1:1," * 4990 + "}", "'a'" * 20_000, "9" * 10_000, "0x" + "f" * 60_000]
LONG += ["{" + ",".join(f"0.{number}" for number in range(1000, 7000)) + "}", "(" * 60_000, "'" + "\\" * 60_000]


def cpu_seconds(expected: str, *others: str) -> float:
    """Return how long it takes to compare `expected` with all others: the shortest of three times."""
    times = []
    for _ in range(3):
        began = time.thread_time()
        for other in others:
            returned(expected, other)
        times.append(time.thread_time() - began)
    return min(times)


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_the_longest_literals_are_compared_about_as_fast_as_a_plain_list(text: str) -> None:
    assert len(text) <= CODE_BYTES
    others = (text, text.replace("1", "2"), text.replace("0.", "0.00000001")[:CODE_BYTES])
    assert cpu_seconds(text, *others) < 6 * cpu_seconds(LONG[0], *[LONG[0]] * 3)


def set_of_sets(step: int) -> str:
    """Return ninety sets of numbers. A complex one in each keeps them from being compared in order."""
    rows = [", ".join(str(3 * (96 * row + number) + (step < 0)) for number in range(96)) for row in range(90)]
    return "{" + ", ".join(f"{{{each}, 1j}}" for each in rows[::step]) + "}"


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (set_of_sets(1), set_of_sets(-1)),
        (f"Decimal('0.{'7' * 60_000}')", f"Decimal('0.{'7' * 59_999}')"),
        (f"Fraction(0x{'f' * 30_000}, 0x{'e' * 30_000})", f"Fraction(0x{'f' * 29_999}, 7)"),
    ],
    ids=["sets of sets", "a Decimal of many digits", "a Fraction of many digits"],
)
def test_costly_values_are_compared_about_as_fast_as_a_plain_list(expected: str, value: str) -> None:
    began = time.thread_time()
    assert not returned(expected, value, tolerance=2).passed
    assert time.thread_time() - began < 6 * cpu_seconds(LONG[0], *[LONG[0]] * 3)


@pytest.mark.parametrize(
    "text", ["-float(" * 400, "-" * 400 + "1", "-float(" * 200 + "'inf'" + ")" * 200, "[-inf" * 300]
)
def test_deep_signs_are_no_literals(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the message is for nobody)
        parse(text)


@pytest.mark.parametrize(
    "pattern", ["(.*)" * 1000 + "x", "(?:.*a.{0,50}){20}x", "(?:[ab]*a[ab]{0,900})x"], ids=range(3)
)
def test_costly_patterns_are_matched_about_as_fast_as_a_plain_list_is_compared(pattern: str) -> None:
    """RE2 copied where each group begins and ends for each character: seven minutes for the first."""
    began = time.thread_time()
    assert not matcher(pattern)("ab" * 32_000)
    assert time.thread_time() - began < 6 * cpu_seconds(LONG[0], *[LONG[0]] * 3)


def test_patterns_with_groups_match() -> None:
    assert matcher(r"(Total): (?P<sum>\d+)(?: €)?")("Total: 42 €")


def test_numbers_that_share_a_hash_are_compared_as_fast_as_others() -> None:
    """A program can choose what it returns, and Python's hash of a number is its remainder by 2**61 - 1."""

    def seconds(step: int) -> float:
        return cpu_seconds("{1, 2}", "{" + ",".join(str(number * step) for number in range(1, 2800)) + "}")

    assert seconds(2**61 - 1) < 3 * seconds(2**61)


# Printing and returning


@pytest.mark.parametrize(
    ("expected", "value", "output", "diff"),
    [
        ("8", "9", "", "The value differs:\n  expected: 8\n  returned: 9\n            ^"),
        ("[1, 2]", "[1, 3]", "x", "The value differs:\n  expected: [1, 2]\n  returned: [1, 3]\n                ^"),
        (
            "8",
            "None",
            "8\n",
            "Your function printed 8 but returned None: use return\n  expected: 8\n  returned: None",
        ),
        ("8", "None", "", "The value differs:\n  expected: 8\n  returned: None\n            ^"),
        ("None", "'Hi'", "", "Your function returned 'Hi' but should return None: to show a value, use print"),
        ("None", "'Hi'", "Hi\n", "The value differs:\n  expected: None\n  returned: 'Hi'\n            ^"),
        ("ValueError: bad", "8", "", "The call raised no exception:\n  expected: ValueError: bad\n  returned: 8"),
        (
            "8",
            "<Point object>",
            "",
            "The value differs:\n  expected: 8\n  returned: <Point object>\n            ^",
        ),
    ],
)
def test_diff_shows_what_the_call_returned(expected: str, value: str, output: str, diff: str) -> None:
    result = returned(expected, value, output)
    assert (result.passed, result.diff, result.actual_output) == (False, diff, value)


@pytest.mark.parametrize(
    ("expected", "value", "shown"),
    [
        ("[1, 2]", map(int, "12"), "iterator([1, 2])"),
        ("[1, 2]", numbers(), "iterator([1, 2])"),
        ("[0, 1]", range(2), "iterator([0, 1])"),
        ("{'a': [1]}", {"a": {1: 2}.keys()}, "{'a': view([1])}"),
        ("[1, 2]", deque([1, 2]), "iterator([1, 2])"),
        ("0.4", Decimal("0.4"), "Decimal('0.4')"),
    ],
)
def test_diff_shows_of_what_type_a_value_is_if_it_is_equal_but_for_that(expected: str, value: Any, shown: str) -> None:
    diff = returned(expected, literal(value).decode(), exact_types=True).diff
    assert diff is not None
    assert diff.split("\n")[:3] == ["The value differs:", f"  expected: {expected}", f"  returned: {shown}"]


@pytest.mark.parametrize(
    ("expected", "output", "is_told"),
    [
        ("8", "8\nNone\n", True),
        ("8\n9", "8\nNone\n9\nNone\n", True),
        ("8", "9\nNone\n", False),
        ("None", "8\nNone\n", False),
        ("8", "8\n9\n", False),
        ("", "None\n", False),
    ],
)
def test_diff_explains_printing_instead_of_returning(expected: str, output: str, is_told: bool) -> None:
    run = Run(RunStatus.SUCCESS, output, tested=True, completed=True)
    cases = TestCase(input="f()", expected_output=expected), TestCase(code="print(f())", expected_output=expected)
    results = judge(cases, Outcome(run, (run, run), 0), 5)
    said = "Your function printed 8 but returned None: use return"
    assert [result.diff == said for result in results] == [is_told, is_told]


def test_diff_of_a_call_that_printed_nothing_says_returned() -> None:
    run = Run(RunStatus.SUCCESS, "9\n", tested=True, completed=True, returned="")
    [result] = judge((TestCase(input="f()", expected_output="8"),), Outcome(run, (run,), 0), 5)
    assert result.diff == "Line 1 differs:\n  expected: 8\n  returned: 9\n            ^"


def test_call_that_did_not_return_does_not_pass() -> None:
    left = Run(RunStatus.SUCCESS, "8\n", tested=True)
    case = TestCase(input="f()", expected_output="8", match=Match.RETURNS)
    [result] = judge((case,), Outcome(left, (left,), 0), 5)
    assert (result.passed, result.diff, result.actual_output) == (False, None, "")
    assert result.message.endswith("(the program ended before the test did)")


# Outputs


@pytest.mark.parametrize(
    ("match", "expected", "output", "passed"),
    [
        (Match.IGNORE_CASE, "Hello, Ada", "HELLO, ada \n\n", True),
        (Match.IGNORE_CASE, "Straße", "STRASSE", True),
        (Match.IGNORE_CASE, "Hello", "Hello!", False),
        (Match.IGNORE_CASE, "a b", "a  b", False),
        (Match.TOKENS, "1 2 3", "1\n2\t 3\n", True),
        (Match.TOKENS, "1 2\n3", "  1   2 3", True),
        (Match.TOKENS, "1 2 3", "1 2 3 4", False),
        (Match.TOKENS, "1 2", "12", False),
        (Match.TOKENS, "a", "A", False),
        (Match.UNORDERED, "a\nb\nc", "c\na\nb\n", True),
        (Match.UNORDERED, "a\na\nb", "a\nb\na", True),
        (Match.UNORDERED, "a\na\nb", "a\nb\nb", False),
        (Match.UNORDERED, "a\nb", "a\nb\nc", False),
        (Match.UNORDERED, "a b", "b a", False),
        (Match.REGEX, "[0-9]+", "42\n", True),
        (Match.REGEX, "[0-9]+", "x42", False),
        (Match.REGEX, "Roll: [1-6]\n(Won|Lost)!", "Roll: 3\nLost!\n", True),
        (Match.REGEX, "(?i)hello.*", "HELLO Ada", True),
        (Match.REGEX, "(?s)a.*z", "a\nb\nz", True),
        (Match.REGEX, "a.*z", "a\nz", False),
        (Match.REGEX, "(a+)+b", "a" * 60_000, False),
    ],
    ids=range(21),
)
def test_outputs_are_compared_as_asked(match: Match, expected: str, output: str, passed: bool) -> None:
    result = printed(expected, output, match)
    assert result.passed is passed
    assert (result.diff is None) is passed


@pytest.mark.parametrize(
    ("options", "output", "passed"),
    [
        ({}, "3.141592", True),
        ({}, "3.1415", False),
        ({"tolerance": 0.01}, "3.15", True),
        ({"tolerance": 0.01}, "3.16", False),
        ({"relative_tolerance": 0.01}, "3.17", True),
        ({"relative_tolerance": 0.01}, "3.18", False),
        ({"tolerance": 0}, "3.1415921", False),
        ({"tolerance": 0.5, "relative_tolerance": 0.001}, "3.6", True),
    ],
)
def test_tolerance_of_numbers_in_an_output_can_be_set(options: dict[str, Any], output: str, passed: bool) -> None:
    assert printed("3.141592", output, Match.FLOAT, **options).passed is passed


@pytest.mark.parametrize(
    ("match", "expected", "output", "diff"),
    [
        (Match.TOKENS, "1 2 3", "1\n3\n3", "Word 2 differs:\n  expected: 2\n  printed:  3\n            ^"),
        (Match.TOKENS, "1 2", "1", "Word 2 is missing:\n  expected: 2"),
        (Match.UNORDERED, "a\nb", "b\nc", "This line was not printed:\n  expected: a"),
        (Match.UNORDERED, "a", "a\nc", "This line was not expected:\n  printed:  c"),
        (Match.REGEX, "[0-9]+", "x\ny", "The output does not match:\n  expected: [0-9]+\n  printed:  x"),
        (Match.IGNORE_CASE, "A\nB", "a\nc", "Line 2 differs:\n  expected: B\n  printed:  c\n            ^"),
    ],
)
def test_diff_fits_the_comparison(match: Match, expected: str, output: str, diff: str) -> None:
    assert printed(expected, output, match).diff == diff
