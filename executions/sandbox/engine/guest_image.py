"""The guest image: named by the content of guest/, so that a service never runs programs in another version's image."""

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from executions.sandbox.engine.engine import Engine, EngineError

GUEST_DIRECTORY = Path(__file__).parents[3] / "guest"
REPOSITORY = "code-exec-guest"

DOWNLOAD_SECONDS = 300
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""The engine's architectures, as wheels name them."""
OLDEST_GLIBC, NEWEST_GLIBC = 17, 41
"""2.17 to 2.41, which is that of Debian trixie: wheels for any of them run in the image."""


class ImageError(Exception):
    """The image's packages could not be downloaded, or are not known for the engine's architecture."""


def image_name(guest: Path = GUEST_DIRECTORY) -> str:
    """Return the name of the image that belongs to this version of guest/."""
    digest = hashlib.sha256()
    for path in _guest_files(guest):
        digest.update(f"{path.relative_to(guest)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return f"{REPOSITORY}:{digest.hexdigest()[:12]}"


def build_image(engine: Engine) -> Iterator[str]:
    """Build the image unless it is there; yield the lines of the build. Raises EngineError or ImageError.

    Pulls the base image if it is missing. Nothing else in the service pulls, and no request does.
    """
    name = image_name()
    try:
        engine.image_id(name)
        return
    except EngineError as error:
        if not error.missing:
            raise
    machine = _machine(engine.architecture())
    with tempfile.TemporaryDirectory() as directory:
        context = Path(directory)
        copy_guest(context)
        # Here pip has the machine's index, proxy and certificates; inside a build it would have none of them.
        if importlib.util.find_spec("pip"):
            yield "Downloading packages\n"
            download_wheels(context / "wheels", machine)
        yield from engine.build_image(context, name)


def copy_guest(context: Path, guest: Path = GUEST_DIRECTORY) -> None:
    """Copy guest/ into the empty directory `context`, readable by everybody whatever the umask."""
    for path in _guest_files(guest):
        copy = context / path.relative_to(guest)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    for copy in context.rglob("*"):
        copy.chmod(0o755 if copy.is_dir() else 0o644)


def _machine(architecture: str) -> str:
    if architecture not in MACHINES:
        raise ImageError(f"the image cannot be built for {architecture}, only for {' and '.join(MACHINES)}")
    return MACHINES[architecture]


def download_wheels(directory: Path, machine: str, guest: Path = GUEST_DIRECTORY) -> None:
    """Download the image's packages into `directory`, and pip, which the base image may lack. Raises ImageError.

    Takes only wheels whose hash is in the locks.
    """
    version = re.search(r"^FROM python:([\d.]+)", (guest / "Dockerfile").read_text(), re.MULTILINE)
    assert version is not None  # noqa: S101 (the first line of the file)
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(directory)]
    command += ["--require-hashes", "--no-deps", "--implementation", "cp", "--python-version", version[1]]
    command += [argument for platform in platforms for argument in ("--platform", platform)]
    for lock in ("requirements.lock", "requirements-pip.lock"):
        command += ["--requirement", str(guest / lock)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS)  # noqa: S603
    except subprocess.CalledProcessError as error:
        raise ImageError(f"packages of the image: {error.stderr.strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise ImageError(f"packages of the image: not downloaded within {DOWNLOAD_SECONDS} s") from error


def _guest_files(guest: Path) -> list[Path]:
    """Return what the image is built from, and nothing that an editor or a build may have left beside it."""
    packaging = [guest / "Dockerfile", guest / "requirements.lock"]
    return sorted([*guest.rglob("*.py"), *packaging])
