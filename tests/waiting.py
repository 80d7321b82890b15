"""Waits for a condition that other threads or processes bring about."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Return whether `condition` becomes true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
