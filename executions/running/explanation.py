"""What a learner is told about an output, or a returned value, that is not the expected one."""

from executions.request import Match, TestCase
from executions.running.comparison.literals import parse
from executions.running.comparison.plain import show
from executions.running.comparison.positions import (
    first_position,
    position_but_for_case,
    position_but_for_kind,
    position_but_for_rounding,
)
from executions.running.comparison.texts import (
    Tolerance,
    equal_but_for_case,
    equal_but_for_rounding,
    lines_counted,
    trimmed,
)
from executions.running.diff import (
    LINE,
    PRINTED,
    RETURNED,
    WORD,
    Deed,
    first_difference,
    labelled,
    missing_line,
    missing_pattern,
    two_values,
    window,
)
from executions.running.language import gettext
from executions.sandbox.results import Run


def explain(case: TestCase, match: Match, run: Run) -> str | None:
    """Return how the output of a failed test differs; None if it expects none."""
    if case.expected_output is None:
        return None
    if match is Match.RETURNS:
        return _value_difference(case, case.expected_output, run)
    text = trimmed(run.stdout)
    expected, actual = trimmed(case.expected_output).split("\n"), text.split("\n")
    if expected == [""]:
        expected = []
    has_call = case.input or case.code  # without one, None may come from print(numbers.sort())
    if has_call and match is not Match.REGEX and (printed := _printed_instead(expected, actual)):
        return printed
    deed = PRINTED if run.returned is None else RETURNED
    tolerance = Tolerance.of(case.tolerance, case.relative_tolerance)
    match match:
        case Match.FLOAT:
            return first_difference(
                expected,
                actual,
                lambda one, other: equal_but_for_rounding(one, other, tolerance),
                deed,
                LINE,
                lambda one, other: position_but_for_rounding(one, other, tolerance),
            )
        case Match.IGNORE_CASE:
            return first_difference(expected, actual, equal_but_for_case, deed, LINE, position_but_for_case)
        case Match.TOKENS:
            return first_difference(case.expected_output.split(), run.stdout.split(), str.__eq__, deed, WORD)
        case Match.UNORDERED:
            return _lines_difference(case.expected_output, text, deed)
        case Match.REGEX:
            return missing_pattern(case.expected_output, actual[0], deed)
        case Match.CONTAINS:
            return missing_line(expected, text, deed)
    return first_difference(expected, actual, str.__eq__, deed, LINE)


def _printed_instead(expected: list[str], actual: list[str]) -> str | None:
    """Return what to tell a learner whose output is right except for a None after what a function printed."""
    others = [line for line in actual if line != "None"]
    if "None" in expected or others != expected or not expected or len(others) == len(actual):
        return None
    return _use_return(window(expected[0]))


def _use_return(printed: str) -> str:
    return gettext("Your function printed {printed} but returned None: use return").format(printed=printed)


def _lines_difference(expected: str, actual: str, deed: Deed) -> str:
    missing, further = lines_counted(expected), lines_counted(actual)
    missing, further = missing - further, further - missing
    if missing:
        return f"{gettext(deed.undone)}\n{labelled(deed, expected=window(next(iter(missing))))}"
    said = gettext("This line was not expected:")
    return f"{said}\n{labelled(deed, actual=window(next(iter(further))))}"


def _value_difference(case: TestCase, expected: str, run: Run) -> str:
    """Return how a returned value differs, and whether the function has mixed up returning and printing."""
    returned, printed = run.returned or "", trimmed(run.stdout)
    first_line = window(printed.partition("\n")[0])
    try:
        wanted = show(parse(expected))
    except ValueError:  # the name of an exception
        said = gettext("The call raised no exception:")
        return f"{said}\n{labelled(RETURNED, window(expected), window(returned))}"
    try:
        shown = show(parse(returned, is_sent=True))
    except ValueError:  # the program itself sent something else
        pass
    else:
        returned = shown if shown != wanted else returned  # only the types differ: iterator([1, 2]), Decimal('0.4')
    if returned == "None" and printed:
        return f"{_use_return(first_line)}\n{labelled(RETURNED, window(wanted), 'None')}"
    if wanted == "None" and not printed:
        said = gettext("Your function returned {returned} but should return None: to show a value, use print")
        return said.format(returned=window(returned))
    if case.exact_types:
        return two_values(wanted, returned, first_position)
    tolerance = Tolerance.of(case.tolerance, case.relative_tolerance)
    return two_values(wanted, returned, lambda one, other: position_but_for_kind(one, other, tolerance))
