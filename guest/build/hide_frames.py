"""Compiles the modules that a program's frames stand on so that nothing shows them. Run once, when the image is built.

Python hides a frame that has not begun: from tracebacks, `inspect.stack()`, warnings and debuggers. It has begun once
it is past the instruction RESUME, and the functions compiled here have none. So a program sees what it would under
`python main.py`. See docs/decisions/0032-real-programs.md.
"""

import importlib.util
import marshal
import opcode
import struct
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from pathlib import Path
from types import CodeType

ROOT = Path("/opt/sandbox")
ENTRY_POINT = ROOT / "main.py"
MODULES = [
    ROOT / "guest/supervisor/main.py",
    *ROOT.glob("guest/program/*.py"),
    *ROOT.glob("guest/turtle/*.py"),
    ROOT / "turtle.py",
]

SUSPENDED = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
RESUME, NOP = (opcode.opmap[name] for name in ("RESUME", "NOP"))


def main() -> None:
    """Write the .pyc files: those of modules where Python looks for them, that of the entry point beside it."""
    for path in MODULES:
        _compile(path, Path(importlib.util.cache_from_source(str(path))))
    _compile(ENTRY_POINT, ENTRY_POINT.with_suffix(".pyc"))


def _compile(path: Path, target: Path) -> None:
    code = hidden(compile(path.read_bytes(), str(path), "exec", dont_inherit=True))
    status = path.stat()
    header = struct.pack("<4sIII", importlib.util.MAGIC_NUMBER, 0, int(status.st_mtime), status.st_size)
    target.write_bytes(header + marshal.dumps(code))


def hidden(code: CodeType) -> CodeType:
    """Return `code` and the functions in it without RESUME. Generators keep theirs: they could not run without."""
    if "super" in code.co_names:
        raise ValueError(f"{code.co_filename}: super() would look for the frame that is hidden")
    constants = tuple(hidden(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    if code.co_flags & SUSPENDED:
        return code.replace(co_consts=constants)
    instructions = bytearray(code.co_code)
    start = instructions[::2].index(RESUME) * 2
    instructions[start : start + 2] = NOP, 0
    return code.replace(co_code=bytes(instructions), co_consts=constants)


if __name__ == "__main__":
    main()
