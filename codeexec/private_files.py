"""The files of an SQLite database, which hold what learners write: only the service's own user may read them."""

import contextlib
import os
from pathlib import Path

SUFFIXES = ("", "-wal", "-shm", "-journal")


def keep_private(database: Path, own_directory: Path) -> None:
    """Create the database and its directory where they are missing, and close them and existing files to other users.

    A directory that was there before is closed only if it is `own_directory`: others may have more in it. SQLite gives
    its other files the mode of the database.
    """
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(OSError):  # a database that is only read, or another user's
        os.close(os.open(database, os.O_RDWR | os.O_CREAT, 0o600))
    if database.parent == own_directory:
        _close(own_directory, 0o700)
    for suffix in SUFFIXES:
        _close(database.with_name(database.name + suffix), 0o600)


def _close(path: Path, mode: int) -> None:
    with contextlib.suppress(OSError):  # missing, or another user's
        if path.stat().st_mode & 0o777 & ~mode:
            path.chmod(mode)
