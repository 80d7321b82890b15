"""What a request for a learner token may contain."""

from typing import Any

from apikeys import learner_tokens
from web.fields import IntegerField, StrictSerializer, StringField

LEARNER_CHARACTERS = 128


class LearnerField(StringField):
    """The site's id of a learner, counted in characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LEARNER_CHARACTERS, **options)


class TokenRequestSerializer(StrictSerializer):
    """The body of `POST /tokens`."""

    learner = LearnerField(allow_blank=False, help_text="Your id of the learner.")
    lifetime_seconds = IntegerField(
        min_value=learner_tokens.SHORTEST_LIFETIME_SECONDS,
        max_value=learner_tokens.LONGEST_LIFETIME_SECONDS,
        required=False,
        allow_null=True,
        help_text=f"How long the token works; by default {learner_tokens.DEFAULT_LIFETIME_SECONDS}.",
    )
