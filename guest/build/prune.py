"""Removes what no program needs and an attacker might use. Run once, when the image is built."""

import compileall
import os
import shutil
import site
import stat
import sysconfig
from pathlib import Path

UNNEEDED = (
    "/var/lib/apt /var/lib/dpkg /var/cache /var/log /var/spool /etc/apt /etc/dpkg /root /home /media /mnt /srv "
    "/usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /usr/lib/apt /usr/libexec"
).split()
UNNEEDED_MODULES = ("ensurepip", "idlelib", "pip", "test", "turtledemo")

PACKAGES = Path("/opt/site-packages")
"""Where the packages of guest/requirements.txt are: the same directory on every base image."""
UNNEEDED_OF_PACKAGES = ("**/tests", "**/sample_data", "bin", "share", "numpy/f2py")
UNNEEDED_FILES_OF_PACKAGES = ("**/*.pyi", "**/*.a", "**/*.h", "**/*.pxd")

KEPT_PROGRAMS = {"python", "python3", "python3.13", "sh", "dash", "cat", "echo", "ls", "sleep", "true", "false"}


def main() -> None:
    """Remove packages, modules, special modes and programs; byte-compile the rest."""
    library = Path(sysconfig.get_path("stdlib"))
    packages = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    for directory in {library, *packages}:
        for module in UNNEEDED_MODULES:
            for path in (directory / module, *directory.glob(f"{module}-*")):
                shutil.rmtree(path, ignore_errors=True)
    _prune_packages()
    (library / "sitecustomize.py").unlink(missing_ok=True)  # Debian's asks for its bug reporter at every start
    compileall.compile_dir(library, quiet=2)
    compileall.compile_dir(PACKAGES, quiet=2)
    for unneeded in UNNEEDED:
        shutil.rmtree(unneeded, ignore_errors=True)
    for path in Path("/tmp").iterdir():  # noqa: S108 (ours, while the image is built)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    _drop_special_modes()
    _drop_programs()


def _prune_packages() -> None:
    """Remove what only the packages' own development needs, and put the rest on the path of every Python process."""
    for pattern in UNNEEDED_OF_PACKAGES:
        for directory in list(PACKAGES.glob(pattern)):
            shutil.rmtree(directory, ignore_errors=True)
    for pattern in UNNEEDED_FILES_OF_PACKAGES:
        for file in list(PACKAGES.glob(pattern)):
            file.unlink()
    # Our own package too: processes that a program starts import `guest.program.figures` and others by name.
    Path(site.getsitepackages()[0], "sandbox.pth").write_text(f"{PACKAGES}\n/opt/sandbox\n")


def _drop_special_modes() -> None:
    """Clear setuid and setgid on every file: nothing in the image may change its user."""
    for directory, names, files in os.walk("/"):
        if directory == "/":
            names[:] = [name for name in names if name not in ("proc", "sys", "dev")]
        for name in files:
            path = Path(directory, name)
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
                path.chmod(stat.S_IMODE(mode) & ~(stat.S_ISUID | stat.S_ISGID))


def _drop_programs() -> None:
    """Remove every program except Python and the few that lessons call through subprocess."""
    for directory in ("/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin"):
        for path in Path(directory).iterdir():
            if path.name not in KEPT_PROGRAMS:
                path.unlink()


if __name__ == "__main__":
    main()
