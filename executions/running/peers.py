"""What web processes ask of each other: to pass on input for a program, and to give up a place for one."""

from contextlib import AbstractContextManager
from uuid import UUID

from executions.cluster.messages import Input, Place, Taken
from executions.cluster.post import PostOffice
from executions.configuration import longest_execution
from executions.running.interactive import InteractiveSessions, TooMuchInput, Typist


class Peers:
    """The other web processes. `sessions` are those of this one, which also asks these for places."""

    def __init__(self, post: PostOffice, sessions: InteractiveSessions) -> None:
        self._post = post
        self._sessions = sessions
        post.take_input, post.places, post.give_up = self._take, sessions.places, sessions.give_up
        sessions.elsewhere = self

    def places(self) -> AbstractContextManager[list[Place]]:
        """Return the places that the others have in use. In this context, they give none away."""
        return self._post.places_elsewhere()

    def show(self) -> None:
        """Tell the others which places are in use here."""
        self._post.show()

    def let_give_up(self, place: Place) -> None:
        """Let one of the others give up a place."""
        self._post.let_give_up(place)

    def announce(self, public_id: UUID) -> None:
        """Tell the others that this process takes the input for an execution."""
        self._post.announce(public_id, longest_execution().total_seconds())

    def send(self, public_id: UUID, typist: Typist, text: str, is_end: bool) -> bool:
        """Let the process that takes the input for an execution send it; return whether it did.

        Raises TooMuchInput, or SandboxUnavailable if that process does not answer.
        """
        taken = self._post.pass_on(Input(self._post.name, public_id, typist, text, is_end))
        if taken.is_too_much:
            raise TooMuchInput
        return taken.is_taken

    def _take(self, input: Input) -> Taken:
        try:
            return Taken(self._sessions.send(input.public_id, Typist(*input.typist), input.text, input.is_end))
        except TooMuchInput:
            return Taken(False, is_too_much=True)
