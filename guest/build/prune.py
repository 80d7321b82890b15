"""Leaves in the image what Python programs need, and nothing else. Run once, when the image is built.

Every file is one that an attacker might use, and each page of it one more bit by which a program can signal to another
container through the host's page cache (see docs/decisions/0025-kernel-resources.md).
"""

import compileall
import os
import re
import shutil
import site
import stat
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

UNNEEDED_MODULES = ("ensurepip", "idlelib", "pip", "test", "turtledemo")
"""Not for programs: they run without a network, without a screen, and not to test Python itself."""

LIBRARY = Path(sysconfig.get_path("stdlib"))
PACKAGES = Path("/opt/site-packages")
"""Where the packages of guest/requirements.txt are: the same directory on every base image."""
UNNEEDED_OF_PACKAGES = ("**/tests", "bin", "share")
UNNEEDED_FILES_OF_PACKAGES = [f"**/*.{ending}" for ending in ("a", "c", "cpp", "h", "pxd", "pyi", "pyx")]

KEPT_PROGRAMS = {"python", "python3", "python3.13", "sh", "dash", "cat", "echo", "ls", "sleep", "true", "false"}
"""Python, and the few that lessons call through subprocess."""
PROGRAM_DIRECTORIES = [Path(name) for name in ("/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin")]

PATH_FILE = Path(site.getsitepackages()[0], "sandbox.pth")
KEPT_TREES = [LIBRARY, PACKAGES, *map(Path, ("/opt/fonts", "/usr/lib/locale", "/usr/share/zoneinfo"))]
KEPT_FILES = {
    PATH_FILE,
    Path("/usr/lib/os-release"),
    *(
        Path("/etc", name)
        for name in "debian_version gai.conf group host.conf ld.so.cache localtime mime.types mtab nsswitch.conf "
        "os-release passwd protocols services timezone".split()
    ),
}
KEPT_DIRECTORIES = {Path(name) for name in "/opt /run/lock /tmp /usr/local/bin /usr/bin /var/tmp".split()}
MOUNTED = {Path(name) for name in ("/dev", "/proc", "/sys")}

LIBRARY_PATH = re.compile(r"\s(/\S+) \(0x")
"""A library in the output of ldd."""


def main() -> None:
    """Remove packages, modules, special modes and all else that no program needs; byte-compile the rest."""
    for directory in {LIBRARY, *(Path(sysconfig.get_path(name)) for name in ("purelib", "platlib"))}:
        for module in UNNEEDED_MODULES:
            for path in (directory / module, *directory.glob(f"{module}-*")):
                shutil.rmtree(path, ignore_errors=True)
    _prune_packages()
    (LIBRARY / "turtle.py").unlink()  # it needs a screen; ours is in /opt/sandbox
    (LIBRARY / "sitecustomize.py").unlink(missing_ok=True)  # Debian's asks for its bug reporter at every start
    compileall.compile_dir(LIBRARY, quiet=2)
    compileall.compile_dir(PACKAGES, quiet=2)
    _drop_all_but({*KEPT_FILES, *_programs(), *_shared_libraries()})
    _drop_special_modes()


def _prune_packages() -> None:
    """Remove what only the packages' own development needs, and put the rest on the path of every Python process."""
    for pattern in UNNEEDED_OF_PACKAGES:
        for directory in list(PACKAGES.glob(pattern)):
            shutil.rmtree(directory, ignore_errors=True)
    for pattern in UNNEEDED_FILES_OF_PACKAGES:
        for file in list(PACKAGES.glob(pattern)):
            file.unlink()
    # Our own package too: processes that a program starts import `guest.program.figures` and others by name.
    PATH_FILE.write_text(f"{PACKAGES}\n/opt/sandbox\n")


def _programs() -> set[Path]:
    return {directory / name for directory in PROGRAM_DIRECTORIES for name in KEPT_PROGRAMS}


def _shared_libraries() -> set[Path]:
    """Return the files of all libraries that the kept programs and modules load, and the links that lead to them."""
    binaries = [path for path in _programs() if path.exists() and not path.is_symlink()]
    binaries += [path for tree in (LIBRARY, PACKAGES) for path in tree.rglob("*.so*")]
    output = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
    named = {Path(name) for name in LIBRARY_PATH.findall(output)}
    # ldd may name a library through a link to its directory, as in /lib64.
    linked = {path.parent.resolve() / path.name for path in named}
    return linked | {path.resolve() for path in linked}


def _drop_all_but(kept: set[Path]) -> None:
    """Remove every file that is neither in `kept` nor in a kept tree, and directories that are empty then."""
    for path in _everything(Path("/")):
        if path in kept or path in KEPT_DIRECTORIES or (path.is_symlink() and path.is_dir()):
            continue
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.name not in ("hosts", "hostname", "resolv.conf"):  # mounted while the image is built
            path.unlink()


def _everything(directory: Path) -> Iterator[Path]:
    """Yield what is in a directory, the contents of each directory before itself; skip kept trees."""
    for path in sorted(directory.iterdir()):
        if path in MOUNTED or path in KEPT_TREES:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _everything(path)
        yield path


def _drop_special_modes() -> None:
    """Clear setuid and setgid on every file: nothing in the image may change its user."""
    for directory, names, files in os.walk("/"):
        if directory == "/":
            names[:] = [name for name in names if Path("/", name) not in MOUNTED]
        for name in files:
            path = Path(directory, name)
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
                path.chmod(stat.S_IMODE(mode) & ~(stat.S_ISUID | stat.S_ISGID))


if __name__ == "__main__":
    main()
