"""How much room is left where the engine and the database write: nothing is begun where it may not be finished."""

import os
from collections.abc import Iterable
from pathlib import Path


def find_shortage(places: Iterable[Path], least_free_percent: float) -> str | None:
    """Return which of `places` has less of its bytes or inodes free than that, None if none has.

    A place that is not there is left out: the engine's directory may be another machine's, or out of our container.
    """
    for place in places:
        try:
            found = os.statvfs(place)
        except OSError:
            continue
        used = found.f_blocks - found.f_bfree
        rooms = {"bytes": (found.f_bavail, used + found.f_bavail), "inodes": (found.f_favail, found.f_files)}
        for what, (free, total) in rooms.items():
            if free * 100 < least_free_percent * total:  # some file systems count no inodes: their total is 0
                return f"{place} has {free * 100 / total:.1f} % of its {what} left"
    return None
