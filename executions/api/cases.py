"""What a test case, or a file, of a request may contain."""

import keyword
import re
import unicodedata
from typing import Any

from executions import bounds
from executions.request import Match, SentFile
from executions.running.comparison.texts import matcher
from executions.running.judge import is_value_or_exception
from executions.running.rules import is_word
from web.fields import (
    OPTIONAL,
    BooleanField,
    ChoiceField,
    IntegerField,
    ListField,
    NumberField,
    StrictSerializer,
    StringField,
    refuse,
    refuse_field,
)

FILE_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_. -]*[A-Za-z0-9_-])?")
FILE_NAME_RULE = (
    "Must begin with a letter, a digit or _, must not end with a dot or a space, and may contain only letters, digits,"
    " _, -, . and spaces."
)
RULES = {"uses", "avoids", "defines"}
BESIDE_RULES = {"name", "hidden", "points", "on_pass", "on_fail", "group"}
SUITES = {"unittest", "doctest"}
BESIDE_SUITES = BESIDE_RULES | {"stdin", "files"}
OWN_FILES = ("main.py", "test.py", "guest.py")
"""The program's, the test's, and what would hide the package that runs them."""


class FileNameField(StringField):
    """The name of a file beside the program."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            max_length=bounds.FILE_NAME_CHARACTERS,
            allow_blank=False,
            help_text="Letters, digits, `_`, `-`, `.` and spaces.",
            **options,
        )

    def to_internal_value(self, data: Any) -> str:
        """Return the name. Refuse one that could be a path, or that is taken."""
        name = super().to_internal_value(data)
        if not FILE_NAME.fullmatch(name):
            refuse(FILE_NAME_RULE, "invalid")
        if name in OWN_FILES:
            refuse("main.py, test.py and guest.py are reserved names.", "invalid")
        return name


class FileSerializer(StrictSerializer):
    """One of `files`."""

    name = FileNameField()
    text = StringField(max_bytes=bounds.FILES_BYTES, **OPTIONAL, help_text="The content, in UTF-8.")
    base64 = StringField(max_length=2 * bounds.FILES_BYTES, **OPTIONAL, help_text="The content, in base64.")

    def validate(self, values: dict[str, Any]) -> Any:
        """Return the file. Refuse one with no content or two, and invalid base64."""
        if ("text" in values) == ("base64" in values):
            refuse_field("text", "Send either text or base64.")
        file = SentFile(**values)
        try:
            file.content  # noqa: B018 (raises)
        except ValueError:
            refuse_field("base64", "Must be valid base64.")
        return file


def validate_files(files: list[SentFile] | None) -> list[SentFile] | None:
    """Refuse two files with one name."""
    names = [file.name for file in files or ()]
    if len(set(names)) < len(names):
        refuse("Two files have the same name.", "invalid")
    return files


class IdentifierField(StringField):
    """A Python identifier, in the form in which Python compares identifiers."""

    def to_internal_value(self, data: Any) -> str:
        """Return the name."""
        name = unicodedata.normalize("NFKC", super().to_internal_value(data))
        if not name.isidentifier() or keyword.iskeyword(name):
            refuse("Must be a valid Python identifier.", "invalid")
        return name


class WordField(StringField):
    """A word of a rule."""

    def to_internal_value(self, data: Any) -> str:
        """Return the word."""
        word = unicodedata.normalize("NFKC", super().to_internal_value(data))
        if not is_word(word):
            refuse(f"Unknown word: {word}", "invalid")
        return word


class DefinitionSerializer(StrictSerializer):
    """One of `defines`."""

    name = IdentifierField(max_bytes=bounds.WORD_BYTES, allow_blank=False, help_text="The name of the function.")
    parameters = IntegerField(
        min_value=0,
        max_value=bounds.MOST_PARAMETERS,
        **OPTIONAL,
        help_text="The number of its parameters. `*args` and `**kwargs` count as one each.",
    )


class TestCaseSerializer(StrictSerializer):
    """One of `test_cases`."""

    input = StringField(
        max_bytes=bounds.INPUT_BYTES,
        **OPTIONAL,
        help_text="A call such as `add(5, 3)`, or an expression with a call; anything else becomes stdin.",
    )
    expected_output = StringField(
        max_bytes=bounds.CODE_BYTES,
        **OPTIONAL,
        help_text="If omitted, the test passes if it ends without an error.",
    )
    code = StringField(
        max_bytes=bounds.CODE_BYTES,
        **OPTIONAL,
        help_text="Test code that runs after the program, in its namespace. Only its own output is compared.",
    )
    name = StringField(
        max_bytes=bounds.NAME_BYTES,
        **OPTIONAL,
        help_text="Your name for the test; returned with its result.",
    )
    stdin = StringField(
        max_bytes=bounds.INPUT_BYTES,
        **OPTIONAL,
        help_text="The stdin of the test, whatever `input` is.",
    )
    match = ChoiceField(
        choices=list(Match),
        **OPTIONAL,
        help_text="How outputs are compared. `float` allows numbers to differ by `tolerance`. `returns` compares the"
        " value of `input` with the Python literal in `expected_output`. The default is `contains` if the test has"
        " none of `input`, `code`, `stdin` and `files`, and otherwise `exact`.",
    )
    tolerance = NumberField(
        min_value=0,
        max_value=bounds.MOST_TOLERANCE,
        **OPTIONAL,
        help_text="By how much numbers may differ, for `float` and `returns`. Default: 0.000001.",
    )
    relative_tolerance = NumberField(
        min_value=0,
        max_value=1,
        **OPTIONAL,
        help_text="The same, as a fraction of the expected number. The larger of the two tolerances applies.",
    )
    exact_types = BooleanField(
        **OPTIONAL,
        help_text="For `returns`: distinguishes a tuple from a list, 240 from 240.0, and 1 from True.",
    )
    hidden = BooleanField(
        **OPTIONAL,
        help_text="The result then contains only `passed`, `status`, `execution_time` and `feedback`.",
    )
    points = NumberField(
        min_value=0,
        max_value=bounds.MOST_POINTS,
        decimals=bounds.POINTS_DECIMALS,
        **OPTIONAL,
        help_text="What the test is worth in `score`.",
    )
    on_pass = StringField(
        max_bytes=bounds.SENTENCE_BYTES,
        **OPTIONAL,
        help_text="The `feedback` if the test passes, even if it is hidden.",
    )
    on_fail = StringField(
        max_bytes=bounds.SENTENCE_BYTES,
        **OPTIONAL,
        help_text="The `feedback` if the test fails, even if it is hidden.",
    )
    group = StringField(
        max_bytes=bounds.NAME_BYTES,
        **OPTIONAL,
        help_text="The name of a group. The points of its tests count only if all of them pass.",
    )

    files = ListField(
        child=FileSerializer(),
        **OPTIONAL,
        max_length=bounds.FILES,
        help_text="Files for this test, in addition to those of the request or replacing those with the same names.",
    )

    uses = ListField(
        child=WordField(max_bytes=bounds.WORD_BYTES, allow_blank=False),
        **OPTIONAL,
        allow_empty=False,
        max_length=bounds.RULES,
        help_text="What the program must use, such as `for`, `sum`, `.sort` or `import math`. Nothing runs.",
    )
    avoids = ListField(
        child=WordField(max_bytes=bounds.WORD_BYTES, allow_blank=False),
        **OPTIONAL,
        allow_empty=False,
        max_length=bounds.RULES,
        help_text="What the program must not use, in the same words as `uses`.",
    )
    defines = ListField(
        child=DefinitionSerializer(),
        **OPTIONAL,
        allow_empty=False,
        max_length=bounds.RULES,
        help_text="The functions that the program must define.",
    )

    unittest = StringField(
        max_bytes=bounds.CODE_BYTES,
        **OPTIONAL,
        help_text="Code with `unittest.TestCase` classes, which runs after the program, in its namespace. Each method"
        " has a result in `methods`, and all must pass.",
    )
    doctest = BooleanField(
        **OPTIONAL,
        help_text="Runs the examples in the docstrings of the program. Each docstring has a result in `methods`.",
    )

    validate_files = staticmethod(validate_files)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse what a comparison cannot use."""
        if any(name in values for name in RULES):
            for name in sorted(values.keys() - RULES - BESIDE_RULES):
                refuse_field(name, "Cannot be combined with uses, avoids or defines.")
        if values.get("unittest") or values.get("doctest"):
            for name in sorted(values.keys() - SUITES - BESIDE_SUITES):
                refuse_field(name, "Cannot be combined with unittest or doctest.")
            if values.get("unittest") and values.get("doctest"):
                refuse_field("doctest", "Cannot be combined with unittest: use a separate test case for each.")
        match, expected = values.get("match"), values.get("expected_output")
        if match == Match.RETURNS:
            if not values.get("input") or values.get("code"):
                refuse_field("match", "Needs an input, whose value it compares, and no code.")
            if expected is None or not is_value_or_exception(expected):
                refuse_field("expected_output", "Must be a Python literal such as [1, 2], or name an exception.")
        elif values.get("exact_types"):
            refuse_field("exact_types", "Only allowed with the match returns.")
        if match == Match.REGEX and expected is not None:
            try:
                matcher(expected)
            except ValueError as error:
                refuse_field("expected_output", f"Must be a valid RE2 expression: {error}.")
        if match not in (Match.FLOAT, Match.RETURNS):
            for name in ("tolerance", "relative_tolerance"):
                if name in values:
                    refuse_field(name, "Only allowed with the matches float and returns.")
        return values
