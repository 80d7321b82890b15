"""Launches the containers of one sandbox, and keeps track of those that are not closed."""

import secrets
import threading
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from executions.owner import Owner
from executions.sandbox.container.container import Container
from executions.sandbox.engine.deaths import DeathWatch
from executions.sandbox.engine.engine import Engine
from executions.sandbox.engine.options import NAME_PREFIX, USERS, container_options
from executions.sandbox.profiles import Profile
from executions.sandbox.timing import Timing


class Launcher:
    """Launches containers with the labels of `owner` and `sandbox_id`, once it has an image. For many threads."""

    def __init__(
        self,
        connect: Callable[[], Engine],
        owner: Owner,
        sandbox_id: str,
        deaths: DeathWatch,
        runtime: str | None,
        timing: Timing,
    ) -> None:
        self.owner = owner
        self._connect = connect
        self._sandbox_id = sandbox_id
        self.deaths = deaths
        self._runtime = runtime
        self._timing = timing
        self._engines: dict[int, Engine] = {}  # by thread: a client must not be shared
        self._image_id = ""
        self._user_ids = USERS
        self._users: dict[str, int] = {}  # by name of their container
        self._choosing = threading.Lock()
        self._containers: dict[str, Container | None] = {}  # by name; None while it is being launched

    def use_image(self, image_id: str, user_ids: range) -> None:
        """Launch containers of this image, with these user IDs, from now on."""
        self._image_id = image_id
        self._user_ids = user_ids

    def options(self, profile: Profile = Profile.PLAIN, user: int = USERS[0]) -> dict[str, Any]:
        """Return the create options of a container."""
        return container_options(self._image_id, str(self.owner), self._runtime, profile, self._sandbox_id, user)

    def launch(self, profile: Profile = Profile.PLAIN) -> Container:
        """Return a new container that is ready. Raises EngineError or RunLost."""
        name = f"{NAME_PREFIX}{uuid.uuid4()}"
        self._containers[name] = None
        with ExitStack() as undo:
            undo.callback(self._forget, name)
            options = self.options(profile, self._choose_user(name))
            container = Container.launch(self.engine(), name, options, self.deaths.cause, profile, self._timing)
            undo.pop_all()
        self._containers[name] = container
        return container

    def _choose_user(self, name: str) -> int:
        """Return a user ID that none of our containers has. Another process is unlikely to choose the same one."""
        with self._choosing:
            while (user := secrets.choice(self._user_ids)) in self._users.values():
                pass
            self._users[name] = user
        return user

    def _forget(self, name: str) -> None:
        self._containers.pop(name, None)
        with self._choosing:
            self._users.pop(name, None)

    def held_names(self) -> set[str]:
        """Return the names of all containers that are being launched or are not closed yet."""
        return {name for name, container in list(self._containers.items()) if not _is_closed(container)}

    def forget_closed(self) -> None:
        """Forget the containers that are closed; others may have their user IDs."""
        for name, container in list(self._containers.items()):
            if _is_closed(container):
                self._forget(name)

    def engine(self) -> Engine:
        """Return the client of the calling thread."""
        thread = threading.get_ident()
        if thread not in self._engines:
            self._engines[thread] = self._connect()
        return self._engines[thread]

    def close(self) -> None:
        """Close all clients."""
        for engine in list(self._engines.values()):
            engine.close()


def _is_closed(container: Container | None) -> bool:
    return container is not None and container.is_closed
