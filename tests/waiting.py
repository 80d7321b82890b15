"""Waits for what other threads and processes do."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Return whether `condition` holds, or comes to hold within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
