"""Waits for a condition that other threads or processes bring about."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Return whether `condition` becomes true within `seconds`.

    A slow condition is checked less often.
    """
    began = time.monotonic()
    deadline = began + seconds
    while not condition():
        now = time.monotonic()
        if now > deadline:
            return False
        time.sleep(min(max(0.02, 3 * (now - began)), 0.3))
        began = time.monotonic()
    return True
