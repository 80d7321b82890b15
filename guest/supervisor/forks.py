"""What `threading` does in the child of a fork: done in a program's forks, and not in ours.

It forgets the threads that a fork leaves behind. The supervisor has none, and making sure of that takes longer than
all the rest of a fork.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # that of typing, without loading it
if TYPE_CHECKING:
    from typing import Any


class ForkHooks:
    """The functions that `threading` would have called after each fork, held back from ours."""

    def __init__(self) -> None:
        self._held_back: list[dict[str, Any]] = []

    def load_threading(self) -> None:
        """Import `threading`, and hold back what it would do after each fork."""
        register = os.register_at_fork
        os.register_at_fork = lambda **hooks: self._held_back.append(hooks)
        try:
            import threading  # noqa: F401
        finally:
            os.register_at_fork = register

    def hand_over(self) -> None:
        """Register them from here on: in the process of a program, which may have threads and fork."""
        for hooks in self._held_back:
            os.register_at_fork(**hooks)
            sys.modules["threading"].main_thread()._set_native_id()  # the rest of it is as it was
