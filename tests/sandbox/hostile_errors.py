"""Programs whose errors and ends are made to confuse whoever reports them, each with its only honest answer."""

from dataclasses import dataclass

from executions.sandbox.results import RunStatus


@dataclass(frozen=True)
class Hostile:
    """A program, and how it must end: with an error whose message begins like this, or for another reason."""

    code: str
    type: str = ""
    message: str = ""
    status: RunStatus = RunStatus.ERROR
    stdout: str = ""
    timeout_seconds: float = 8


def endless(code: str) -> Hostile:
    """Return a program that its deadline ends."""
    return Hostile(code, "Timeout", status=RunStatus.TIMEOUT, timeout_seconds=1)


def flooding(code: str) -> Hostile:
    """Return a program whose report is longer than any output may be."""
    return Hostile(code, "OutputLimit", status=RunStatus.OUTPUT_LIMIT)


def harmless(code: str, stdout: str = "") -> Hostile:
    """Return a program that succeeds."""
    return Hostile(code, status=RunStatus.SUCCESS, stdout=stdout)


def loud(body: str) -> str:
    return f"class Loud(Exception):\n    def __str__(self): {body}\nraise Loud"


DIVISION = ("ZeroDivisionError", "division by zero")

FIND_MAILBOX = """
import os, struct, sys
frame = sys._getframe()
while frame.f_code.co_name != "run_task":
    frame = frame.f_back
mailbox = frame.f_locals["mailbox"]
"""
"""Through our frames, of which a program sees none."""
NO_FRAME = ("AttributeError", "'NoneType' object has no attribute 'f_code'")

STOP = "while True: os.kill(os.getpid(), signal.SIGSTOP)"

SHOW = "import os\nos.makedirs('/tmp/.shown')\n"

