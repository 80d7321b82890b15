"""How often things happened in the sandbox since this process began. Whoever wants to tell them reads them here."""

import threading
from collections import Counter
from enum import StrEnum


class Event(StrEnum):
    """What is counted: names as monitoring uses them."""

    REFILL = "refills"
    FAILED_REFILL = "failed_refills"
    ENGINE_ERROR = "engine_errors"
    ORPHAN = "orphans_removed"
    STRAY = "strays_removed"
    ENDED_WARM = "warm_containers_ended"


_counts: Counter[Event] = Counter()
_lock = threading.Lock()  # to add to a number is not one step


def count(event: Event, times: int = 1) -> None:
    """Count what has happened."""
    with _lock:
        _counts[event] += times


def counts() -> dict[Event, int]:
    """Return all counts, those that are 0 too."""
    with _lock:
        return {event: _counts[event] for event in Event}
