"""The ticket of a caller who waits in line for a container."""

import threading

from executions.sandbox.container.container import Container
from executions.sandbox.results import Party, SandboxError


class Ticket:
    """One caller in line. `called` is set once it has a container or is refused."""

    def __init__(self, party: Party) -> None:
        self.party = party
        self.called = threading.Event()
        self._container: Container | None = None
        self._refusal: SandboxError | None = None

    def grant(self, container: Container) -> None:
        """Give the caller this container."""
        self._container = container
        self.called.set()

    def refuse(self, refusal: SandboxError) -> None:
        """Let the caller raise this error."""
        self._refusal = refusal
        self.called.set()

    def container(self) -> Container:
        """Return the container that the caller, who has been called, was given. Raises the refusal if there is one."""
        if self._container is None:
            assert self._refusal is not None  # noqa: S101 (one of both is set)
            raise self._refusal
        return self._container
