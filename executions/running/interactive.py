"""The interactive executions of a process: which programs take input now, from whom, and how many there may be."""

import threading
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from apikeys.authentication import Caller
from apikeys.limits import UNAVAILABLE, LimitUse, Refused
from executions.bounds import INPUT_BYTES
from executions.request import with_plain_line_ends
from executions.sandbox.console import Console

SHARE_OF_ONE = 0.5
"""The share of all interactive executions that one learner or address may have, so that nobody takes them all."""


class TooMuchInput(Exception):
    """A program would get more input than it may have."""


@dataclass(eq=False, slots=True)
class InteractiveSession:
    """One interactive execution. `who` is the learner or address that it counts for, `typed` what was sent to it."""

    caller: Caller
    who: str
    console: Console
    public_id: UUID | None = None
    typed: str = ""

    def accepts_input_from(self, caller: Caller) -> bool:
        """Return whether `caller` may send input: the same key, or one of its rotation, for the same learner.

        Without a learner token the id is the secret: only the page that began the execution knows it.
        """
        is_same_learner = caller.is_server or caller.learner == self.caller.learner
        return caller.key.family == self.caller.key.family and is_same_learner


class InteractiveSessions:
    """The sessions of one process. `len` is how many are open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: set[InteractiveSession] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, caller: Caller, who: str, console: Console) -> InteractiveSession:
        """Return a new session, which the caller must end. Raises Refused."""
        most = settings.SANDBOX_MAX_INTERACTIVE
        share = max(1, int(most * SHARE_OF_ONE))
        session = InteractiveSession(caller, who, console)
        with self._lock:
            own = sum((each.caller.key.family, each.who) == (caller.key.family, who) for each in self._sessions)
            if len(self._sessions) >= most:
                raise Refused(UNAVAILABLE, "too many programs are interactive")
            if own >= share:
                use = LimitUse("interactive", share, 0, 1, None, "concurrent-requests")
                sentence = f"This learner is already running {share} interactive programs."
                raise Refused("interactive_limited", sentence, use)
            self._sessions.add(session)
        return session

    def end(self, session: InteractiveSession) -> None:
        """End a session, if it has not ended."""
        with self._lock:
            self._sessions.discard(session)

    def find(self, public_id: UUID, caller: Caller) -> InteractiveSession | None:
        """Return the session of an execution, or None if none accepts input from `caller`."""
        with self._lock:
            found = (each for each in self._sessions if each.public_id == public_id and each.accepts_input_from(caller))
            return next(found, None)

    def send(self, public_id: UUID, caller: Caller, text: str, is_end: bool) -> bool:
        """Send input to a program; return False if none with this id takes input from `caller`. Raises TooMuchInput."""
        session = self.find(public_id, caller)
        if session is None:
            return False
        with self._lock:
            if len((session.typed + text).encode()) > INPUT_BYTES:
                raise TooMuchInput
            if not session.console.feed(with_plain_line_ends(text), is_end):
                return False
            session.typed += text
        return True
