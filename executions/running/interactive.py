"""The interactive executions of a process: which programs take input now, from whom, and how many there may be."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from apikeys.authentication import Caller
from apikeys.limits import LimitUse, Refused, Unavailable
from apikeys.shares import ADDRESS, CLAIMED, LEARNER, kind_of, share
from executions.bounds import INPUT_BYTES
from executions.request import with_plain_line_ends
from executions.sandbox.console import Console

PARTS = {ADDRESS: 3 / 4, LEARNER: 1 / 8, CLAIMED: 1 / 8}
"""The part of what the others leave of the places: an address alone, perhaps a class, may have three quarters."""

LEAST = {ADDRESS: 1, LEARNER: 2, CLAIMED: 2}
"""What each may have in any case: a learner who reloads the page has two for a moment."""

THINKING_SECONDS, TURN_SECONDS = 10, 60
"""When all places are taken, a caller's only one is theirs until they have typed nothing for THINKING_SECONDS, or have
had it for TURN_SECONDS."""


class TooMuchInput(Exception):
    """A program would get more input than it may have."""


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
    public_id: UUID | None = None
    typed: str = ""
    began: float = field(default_factory=time.monotonic)
    active: float = field(default_factory=time.monotonic)

    @property
    def who(self) -> tuple[UUID, str]:
        """Return whose it is, whoever a page claims to be: the key's family, and the widest name."""
        return self.caller.key.family, self.names[0]

    def has_had_its_turn(self) -> bool:
        """Return whether it may be ended for another caller, even if its own has no other."""
        return time.monotonic() >= min(self.active + THINKING_SECONDS, self.began + TURN_SECONDS)

    def seconds_left(self) -> int:
        """Return how long it takes at most until it ends, unless somebody types."""
        return max(1, int(self.active + settings.SANDBOX_INPUT_SECONDS - time.monotonic()) + 1)

    def counts_for(self, family: UUID, name: str) -> bool:
        """Return whether it counts for this caller of a family of keys."""
        return self.caller.key.family == family and name in self.names

    def accepts_input_from(self, typist: Typist) -> bool:
        """Return whether `typist` may send input: the same key, or one of its rotation, for the same learner.

        Without a learner token the id is the secret: only the page that began the execution knows it.
        """
        is_same_learner = typist.is_server or typist.learner == self.caller.learner
        return typist.family == self.caller.key.family and is_same_learner


class InteractiveSessions:
    """The sessions of one process. `len` is how many are open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: set[InteractiveSession] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, caller: Caller, names: tuple[str, ...], console: Console) -> InteractiveSession:
        """Return a new session, which the caller must end. Raises Refused."""
        session = InteractiveSession(caller, names, console)
        with self._lock:
            if len(self._sessions) >= settings.SANDBOX_MAX_INTERACTIVE:
                self._make_room_for(session)
            for name in names:
                self._keep_to_share(caller.key.family, name)
            self._sessions.add(session)
        return session

    def _make_room_for(self, new: InteractiveSession) -> None:
        """End the session without input for longest, of the caller with most, if the `new` one's has none.

        Its program ends at its wait for input, or at its next, and until then has a slot of those that run.
        To be called with the lock held. Raises Refused.
        """
        places = Counter(session.who for session in self._sessions)
        most = max(places.values(), default=0)
        of_most = (session for session in self._sessions if places[session.who] == most)
        idle = min(of_most, key=lambda session: session.active, default=None)
        if idle is None or new.who in places or not (most > 1 or idle.has_had_its_turn()):
            raise Unavailable("too many programs are interactive")
        self._sessions.discard(idle)
        idle.console.may_wait = False

    def _keep_to_share(self, family: UUID, name: str) -> None:
        """Raise Refused if the caller has as many places as it may. To be called with the lock held."""
        own = [session for session in self._sessions if session.counts_for(family, name)]
        others, kind = len(self._sessions) - len(own), kind_of(name)
        most = int(share(name, settings.SANDBOX_MAX_INTERACTIVE, others, LEAST[kind], PARTS))
        if len(own) >= most:
            seconds_left = min(session.seconds_left() for session in own)
            use = LimitUse("interactive", most, 0, seconds_left, None, "concurrent-requests")
            sentence = (
                "Many people at your address are running interactive programs."
                if kind == ADDRESS
                else f"This learner is already running {len(own)} interactive programs."
            )
            raise Refused("interactive_limited", sentence, use)

    def end(self, session: InteractiveSession) -> None:
        """End a session, if it has not ended."""
        with self._lock:
            self._sessions.discard(session)

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
