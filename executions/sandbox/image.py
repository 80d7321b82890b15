"""The guest image: named by the content of guest/, so that a service never runs programs in another version's."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from executions.sandbox.engine import Engine, EngineError

GUEST_DIRECTORY = Path(__file__).parents[2] / "guest"
REPOSITORY = "code-exec-guest"


def image_name() -> str:
    """Return the name of the image that belongs to this version of guest/."""
    digest = hashlib.sha256()
    for path in sorted(path for path in GUEST_DIRECTORY.iterdir() if path.is_file()):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return f"{REPOSITORY}:{digest.hexdigest()[:12]}"


def build_image(engine: Engine) -> Iterator[str]:
    """Build the image unless it is there; yield the lines of the build. Raises EngineError.

    The base image is pulled where it is missing. The only place where anything is ever pulled: not on a request.
    """
    name = image_name()
    try:
        engine.image_id(name)
    except EngineError as error:
        if not error.missing:
            raise
        yield from engine.build_image(GUEST_DIRECTORY, name)
