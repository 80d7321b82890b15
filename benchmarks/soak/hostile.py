"""The programs of attackers in a soak. Each ends in a known way, without harm to other programs."""

import random
from typing import Any

from benchmarks.soak.programs import Program, expect, judged
from benchmarks.soak.strays import DIGITS, new_number

SHORT = {"timeout": 2}
ENDED = ("memory_limit", "timeout")  # a busy machine may be too slow to allocate so much memory in time

# name, code, expected fields of the answer, fields of the request
ATTACKS: tuple[tuple[str, str, dict[str, Any], dict[str, Any]], ...] = (
    ("endless loop", "print({n})\nwhile True: pass", {"status": "timeout", "output": "{n}\n"}, SHORT),
    ("sleeper", "print({n})\nimport time\ntime.sleep(100)", {"status": "timeout", "output": "{n}\n"}, SHORT),
    (
        "ignored signals",
        "import signal, time\nfor s in signal.valid_signals() - {{9, 19}}: signal.signal(s, signal.SIG_IGN)\n"
        "print({n})\nwhile True: time.sleep(1)",
        {"status": "timeout", "output": "{n}\n"},
        SHORT,
    ),
    (
        "fork bomb",
        "import os\nprint({n})\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        {"status": "timeout", "output": ("{n}\n", "")},  # "": the supervisor was too starved to read it
        SHORT,
    ),
    (
        "thread bomb",
        "import threading, time\nprint({n})\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()",
        {"status": ("error", "timeout"), "output": ("{n}\n", "")},
        SHORT,
    ),
    ("flood", "while True: print('{n}' * 100)", {"status": "output_limit", "truncated": True}, {}),
    (
        "flood of errors",
        "import os\nwhile True: os.write(2, b'\\x00\\x1b\\xff' * 9999)",
        {"status": "output_limit"},
        {},
    ),
    ("memory", "print({n})\nx = bytearray(300 << 20)", {"status": ENDED, "output": "{n}\n"}, {}),
    ("memory in pieces", "x = []\nwhile True: x.append(bytearray(1 << 20))", {"status": ENDED}, {}),
    (
        "memory of a child",
        "import os\nif os.fork() == 0: x = bytearray(300 << 20)\nos.wait()\nprint({n})",
        {"status": ENDED, "exit_code": (0, None), "output": ("{n}\n", "")},
        {},
    ),
    (
        "full disk",
        "n = 0\ntry:\n    while True: open('/tmp/%d' % n, 'wb').write(bytes(1 << 20)); n += 1\n"
        "except OSError as error: print(error.errno, {n})",
        {"status": "success", "output": "28 {n}\n"},
        {},
    ),
    (
        "full directory",
        "n = 0\ntry:\n    while True: open('/dev/shm/%d' % n, 'w').close(); n += 1\n"
        "except OSError as error: print(error.errno, {n})",
        {"status": "success", "output": "28 {n}\n"},
        {},
    ),
    (
        "kill -1",
        "import os\nprint({n}, flush=True)\ntry: os.kill(-1, 9)\nexcept OSError: pass\nos.kill(0, 9)",
        {"status": "error", "output": "{n}\n"},
        {},
    ),
    (
        "kill 1",
        "import os, resource\nfor attempt in (lambda: os.kill(1, 9), lambda: resource.prlimit(1, 7, (0, 0))):\n"
        "    try: attempt()\n    except OSError: print({n})",
        {"status": "success", "output": ("{n}\n", "{n}\n{n}\n")},  # Linux accepts the signal and drops it
        {},
    ),
    ("crash", "import ctypes\nctypes.string_at(0)", {"status": "error", "exit_code": None, "output": ""}, {}),
    ("abort", "import os\nprint({n}, flush=True)\nos.abort()", {"status": "error", "output": "{n}\n"}, {}),
    ("exit 137", "import os\nos._exit(137)", {"status": "error", "exit_code": 137}, {}),
    (
        "deep recursion",
        "def f(n): return f(n + 1)\ntry: f({n})\nexcept RecursionError: print('deep', {n})",
        {"status": "success", "output": "deep {n}\n"},
        {},
    ),
    (
        "fake frames",
        "import os\nfor fd in (1, 2):\n    os.write(fd, b'\\x06\\0\\0\\0\\x1d' + bytes(29))\nraise SystemExit(7)",
        {"status": "error", "exit_code": 7},
        {},
    ),
    (
        "closed streams",
        "import os\nfor fd in (0, 1, 2): os.close(fd)\nos._exit(3)",
        {"status": "error", "exit_code": 3, "output": ""},
        {},
    ),
    (
        "network",
        "import socket\ntry: socket.create_connection(('169.254.169.254', 80))\n"
        "except OSError as error: print(error.errno, {n})",
        {"status": "success", "output": "101 {n}\n"},
        {},
    ),
    (
        "survivors",
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.fork()\n    time.sleep(600)\nprint({n})",
        {"status": "success", "output": "{n}\n"},
        {},
    ),
)


def hostile(dice: random.Random) -> Program:
    """Return an attack with its own number in it."""
    number = new_number(dice)
    kind = dice.randrange(len(ATTACKS) + 3)
    if kind < len(ATTACKS):
        name, code, wanted, fields = ATTACKS[kind]
        filled = {field: _filled(value, number) for field, value in wanted.items()}
        return expect(name, code.format(n=number), filled, **fields)
    return (_huge_input, _answer_and_leave, _endless_tests)[kind - len(ATTACKS)](number)


def _filled(value: Any, number: int) -> Any:
    if isinstance(value, tuple):
        return tuple(_filled(each, number) for each in value)
    return value.format(n=number) if isinstance(value, str) else value


def _huge_input(number: int) -> Program:
    text = str(number) * (256 * 1024 // DIGITS)
    code = "import sys\nprint(len(sys.stdin.read()))"
    return expect("huge input", code, {"status": "success", "output": f"{len(text)}\n"}, input_data=text)


def _answer_and_leave(number: int) -> Program:
    """Return a submission that prints the expected output and exits before the test."""
    code = f"import os\nprint({number}, flush=True)\nos._exit(0)"
    return judged("answer and leave", code, {}, [({"input": "f()", "expected_output": str(number)}, False)])


def _endless_tests(number: int) -> Program:
    code = "import sys\nif sys.stdin.read() == 'loop':\n    while True: pass\nprint('ok')"
    cases = [
        ({"stdin": "", "expected_output": "ok"}, True),
        ({"stdin": "loop", "expected_output": "ok"}, False),
        ({"stdin": "", "expected_output": "ok"}, False),  # no time is left
    ]
    return judged("endless tests", code, {"status": "success", "output": "ok\n"}, cases, **SHORT)
