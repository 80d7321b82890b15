"""What a request for a learner token may contain."""

from typing import Any

from apikeys import learner_tokens
from codeexec.fields import StrictIntegerField, StrictSerializer, StrictTextField, refuse

LEARNER_CHARACTERS = 128


class LearnerField(StrictTextField):
    """The site's id of a learner, counted in characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(longest_bytes=LEARNER_CHARACTERS * 4, **options)

    def to_internal_value(self, data: Any) -> str:
        """Return the id, or refuse one that is longer than the record has room for."""
        learner = super().to_internal_value(data)
        if len(learner) > LEARNER_CHARACTERS:
            refuse(f"At most {LEARNER_CHARACTERS} characters are allowed.", "too_long")
        return learner


class TokenRequestSerializer(StrictSerializer):
    """The body of `POST /tokens`."""

    learner = LearnerField(may_be_empty=False)
    lifetime_seconds = StrictIntegerField(
        lowest=learner_tokens.SHORTEST_LIFETIME_SECONDS,
        highest=learner_tokens.LONGEST_LIFETIME_SECONDS,
        required=False,
        allow_null=True,
    )
