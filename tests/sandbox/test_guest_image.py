"""The guest image: what it is built from, and builds that fail."""

import hashlib
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from executions.sandbox.engine.engine import ContainerEvent, ContainerSummary, Engine, EngineError
from executions.sandbox.engine.guest_image import (
    ImageError,
    build_image,
    copy_guest,
    download_wheels,
    image_name,
)
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.settings import SandboxSettings
from executions.sandbox.timing import Timing
from tests.waiting import eventually


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    """Return a small guest/."""
    directory = tmp_path / "guest"
    (directory / "supervisor" / "__pycache__").mkdir(parents=True)
    for name in ("Dockerfile", "requirements.lock", "__init__.py", "supervisor/main.py"):
        (directory / name).write_text(name)
    return directory


@pytest.fixture
def _private_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_files_left_beside_the_source_change_neither_name_nor_context(guest: Path, tmp_path: Path) -> None:
    name = image_name(guest)
    for left in ("supervisor/.main.py.swp", "supervisor/__pycache__/main.cpython-313.pyc", "notes.txt"):
        (guest / left).write_text("left")
    assert image_name(guest) == name
    context = tmp_path / "context"
    context.mkdir()
    copy_guest(context, guest)
    copied = {str(path.relative_to(context)) for path in context.rglob("*") if path.is_file()}
    assert copied == {"Dockerfile", "requirements.lock", "__init__.py", "supervisor/main.py"}


@pytest.mark.usefixtures("_private_umask")
def test_context_is_readable_by_everybody_whatever_the_umask(guest: Path, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    copy_guest(context, guest)
    modes = {str(path.relative_to(context)): path.stat().st_mode & 0o777 for path in context.rglob("*")}
    assert modes["supervisor"] == 0o755
    assert modes["supervisor/main.py"] == modes["Dockerfile"] == 0o644


def test_wheel_that_has_changed_is_not_taken(guest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (guest / "Dockerfile").write_text("FROM python:3.13-slim")
    for name, lock in ("lesson", "requirements.lock"), ("pip", "requirements-pip.lock"):
        wheel = tmp_path / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            archive.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (guest / lock).write_text(f"--only-binary :all:\n{name}==1.0 --hash=sha256:{digest}\n")
    for variable, value in ("NO_INDEX", "1"), ("FIND_LINKS", str(tmp_path)), ("CONFIG_FILE", os.devnull):
        monkeypatch.setenv(f"PIP_{variable}", value)
    download_wheels(tmp_path / "wheels", "x86_64", guest)
    assert sorted(path.name for path in (tmp_path / "wheels").iterdir()) == [
        "lesson-1.0-py3-none-any.whl",
        "pip-1.0-py3-none-any.whl",
    ]
    with zipfile.ZipFile(tmp_path / "lesson-1.0-py3-none-any.whl", "a") as archive:
        archive.writestr("evil.py", "")
    with pytest.raises(ImageError, match="DO NOT MATCH THE HASHES"):
        download_wheels(tmp_path / "again", "x86_64", guest)


class EngineWithoutImage(Engine):
    """Has neither images nor containers; counts its pings, and how often its architecture is asked for."""

    def __init__(self, architecture: str) -> None:
        self._architecture = architecture
        self.pings = 0
        self.builds = 0

    def ping(self) -> None:
        self.pings += 1

    def containers(self) -> list[ContainerSummary]:
        return []

    def directory(self) -> Path:
        return Path("/")

    def image_id(self, name: str) -> str:
        raise EngineError("no such image", missing=True)

    def architecture(self) -> str:
        self.builds += 1
        if not self._architecture:
            raise ZeroDivisionError
        return self._architecture

    def events(self, labels: list[str]) -> Iterator[ContainerEvent]:
        yield from ()

    def close(self) -> None:
        pass


def test_image_is_not_built_for_an_unknown_architecture() -> None:
    with pytest.raises(ImageError, match="cannot be built for riscv64, only for amd64 and arm64"):
        list(build_image(EngineWithoutImage("riscv64")))


@pytest.mark.parametrize("architecture", ["riscv64", ""], ids=["expected", "unexpected"])
def test_failed_build_is_not_tried_again_at_once(architecture: str) -> None:
    engine = EngineWithoutImage(architecture)
    sandbox = Sandbox(SandboxSettings(), Timing(check_seconds=0.01), lambda: engine)
    sandbox.start()
    try:
        assert eventually(lambda: engine.pings > 5)
    finally:
        sandbox.close(drain_seconds=1)
    assert engine.builds == 1
