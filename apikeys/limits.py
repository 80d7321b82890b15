"""The limits of a key and its learners: what is left of each, and the refusal that callers are answered with."""

from dataclasses import dataclass

UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class LimitUse:
    """What is left of one limit, in the terms of the RateLimit header fields.

    (IETF draft-ietf-httpapi-ratelimit-headers-10.) `window_seconds` is None for what is counted at one moment.
    """

    name: str
    limit: int
    remaining: int
    seconds_left: int
    window_seconds: int | None
    unit: str = "requests"

    def field(self) -> str:
        """Return its item of the `RateLimit` header field."""
        return f'"{self.name}";r={max(0, self.remaining)};t={self.seconds_left}'

    def policy(self) -> str:
        """Return its item of the `RateLimit-Policy` header field."""
        window = "" if self.window_seconds is None else f";w={self.window_seconds}"
        unit = "" if self.unit == "requests" else f';qu="{self.unit}"'
        return f'"{self.name}";q={self.limit}{window}{unit}'


class Refused(Exception):
    """A request is not admitted; nothing has run or is recorded.

    `code` is the word that callers know, `sentence` what they read; of `UNAVAILABLE`, which is no fault of theirs, it
    is for us. `use` is the limit that is used up, with the seconds until it ends; None for any other reason.
    """

    def __init__(self, code: str, sentence: str, use: LimitUse | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.use = use
