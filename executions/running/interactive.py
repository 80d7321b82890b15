"""The interactive executions of a process: which programs take input now, from whom, and how many there may be."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from uuid import UUID, uuid4

from django.conf import settings

from apikeys.callers import Caller
from apikeys.limits import LimitUse, Refused, Unavailable
from apikeys.shares import ADDRESS, CLAIMED, LEARNER, kind_of, share
from executions.bounds import INPUT_BYTES
from executions.cluster.messages import Place
from executions.request import with_plain_line_ends
from executions.sandbox.console import Console

PARTS = {ADDRESS: 3 / 4, LEARNER: 1 / 8, CLAIMED: 1 / 8}
"""The part of the remaining places that one caller may use: an address, perhaps a class, three quarters."""

LEAST = {ADDRESS: 1, LEARNER: 2, CLAIMED: 2}
"""What each may always have: a learner who reloads the page has two for a moment."""

THINKING_SECONDS, TURN_SECONDS = 10, 60
"""When all places are in use, callers keep their only place until they have typed nothing for THINKING_SECONDS, or have
had it for TURN_SECONDS."""


class TooMuchInput(Exception):
    """A program would get more input than is allowed."""


class Typist(NamedTuple):
    """Who sends input: the family of their key, and their learner. `is_server`: for any learner."""

    family: UUID
    learner: str | None
    is_server: bool

    @classmethod
    def of(cls, caller: Caller) -> "Typist":
        """Return the caller as one who sends input."""
        return cls(caller.key.family, caller.learner, caller.is_server)


@dataclass(eq=False, slots=True)
class InteractiveSession:
    """One interactive execution. It counts under the `names` of the caller; `typed` is what was sent to it.

    `active` is when it began or last got input. Unless it gets more, it waits no longer than the settings allow.
    """

    caller: Caller
    names: tuple[str, ...]
    console: Console
    id: UUID = field(default_factory=uuid4)
    public_id: UUID | None = None
    typed: str = ""
    began: float = field(default_factory=time.monotonic)
    active: float = field(default_factory=time.monotonic)

    @property
    def place(self) -> Place:
        """The place that it has now."""
        now = time.monotonic()
        return Place(self.id, self.caller.key.family, self.names, now - self.began, now - self.active)

    def accepts_input_from(self, typist: Typist) -> bool:
        """Return whether `typist` may send input: the same key, or one of its rotation, for the same learner.

        Without a learner token the id is the secret: only the page that began the execution knows it.
        """
        is_same_learner = typist.is_server or typist.learner == self.caller.learner
        return typist.family == self.caller.key.family and is_same_learner


class Elsewhere(Protocol):
    """The other processes that share the places."""

    def places(self) -> AbstractContextManager[list[Place]]:
        """Return the places that the others have in use. In this context, they give none away."""

    def show(self) -> None:
        """Tell the others which places are in use here."""

    def let_give_up(self, place: Place) -> None:
        """Let one of the others give up a place."""


class Nowhere:
    """There are no other processes."""

    def places(self) -> AbstractContextManager[list[Place]]:
        """Return no place."""
        return nullcontext([])

    def show(self) -> None:
        """Tell nobody."""

    def let_give_up(self, place: Place) -> None:
        """Never called."""


class InteractiveSessions:
    """The sessions of one process, which share all places with those `elsewhere`. `len` is how many are open."""

    def __init__(self) -> None:
        self.elsewhere: Elsewhere = Nowhere()
        self._beginning = threading.Lock()
        self._lock = threading.Lock()
        self._sessions: set[InteractiveSession] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, caller: Caller, names: tuple[str, ...], console: Console) -> InteractiveSession:
        """Return a new session, which the caller must end. Raises Refused."""
        session = InteractiveSession(caller, names, console)
        with self._beginning, self.elsewhere.places() as others:
            given_up = place_to_give_up(session.place, [*others, *self.places()])
            with self._lock:
                self._sessions.add(session)
            if given_up in others:
                self.elsewhere.let_give_up(given_up)
            elif given_up is not None:
                self._end_wait(given_up.id)
        return session

    def places(self) -> tuple[Place, ...]:
        """Return the places in use."""
        with self._lock:
            return tuple(session.place for session in self._sessions)

    def give_up(self, place_id: UUID) -> None:
        """End the session at a place of this process, if there is one, for a caller of another process."""
        self._end_wait(place_id)
        self.elsewhere.show()

    def _end_wait(self, place_id: UUID) -> None:
        """End a session. Its program ends at its wait for input, or at its next, and until then has a slot."""
        with self._lock:
            for session in [each for each in self._sessions if each.id == place_id]:
                self._sessions.discard(session)
                session.console.may_wait = False

    def end(self, session: InteractiveSession) -> None:
        """End a session, if it has not ended."""
        with self._lock:
            self._sessions.discard(session)
        self.elsewhere.show()

    def find(self, public_id: UUID, typist: Typist) -> InteractiveSession | None:
        """Return the session of an execution, or None if none accepts input from `typist`."""
        with self._lock:
            found = (each for each in self._sessions if each.public_id == public_id and each.accepts_input_from(typist))
            return next(found, None)

    def send(self, public_id: UUID, typist: Typist, text: str, is_end: bool) -> bool:
        """Send input to a program; return False if none with this id takes input from `typist`. Raises TooMuchInput."""
        session = self.find(public_id, typist)
        if session is None:
            return False
        with self._lock:
            if len((session.typed + text).encode()) > INPUT_BYTES:
                raise TooMuchInput
            if not session.console.feed(with_plain_line_ends(text), is_end):
                return False
            session.typed += text
            session.active = time.monotonic()
        return True


def place_to_give_up(new: Place, taken: Sequence[Place]) -> Place | None:
    """Return which of the places `taken` must be given up for a `new` one, None if one is free. Raises Refused.

    If all are in use, a caller with none takes over the place that has been idle longest, of the caller with the most.
    """
    if len(taken) < settings.SANDBOX_MAX_INTERACTIVE:
        for name in new.names:
            _keep_to_share(new.family, name, taken)
        return None
    counts = Counter(_caller(place) for place in taken)
    most = max(counts.values(), default=0)
    of_most = (place for place in taken if counts[_caller(place)] == most)
    idle = max(of_most, key=lambda place: place.idle_seconds, default=None)
    if idle is None or _caller(new) in counts or not (most > 1 or _has_had_its_turn(idle)):
        raise Unavailable("too many programs are interactive")
    return idle


def _caller(place: Place) -> tuple[UUID, str]:
    """Return whose a place is, whoever a page claims to be: the key's family, and the widest name."""
    return place.family, place.names[0]


def _has_had_its_turn(place: Place) -> bool:
    """Return whether a caller's only place may be given to another."""
    return place.idle_seconds >= THINKING_SECONDS or place.age_seconds >= TURN_SECONDS


def _keep_to_share(family: UUID, name: str, taken: Sequence[Place]) -> None:
    """Raise Refused if the caller already has as many places as allowed."""
    own = [place for place in taken if place.family == family and name in place.names]
    others, kind = len(taken) - len(own), kind_of(name)
    most = int(share(name, settings.SANDBOX_MAX_INTERACTIVE, others, LEAST[kind], PARTS))
    if len(own) >= most:
        most_idle = max(place.idle_seconds for place in own)
        seconds_left = max(1, int(settings.SANDBOX_INPUT_SECONDS - most_idle) + 1)
        use = LimitUse("interactive", most, 0, seconds_left, None, "concurrent-requests")
        sentence = (
            "Many people at your address are running interactive programs."
            if kind == ADDRESS
            else f"This learner is already running {len(own)} interactive programs."
        )
        raise Refused("interactive_limited", sentence, use)
