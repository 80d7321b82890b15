"""What works elsewhere but not here: commands of a terminal or a notebook, modules with a window, other languages."""

from __future__ import annotations

import re

NEED_A_SCREEN = ("tkinter", "_tkinter", "turtledemo", "idlelib")

PACKAGES = r"(?:install|uninstall|update|upgrade|list|show|freeze|start|init|run|activate|create|add|remove)\b|--?\w"
FILES = r"(?:-\w+\s+)?[-~./:\\\w]+\s*$"
ARGUMENTS = {
    **dict.fromkeys("pip pip3 conda apt apt-get brew npm yarn poetry pipenv".split(), PACKAGES),
    **dict.fromkeys("python python3 py node".split(), r"-|[\w./\\-]+\.(?:py|js)\b"),
    **dict.fromkeys("cd ls mkdir rmdir rm touch".split(), FILES),
    **dict.fromkeys("bash sh source cat code".split(), r"[-~\w]*[./][-~./\w]*\s*$"),
    "chmod": r"[-+\w]+\s+\S",
    "docker": r"(?:run|build|pull|push|exec|ps|compose)\b",
    "export": r"\w+=\S",
    "git": r"(?:clone|init|add|commit|push|pull|status|checkout|log)\b",
    "jupyter": r"(?:notebook|lab)\b",
    "sudo": r"\w",
    "uv": r"(?:pip|add|run|sync|venv|init)\b",
}
"""The commands that beginners type, and how what follows them begins: `git` may also be a name."""

ALONE = "ls cd pwd clear cls python python3 pip pip3".split()
NOTEBOOK = r"\s*(?:[!%]+\s*\w|\$\s+\w|[A-Z]:\\|\./\w)"


def is_command(line: str) -> bool:
    """Return whether `line`, which Python cannot read or run, is a command for a terminal."""
    command, _, arguments = line.strip().partition(" ")
    command = command.lower()
    if pattern := ARGUMENTS.get(command):
        return (command in ALONE and not arguments) or re.match(pattern, arguments.lstrip()) is not None
    return command in ALONE or re.match(NOTEBOOK, line) is not None


def key_of(table: dict[str, str], word: str) -> str:
    """Return the name in Python of what is called `word` elsewhere, by a table of such words; or an empty string."""
    return next((key for key, listed in table.items() if word in listed.split()), "")
