"""Where programs run, as the settings say: in the sandbox of this process, or in those of workers."""

import uuid
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from django.conf import settings

from executions.cluster.board import Board, connect
from executions.cluster.executor import GRACE_SECONDS, ClusterExecutor, Patience
from executions.cluster.post import PostOffice
from executions.configuration import longest_execution, sandbox_settings
from executions.sandbox.console import Console
from executions.sandbox.profiles import LOADING_SECONDS
from executions.sandbox.results import Outcome, SandboxUnavailable, Submission, always
from executions.sandbox.sandbox import Sandbox, SandboxHealth

if TYPE_CHECKING:
    from executions.sandbox.checks.attacks import Probe


class Executor(Protocol):
    """Runs submissions. Raises SandboxError."""

    def execute(
        self, submission: Submission, console: Console | None = None, may_begin: Callable[[], bool] = always
    ) -> Outcome:
        """Run a submission. `console` gets its events and may feed or stop it.

        Nothing runs unless it `may_begin` when its turn has come. While it waits, this may be asked at any time.
        """

    def health(self) -> SandboxHealth:
        """Return the state, at once."""


class NotStarted:
    """The executor of a process before its start. Refuses everything."""

    def execute(
        self, submission: Submission, console: Console | None = None, may_begin: Callable[[], bool] = always
    ) -> Outcome:
        """Raise SandboxUnavailable."""
        raise SandboxUnavailable("not started")

    def health(self) -> SandboxHealth:
        """Return a state that is not ready."""
        return SandboxHealth(reason="not started")


def make_executor(
    dead_owners: Callable[[], Collection[str]], probes: "Sequence[Probe] | None" = None
) -> Sandbox | ClusterExecutor:
    """Return the executor of a serving process. `dead_owners` and `probes` are for its own sandbox, if it has one."""
    if settings.EXECUTOR == "local":
        return Sandbox(sandbox_settings(), dead_owners=dead_owners, probes=probes)
    from executions.cluster.transport import Sender  # Celery takes 6 MB, which other services save

    patience = Patience(
        settings.SANDBOX_QUEUE_SECONDS + LOADING_SECONDS, longest_execution().total_seconds() + GRACE_SECONDS
    )
    board, board_of_letters = (Board(connect(settings.REDIS_URL)) for _ in range(2))
    post = PostOffice(uuid.uuid4().hex, board, board_of_letters)
    return ClusterExecutor(board, post, Sender(settings.CELERY_BROKER_URL), patience)
