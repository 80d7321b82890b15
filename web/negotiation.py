"""What an answer is written in: JSON, whatever a client says that it accepts, but for event streams."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class AlwaysJSON(DefaultContentNegotiation):
    """Ignores `Accept` and `?format=`: a browser's list of types is no reason to refuse it."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer and its media type."""
        return renderers[0], renderers[0].media_type


def accepts_events(request: Request) -> bool:
    """Return whether a client asks for an event stream in so many words: `*/*` is no such wish."""
    types = (part.partition(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(","))
    return "text/event-stream" in types
