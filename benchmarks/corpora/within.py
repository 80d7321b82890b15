"""Runs in a container of the guest image, without the service: collects programs, and runs them with plain Python.

`within.py collect PACKAGE …` prints a JSON object: the name of each program and its text. `within.py run
SECONDS` reads programs, a JSON object in each line with the texts of `main.py` and the files beside it, and prints a
line for each: stdout, stderr and exit code (None after a timeout) of two runs, each of which may take so long.
"""

import ast
import contextlib
import doctest
import importlib
import io
import json
import pkgutil
import subprocess
import sys
import tempfile
import warnings

HEADERS = {"numpy": "import numpy as np\n", "pandas": "import numpy as np\nimport pandas as pd\n"}
UNLOADED = {"antigravity", "idlelib", "this", "tkinter", "turtle", "turtledemo", "test"}
"""Modules of the standard library that open a window or a browser, or print when they are imported."""


def collect(packages: list[str]) -> dict[str, str]:
    """Return a program for each docstring with examples in the standard library and the packages, by its name."""
    warnings.simplefilter("ignore")
    programs: dict[str, str] = {}
    for name in sorted(set(sys.stdlib_module_names) - UNLOADED):
        if not name.startswith("_"):
            programs |= _programs_of(name, "")
    for package in packages:
        importlib.import_module(package)
        inner = pkgutil.walk_packages(sys.modules[package].__path__, f"{package}.", onerror=lambda name: None)
        for name in sorted({package, *(each.name for each in inner if "tests" not in each.name)}):
            programs |= _programs_of(name, HEADERS[package])
    return programs


def _programs_of(name: str, header: str) -> dict[str, str]:
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            module = importlib.import_module(name)
        found = doctest.DocTestFinder(exclude_empty=True).find(module, name)
    except BaseException:  # noqa: BLE001 (whatever a module does that is not meant to be imported here)
        return {}
    header += f"from {name} import *\n" if name in sys.stdlib_module_names else ""
    return {test.name: header + "".join(map(_statement, test.examples)) for test in found if test.examples}


def _statement(example: doctest.Example) -> str:
    """Return an example as a program has it: an expression is printed, and what is no Python runs into its error."""
    try:
        body = ast.parse(example.source).body
    except SyntaxError:
        return example.source
    is_expression = len(body) == 1 and isinstance(body[0], ast.Expr)
    return f"print(repr({ast.unparse(body[0])}))\n" if is_expression else example.source


def run(files: dict[str, str], seconds: float) -> tuple[str, str, int | None]:
    """Run `main.py` in a directory with these files, as `python main.py` does; return stdout, stderr and exit code.

    Python shows the file with its whole path, and the service without, so the path is taken away.
    """
    with tempfile.TemporaryDirectory() as directory:
        for name, text in files.items():
            with open(f"{directory}/{name}", "w", encoding="utf-8", newline="") as file:
                file.write(text)
        command = [sys.executable, "main.py"]
        try:
            done = subprocess.run(
                command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            return "", "", None
    out, err = (text.decode(errors="replace").replace(f"{directory}/", "") for text in (done.stdout, done.stderr))
    return out, err, done.returncode


if __name__ == "__main__":
    if sys.argv[1] == "collect":
        print(json.dumps(collect(sys.argv[2:])))
    else:
        seconds = float(sys.argv[2])
        for line in sys.stdin:  # what differs between the two runs differs by chance
            files = json.loads(line)
            print(json.dumps([run(files, seconds), run(files, seconds)]), flush=True)
