"""What a request to run a program, or to send it input, may contain."""

import re
from typing import Any

from apikeys.models import LEARNER_CHARACTERS
from executions import bounds
from executions.request import ExecutionRequest, Match, SentFile, TestCase, files_of
from executions.running.comparison.texts import matcher
from executions.running.judge import is_value_or_exception
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
OWN_FILES = ("main.py", "test.py")


class FileSerializer(StrictSerializer):
    """One of `files`."""

    name = StringField(max_length=bounds.FILE_NAME_CHARACTERS, help_text="Letters, digits, `_`, `-`, `.` and spaces.")
    text = StringField(max_bytes=bounds.FILES_BYTES, **OPTIONAL, help_text="The content, in UTF-8.")
    base64 = StringField(max_length=2 * bounds.FILES_BYTES, **OPTIONAL, help_text="The content, in base64.")

    def validate_name(self, name: str) -> str:
        """Refuse a name that could be a path, or that is taken."""
        if not FILE_NAME.fullmatch(name):
            refuse("Must begin with a letter, a digit or _, and have only those, -, . and spaces in it.", "invalid")
        if name in OWN_FILES:
            refuse("Is the name of a file of ours.", "invalid")
        return name

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse a file without one content, and what is not base64."""
        if ("text" in values) == ("base64" in values):
            refuse_field("text", "Send either text or base64.")
        try:
            SentFile(**values).content  # noqa: B018 (raises)
        except ValueError:
            refuse_field("base64", "Is not base64.")
        return values


def validate_files(files: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Refuse two files with one name."""
    names = [file["name"] for file in files or ()]
    if len(set(names)) < len(names):
        refuse("Two files have the same name.", "invalid")
    return files


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
        " value of `input` with the Python literal in `expected_output`. The default is `contains` if none of `input`,"
        " `code` and `stdin` is given, otherwise `exact`.",
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
        help_text="The same as a part of the expected number. The larger of both counts.",
    )
    exact_types = BooleanField(
        **OPTIONAL,
        help_text="For `returns`: a tuple is then no list, 240 is not 240.0, and 1 is not True.",
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
        help_text="The `feedback` if the test passes, also if it is hidden.",
    )
    on_fail = StringField(
        max_bytes=bounds.SENTENCE_BYTES,
        **OPTIONAL,
        help_text="The `feedback` if the test fails, also if it is hidden.",
    )
    group = StringField(
        max_bytes=bounds.NAME_BYTES,
        **OPTIONAL,
        help_text="The points of the tests of a group count only if all of them pass.",
    )

    files = ListField(
        child=FileSerializer(),
        **OPTIONAL,
        max_length=bounds.FILES,
        help_text="Further files for this test, or others in the place of those of the request.",
    )

    validate_files = staticmethod(validate_files)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse what a comparison cannot use."""
        match, expected = values.get("match"), values.get("expected_output")
        if match == Match.RETURNS:
            if not values.get("input") or values.get("code"):
                refuse_field("match", "Compares the value of input: give an input and no code.")
            if expected is None or not is_value_or_exception(expected):
                refuse_field("expected_output", "Must be a Python literal such as [1, 2], or name an exception.")
        elif values.get("exact_types"):
            refuse_field("exact_types", "Only for the match returns.")
        if match == Match.REGEX and expected is not None:
            try:
                matcher(expected)
            except ValueError as error:
                refuse_field("expected_output", f"Is not a regular expression of RE2: {error}.")
        if match not in (Match.FLOAT, Match.RETURNS):
            for name in ("tolerance", "relative_tolerance"):
                if name in values:
                    refuse_field(name, "Only for the matches float and returns.")
        return values


class ExecutionRequestSerializer(StrictSerializer):
    """The body of `POST /execute`."""

    code = StringField(max_bytes=bounds.CODE_BYTES, allow_blank=False, help_text="The program.")
    language = ChoiceField(choices=["python"], **OPTIONAL, help_text="The language of the program.")
    input_data = StringField(
        max_bytes=bounds.INPUT_BYTES,
        **OPTIONAL,
        help_text="The stdin of the program.",
    )
    test_cases = ListField(
        child=TestCaseSerializer(),
        **OPTIONAL,
        max_length=bounds.TEST_CASES,
        help_text="Test cases. Each runs in a fresh process.",
    )
    files = ListField(
        child=FileSerializer(),
        **OPTIONAL,
        max_length=bounds.FILES,
        help_text="Files in the program's directory when it starts. All files of a request have at most 1 MiB.",
    )
    timeout = IntegerField(
        min_value=bounds.SHORTEST_TIMEOUT_SECONDS,
        max_value=bounds.LONGEST_TIMEOUT_SECONDS,
        **OPTIONAL,
        help_text=f"Seconds for the program and its test cases together. Default: {bounds.DEFAULT_TIMEOUT_SECONDS}.",
    )
    learner = StringField(
        max_length=LEARNER_CHARACTERS,
        **OPTIONAL,
        help_text="Your id for the author of the program; stored with the record.",
    )
    interactive = BooleanField(
        **OPTIONAL,
        help_text="Keeps the program's stdin open for `POST /executions/{id}/input`. Needs an event stream.",
    )

    trace = BooleanField(
        **OPTIONAL,
        help_text="Runs the program once more, step by step, for `trace` in the answer. Not with `interactive`.",
    )

    validate_files = staticmethod(validate_files)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse too many bytes in all files together, and a trace without the input that is yet to come."""
        if values.get("trace") and values.get("interactive"):
            refuse_field("trace", "An interactive program cannot be traced: send all its input in input_data.")
        lists = [values.get("files"), *(case.get("files") for case in values.get("test_cases") or ())]
        size_bytes = sum(file.size_bytes for files in lists for file in files_of(files))
        if size_bytes > bounds.FILES_BYTES:
            sentence = f"All files of the request are {size_bytes} bytes; at most {bounds.FILES_BYTES} are allowed."
            refuse_field("files", sentence)
        return values

    def validate_interactive(self, interactive: bool | None) -> bool | None:
        """Refuse it without an event stream: nobody would learn that the program waits for input."""
        if interactive and not self.context.get("is_live"):
            refuse("Needs the header Accept: text/event-stream.", "not_live")
        return interactive

    def validate_learner(self, learner: str | None) -> str | None:
        """Refuse a learner other than the one that the caller's token is bound to."""
        bound = self.context.get("learner")
        if learner and bound is not None and learner != bound:
            refuse("The token belongs to another learner.", "other_learner")
        return learner

    def to_request(self) -> ExecutionRequest:
        """Return the validated request."""
        values = dict(self.validated_data)
        if bound := self.context.get("learner"):
            values["learner"] = bound
        values.pop("language", None)
        values["files"] = files_of(values.get("files"))
        cases = values.pop("test_cases", None)
        if cases is not None:
            values["test_cases"] = tuple(TestCase.of(case) for case in cases)
        return ExecutionRequest(**values)


class InputSerializer(StrictSerializer):
    """The body of `POST /executions/{id}/input`."""

    text = StringField(max_bytes=bounds.INPUT_TEXT_BYTES, **OPTIONAL, help_text="One line, without its newline.")
    end = BooleanField(**OPTIONAL, help_text="Ends the input, after `text` if given.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse a body without text and end."""
        if values.get("text") is None and not values.get("end"):
            refuse("Send text, end: true, or both.", "empty")
        return values

    def line(self) -> str:
        """Return the text as the line that the program reads."""
        text = self.validated_data.get("text")
        return "" if text is None else f"{text}\n"
