"""Keeps `threading`'s fork hooks out of the supervisor's forks, and registers them in the program's process.

They forget the threads that a fork does not copy. The supervisor has none, and the hooks take longer than all the rest
of a fork.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from typing import Any


class ForkHooks:
    """The functions that `threading` registers to be called after each fork, held back from ours."""

    def __init__(self) -> None:
        self._held_back: list[dict[str, Any]] = []

    def load_threading(self) -> None:
        """Import `threading`, and hold back the hooks that it registers."""
        register = os.register_at_fork
        os.register_at_fork = lambda **hooks: self._held_back.append(hooks)
        try:
            import threading  # noqa: F401
        finally:
            os.register_at_fork = register

    def hand_over(self) -> None:
        """Register them in this process, a program's, which may start threads and fork."""
        for hooks in self._held_back:
            os.register_at_fork(**hooks)
            sys.modules["threading"].main_thread()._set_native_id()  # nothing else about it has changed
