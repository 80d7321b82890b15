"""Input that comes to another web process than the one that runs the program."""

from uuid import UUID

from executions.cluster.messages import Input, Taken
from executions.cluster.post import PostOffice
from executions.configuration import longest_execution
from executions.running.interactive import InteractiveSessions, TooMuchInput, Typist


class Peers:
    """The other web processes, and the input that each passes on for the `sessions` of another."""

    def __init__(self, post: PostOffice, sessions: InteractiveSessions) -> None:
        self._post = post
        self._sessions = sessions
        post.take_input = self._take

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
