"""What a request for a learner token may contain."""

from typing import Any

from apikeys import learner_tokens
from web.fields import StrictIntegerField, StrictSerializer, StrictTextField

LEARNER_CHARACTERS = 128


class LearnerField(StrictTextField):
    """The site's id of a learner, counted in characters."""

    def __init__(self, **options: Any) -> None:
        characters = LEARNER_CHARACTERS
        super().__init__(longest_bytes=characters * 4, longest_characters=characters, **options)


class TokenRequestSerializer(StrictSerializer):
    """The body of `POST /tokens`."""

    learner = LearnerField(may_be_empty=False, help_text="Your id of the learner.")
    lifetime_seconds = StrictIntegerField(
        lowest=learner_tokens.SHORTEST_LIFETIME_SECONDS,
        highest=learner_tokens.LONGEST_LIFETIME_SECONDS,
        required=False,
        allow_null=True,
        help_text=f"How long the token works; by default {learner_tokens.DEFAULT_LIFETIME_SECONDS}.",
    )
