"""Which executions can be answered by a person now: those of this process, and how many they may be."""

import threading
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from apikeys.callers import Caller
from apikeys.limits import LimitReached, LimitUse
from executions import bounds
from executions.sandbox.console import Console
from executions.sandbox.results import SandboxBusy

SHARE_OF_ONE = 0.5
"""Of all places, for one learner or address: nobody takes them all."""


class TooMuchInput(Exception):
    """A program has been sent as much input as it may."""


@dataclass(eq=False)
class Place:
    """One interactive execution: who may answer it, and as whose it counts."""

    caller: Caller
    who: str
    console: Console
    public_id: UUID | None = None
    typed: str = ""
    """What the program was sent."""

    def answers_to(self, caller: Caller) -> bool:
        """Return whether `caller` may answer: the same key, or one of its rotation, for the same learner.

        Without a learner token the id is the secret: it was told to the page that began the execution, and no other.
        """
        is_same_learner = caller.is_server or caller.learner == self.caller.learner
        return caller.key.family == self.caller.key.family and is_same_learner


_lock = threading.Lock()
_places: set[Place] = set()


def take(caller: Caller, who: str, console: Console) -> Place:
    """Return a place. Whoever takes it leaves it. Raises LimitReached, or SandboxBusy where none is left."""
    places = settings.SANDBOX_MAX_INTERACTIVE
    share = max(1, int(places * SHARE_OF_ONE))
    place = Place(caller, who, console)
    with _lock:
        own = sum(_is_of(each, place) for each in _places)
        if len(_places) >= places:
            raise SandboxBusy("too many programs are interactive")
        if own >= share:
            use = LimitUse("interactive", share, 0, 1, None, "concurrent-requests")
            raise LimitReached(
                "interactive_limited", f"{share} interactive programs run for this learner already.", use
            )
        _places.add(place)
    return place


def leave(place: Place) -> None:
    """Give a place back. Once or twice is the same."""
    with _lock:
        _places.discard(place)


def answer(public_id: UUID, caller: Caller, text: str, is_end: bool) -> bool:
    """Feed a program; return False if there is none that takes input and is the caller's. Raises TooMuchInput."""
    with _lock:
        found = [each for each in _places if each.public_id == public_id and each.answers_to(caller)]
        if not found:
            return False
        [place] = found
        if len((place.typed + text).encode()) > bounds.INPUT_BYTES:
            raise TooMuchInput
        if not place.console.feed(text, is_end):
            return False
        place.typed += text
    return True


def _is_of(place: Place, other: Place) -> bool:
    return (place.caller.key.family, place.who) == (other.caller.key.family, other.who)
