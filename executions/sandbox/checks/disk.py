"""How much room is left where the engine and the database write: nothing is begun where it may not be finished."""

import os
from collections.abc import Iterator
from pathlib import Path

from executions.sandbox.settings import SandboxSettings


def find_shortage(settings: SandboxSettings, engine_directory: Path | None) -> str | None:
    """Return which place has less of its bytes or inodes free than the settings demand, None if none has.

    The places are those of the settings and the engine's directory, None as long as it is not known. One that cannot be
    looked at is left out.
    """
    for place in _places(settings, engine_directory):
        try:
            found = os.statvfs(place)
        except OSError:
            continue
        used = found.f_blocks - found.f_bfree
        rooms = {"bytes": (found.f_bavail, used + found.f_bavail), "inodes": (found.f_favail, found.f_files)}
        for what, (free, total) in rooms.items():
            if free * 100 < settings.least_free_percent * total:  # some file systems count no inodes: their total is 0
                return f"{place} has {free * 100 / total:.1f} % of its {what} left"
    return None


def _places(settings: SandboxSettings, engine_directory: Path | None) -> Iterator[Path]:
    yield from settings.places
    if engine_directory is not None:
        # In a container it cannot be seen, and our own root directory lies where it does.
        yield engine_directory if os.path.exists(engine_directory) else Path("/")
