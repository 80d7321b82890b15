"""What a request to run a program, or to send it input, may contain."""

from functools import cache
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from apikeys.models import LEARNER_CHARACTERS, ApiKey
from apikeys.webhook_secrets import secrets_of
from executions import bounds
from executions.api.cases import FileNameField, FileSerializer, TestCaseSerializer, validate_files
from executions.request import ExecutionRequest, Locale, TestCase, files_of
from guest import protocol
from web.fields import (
    OPTIONAL,
    BooleanField,
    ChoiceField,
    IntegerField,
    ListField,
    StrictSerializer,
    StringField,
    refuse,
    refuse_field,
)
from web.notation import parse_webhook

WAIT = f"Must be a number of seconds from 0 to {bounds.LONGEST_POLL_SECONDS}."
EXERCISE = r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z"


class ExerciseField(StringField):
    """The id of an exercise, which is part of addresses."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=bounds.EXERCISE_CHARACTERS, allow_blank=False, **options)
        sentence = "Must begin with a letter or digit, and may contain only letters, digits, -, . and _."
        self.validators.append(RegexValidator(EXERCISE, sentence))


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
        help_text="Files that the program finds in its directory. All files of a request have at most 1 MiB together.",
    )
    collect = ListField(
        child=FileNameField(),
        **OPTIONAL,
        max_length=protocol.COLLECTED_FILES,
        help_text="Names of files in the program's directory to return in `files` when it has ended.",
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
        help_text="Your ID for the learner who wrote the program; stored with the record.",
    )
    exercise = ExerciseField(
        **OPTIONAL,
        help_text="Your ID for the exercise. Staff see what all attempts at an exercise have in common.",
    )
    interactive = BooleanField(
        **OPTIONAL,
        help_text="Keeps the program's stdin open for `POST /executions/{id}/input`. Needs an event stream.",
    )

    trace = BooleanField(
        **OPTIONAL,
        help_text="Runs the program once more and returns its steps in `trace`. Not allowed with `interactive`.",
    )

    locale = ChoiceField(
        choices=list(Locale),
        **OPTIONAL,
        help_text="The language of hints and of messages about test cases. Default: `en`.",
    )

    validate_files = staticmethod(validate_files)

    def validate_collect(self, names: list[str] | None) -> list[str] | None:
        """Refuse a name that occurs twice."""
        if names and len(set(names)) < len(names):
            refuse("Must not name a file twice.", "invalid")
        return names

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse too many bytes in all files together, and a trace of a program whose input is not complete."""
        if values.get("trace") and values.get("interactive"):
            refuse_field("trace", "An interactive program cannot be traced: send all its input in input_data.")
        lists = [values.get("files"), *(case.get("files") for case in values.get("test_cases") or ())]
        size_bytes = sum(len(file.content) for files in lists for file in files or ())
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
        values["locale"] = Locale(values.get("locale") or Locale.EN)
        values["files"] = files_of(values.get("files"))
        values["collect"] = tuple(values.get("collect") or ())
        cases = values.pop("test_cases", None)
        if cases is not None:
            values["test_cases"] = tuple(TestCase.of(case) for case in cases)
        return ExecutionRequest(**values)


def background_context(key: ApiKey) -> dict[str, Any]:
    """Return the context of all programs of a request, so that one query serves for all their webhooks."""
    return {"key": key, "has_secret": cache(lambda: bool(secrets_of(key.family)))}


class BackgroundRequestSerializer(ExecutionRequestSerializer):
    """The body of `POST /executions`: nobody watches the program. The context: see `background_context`."""

    interactive = None  # type: ignore[assignment]

    webhook = StringField(
        max_length=bounds.WEBHOOK_CHARACTERS,
        allow_blank=False,
        **OPTIONAL,
        help_text="The HTTPS URL that receives the result. Its host must be one of the key's webhook hosts.",
    )

    def validate_webhook(self, webhook: str | None) -> str | None:
        """Refuse a URL on a host that is not the key's, and any URL if the key has no secret to sign with."""
        if webhook is None:
            return None
        key: ApiKey = self.context["key"]
        try:
            host, _ = parse_webhook(webhook)
        except ValueError as error:
            refuse(str(error), "invalid")
        if host not in key.webhook_hosts:
            refuse("The host is not among the webhook hosts of this key.", "unlisted")
        if not self.context["has_secret"]():
            refuse("This key has no webhook secret yet. Staff can create one in the admin.", "unsigned")
        return webhook


class UncheckedListField(ListField):
    """A list whose items are validated later, one by one, so that an invalid item does not refuse the others."""

    def run_child_validation(self, data: Any) -> Any:
        """Return the items unchanged."""
        return data


class BatchSerializer(StrictSerializer):
    """The body of `POST /executions/batch`."""

    executions = UncheckedListField(
        child=BackgroundRequestSerializer(),
        min_length=1,
        max_length=bounds.BATCH,
        error_messages={"min_length": "Must not be empty."},
        help_text="The programs.",
    )


class PollSerializer(serializers.Serializer[Any]):
    """The query of `GET /executions/{id}`. Other names are ignored, as everywhere."""

    wait = serializers.RegexField(r"^[0-9]{1,9}\Z", required=False, error_messages={"invalid": WAIT})

    def validate_wait(self, wait: str) -> int:
        """Return the seconds."""
        seconds = int(wait)
        if seconds > bounds.LONGEST_POLL_SECONDS:
            refuse(WAIT, "invalid")
        return seconds


class InputSerializer(StrictSerializer):
    """The body of `POST /executions/{id}/input`."""

    text = StringField(max_bytes=bounds.INPUT_TEXT_BYTES, **OPTIONAL, help_text="One line, without its newline.")
    end = BooleanField(**OPTIONAL, help_text="Ends the input, after `text` if there is any.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse a body without text and end."""
        if values.get("text") is None and not values.get("end"):
            refuse("Send text, end: true, or both.", "empty")
        return values

    def line(self) -> str:
        """Return the text as the line that the program reads."""
        text = self.validated_data.get("text")
        return "" if text is None else f"{text}\n"