HOSTILE = {
    # Names and messages
    "HTML and control characters as a name": Hostile(
        "raise type('Bad\\n\\x1b[31m<img src=x onerror=alert(1)>', (Exception,), {})('<script>')",
        "Bad\n\x1b[31m<img src=x onerror=alert(1)>",
        "<script>",
    ),
    "message that never ends": endless(loud("\n        while True: pass")),
    "message of 10 MB": flooding(loud("return 'x' * 10**7")),
    "message that raises": Hostile(loud("raise Loud"), "Loud"),
    "key of a megabyte": Hostile("{}['k' * 10**6]", "KeyError", "'kkkk"),
    "number of 100,000 digits": Hostile("int('9' * 100_000)", "ValueError", "Exceeds the limit (4300 digits)"),
    "name that equals every name": Hostile(
        "class Any(str):\n    __hash__ = str.__hash__\n    def __eq__(self, other): return True\n"
        "raise NameError(Any(\"name 'n' is not defined\"), name=Any('n'))",
        "NameError",
        "name 'n' is not defined",
    ),
    "name of invisible marks": Hostile(
        "raise NameError('name ' + '\\u202e\\ufeff' * 500 + ' is not defined')", "NameError", "name \u202e\ufeff"
    ),
    "message that is a format": Hostile(
        "raise AttributeError(\"'{x}' object has no attribute '{0.__class__}'\")",
        "AttributeError",
        "'{x}' object has no attribute '{0.__class__}'",
    ),
    # Positions
    "position far behind the end": Hostile(
        "raise SyntaxError('m', ('main.py', 10**9, 10**9, 't', 10**9, 10**9))", "SyntaxError", "m"
    ),
    "position before the start": Hostile(
        "raise SyntaxError('m', ('main.py', -5, -7, 't', -1, -1))", "SyntaxError", "m"
    ),
    "line number that is text": Hostile(
        "error = SyntaxError('m')\nerror.filename, error.lineno = 'main.py', '1'\nraise error", "SyntaxError", "m"
    ),
    "message that is an object": Hostile(
        "error = SyntaxError()\nerror.msg, error.filename, error.lineno = object(), 'main.py', 1\nraise error",
        "SyntaxError",
        "<object object at 0x",
    ),
    # Long and deep reports
    "100,000 notes": flooding("error = ValueError('v')\nfor _ in range(10**5): error.add_note('n' * 100)\nraise error"),
    "groups in groups": Hostile(
        "error = ValueError('v')\nfor _ in range(5000): error = ExceptionGroup('group', [error])\nraise error",
        "ExceptionGroup",
        "group (1 sub-exception)",
    ),
    "chain of causes": flooding(
        "last = None\nfor n in range(20_000):\n    error = ValueError(n)\n    error.__cause__, last = last, error\n"
        "raise last"
    ),
    "list too deep to print": Hostile(
        "deep = []\nfor _ in range(10**5): deep = [deep]\nprint(deep)",
        "RecursionError",
        "maximum recursion depth exceeded while getting the repr",
    ),
    # Programs that are hard to compile
    "sum of 64 KB": Hostile(
        "total = " + " + ".join(["1"] * 16_000), "RecursionError", "maximum recursion depth exceeded during compilation"
    ),
    "30,000 brackets": Hostile("(" * 30_000, "SyntaxError", "too many nested parentheses"),
    "60,000 minus signs": Hostile("-" * 60_000 + "1", "MemoryError", "Parser stack overflowed"),
    "20,000 attributes": Hostile(
        "a" + ".a" * 20_000, "RecursionError", "maximum recursion depth exceeded during compilation"
    ),
    "braces in an f-string": Hostile("f'" + "{" * 5000, "SyntaxError", "unterminated f-string literal"),
    "lambdas in lambdas": Hostile("f = " + "lambda:" * 9000 + "0", "MemoryError", "Parser stack overflowed"),
    # Ends
    "search that never ends": endless("import re\nre.match('(a+)+$', 'a' * 40 + 'b')"),
    "exit with control characters": Hostile(
        "import sys\nsys.exit('\\x1b]0;title\\x07<b>')", "SystemExit", "\x1b]0;title\x07<b>"
    ),
    "output at exit": Hostile("import atexit\natexit.register(print, 'late')\n1 / 0", *DIVISION, stdout="late\n"),
    "thread that outlives the error": Hostile(
        "import threading\nthreading.Timer(0.1, print, ['later']).start()\n1 / 0", *DIVISION, stdout="later\n"
    ),
    "hook of its own": Hostile(
        "import sys\nsys.excepthook = lambda *_: print('hooked')\n1 / 0", *DIVISION, stdout="hooked\n"
    ),
    "no descriptors": Hostile("import os\nos.closerange(0, 256)\n1 / 0", *DIVISION),
    "limits of its own": Hostile(
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n1 / 0",
        *DIVISION,
    ),
    # What the supervisor hears
    "mailbox of bytes": Hostile(f"{FIND_MAILBOX}mailbox.put(b'\\xff' * 8192)\nos._exit(3)", *NO_FRAME),
    "mailbox with a line of its own": Hostile(
        f"{FIND_MAILBOX}most = 2**32 - 1\n"
        "mailbox.put(struct.pack('!IIIHHH', most, most, 0, 5, 10, 10) + b'<b>ab' + bytes(20))\nos._exit(3)",
        *NO_FRAME,
    ),
    "flood of signals": harmless(
        "import contextlib, os\nwith contextlib.suppress(PermissionError):  # under gVisor\n"
        "    for _ in range(100_000): os.kill(1, 17)\nprint('ok')",
        stdout="ok\n",
    ),
    "process that always stops": endless(f"import os, signal\n{STOP}"),
    "sixty processes that always stop": endless(
        f"import os, signal\nfor _ in range(60):\n    if os.fork() == 0:\n        {STOP}\n{STOP}"
    ),
    "flood of images": harmless(
        f"{SHOW}head = b'\\x89PNG\\r\\n\\x1a\\n\\0\\0\\0\\rIHDR' + b'\\0\\0\\xff\\xff' * 2\n"
        "for n in range(200): open(f'/tmp/.shown/{n}', 'wb').write(head + b'\\0\\0\\0\\0IEND\\xaeB`\\x82')"
    ),
    "images that are none": harmless(
        f"{SHOW}os.mkfifo('/tmp/.shown/0')\nos.mkdir('/tmp/.shown/1')\n"
        "os.symlink('/proc/1/environ', '/tmp/.shown/2')\nos.symlink('/dev/zero', '/tmp/.shown/3')"
    ),
}
