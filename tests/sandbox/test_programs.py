"""Everything that lessons need works as on a learner's own machine."""

import pytest

from executions.sandbox.results import File, RunStatus, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import Runner

pytestmark = pytest.mark.docker


def test_support_prints_in_a_loop(run: Runner) -> None:
    result = run("for number in range(3):\n    print('line', number)")
    assert result.status is RunStatus.SUCCESS
    assert result.stdout == "line 0\nline 1\nline 2\n"
    assert (result.stderr, result.exit_code, result.signal, result.truncated) == ("", 0, None, False)


def test_support_no_output_is_an_empty_string(run: Runner) -> None:
    result = run("x = 1")
    assert (result.status, result.stdout, result.stderr) == (RunStatus.SUCCESS, "", "")


def test_support_input(run: Runner) -> None:
    assert run("print('Hello', input('Who? '))", stdin="Ada\n").stdout == "Who? Hello Ada\n"


def test_support_stdin_in_all_its_forms(run: Runner) -> None:
    code = "import sys\nprint(input())\nprint(sys.stdin.readline(), end='')\nprint(sys.stdin.read())\nprint(open(0))"
    assert run(code, stdin="a\nb\nc\nd").stdout.startswith("a\nb\nc\nd\n<_io.TextIOWrapper")


def test_support_input_without_stdin_is_an_eof_error(run: Runner) -> None:
    result = run("input()")
    assert result.status is RunStatus.ERROR
    assert result.stderr.endswith("EOFError: EOF when reading a line\n")


def test_support_more_stdin_than_a_pipe_holds(run: Runner) -> None:
    stdin = "x" * 256 * 1024
    assert run("import sys\nprint(len(sys.stdin.read()))", stdin=stdin).stdout == "262144\n"


def test_support_unread_stdin(run: Runner) -> None:
    assert run("print('done')", stdin="x" * 256 * 1024).stdout == "done\n"


def test_support_text_beyond_ascii(run: Runner) -> None:
    result = run("größe = input()\nprint(größe, '🐍', 'مرحبا')", stdin="Füße\n")
    assert result.stdout == "Füße 🐍 مرحبا\n"


FORK_OF_A_PROGRAM_WITH_THREADS = """\
import os, threading
over = threading.Event()
thread = threading.Thread(target=over.wait)
thread.start()
if os.fork() == 0:
    print(threading.active_count(), thread.is_alive(), threading.current_thread() is threading.main_thread())
    os._exit(0)
os.wait()
print(threading.active_count(), thread.is_alive(), threading.main_thread().native_id == os.getpid())
over.set()
"""


def test_support_forking_with_threads(run: Runner) -> None:
    assert run(FORK_OF_A_PROGRAM_WITH_THREADS).stdout == "1 False True\n2 True True\n"


def test_support_64_kib_of_code(run: Runner) -> None:
    code = "print('end')\n"
    assert run("#" * (64 * 1024 - len(code) - 1) + "\n" + code).stdout == "end\n"


def test_support_traceback_shows_only_the_learners_frames(run: Runner) -> None:
    code = "def a():\n    b()\n\ndef b():\n    c()\n\ndef c():\n    return 1 / 0\n\na()\n"
    result = run(code)
    assert result.status is RunStatus.ERROR
    assert result.exit_code == 1
    assert result.stderr == (
        "Traceback (most recent call last):\n"
        '  File "main.py", line 10, in <module>\n    a()\n    ~^^\n'
        '  File "main.py", line 2, in a\n    b()\n    ~^^\n'
        '  File "main.py", line 5, in b\n    c()\n    ~^^\n'
        '  File "main.py", line 8, in c\n    return 1 / 0\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )


def test_support_chained_exceptions(run: Runner) -> None:
    result = run("try:\n    {}['a']\nexcept KeyError as error:\n    raise ValueError('no a') from error\n")
    assert result.stderr.startswith('Traceback (most recent call last):\n  File "main.py", line 2, in <module>\n')
    assert "direct cause" in result.stderr
    assert result.stderr.endswith("ValueError: no a\n")


def test_support_syntax_error(run: Runner) -> None:
    result = run("print('a'\nprint('b')\n")
    assert result.status is RunStatus.ERROR
    assert result.stderr == (
        "  File \"main.py\", line 1\n    print('a'\n         ^\nSyntaxError: '(' was never closed\n"
    )


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("if True:\r\n    print('a')\r\nprint('b')\r\n", "a\nb\n"),
        ("print('a')\x0c\nprint('b')", "a\nb\n"),
        ("# coding: utf-8\nprint('ä')", "ä\n"),
        ("größe = 1\nprint(größe)", "1\n"),
    ],
    ids=("CRLF", "form feed", "coding", "identifier"),
)
def test_support_sources_of_any_editor(run: Runner, code: str, output: str) -> None:
    result = run(code)
    assert (result.status, result.stdout, result.stderr) == (RunStatus.SUCCESS, output, "")


@pytest.mark.parametrize(
    "code",
    [
        "if True:\n\tprint('a')\n        print('b')",
        "print(" + "(" * 10_000 + ")" * 10_000 + ")",
        "x = " + "+".join(["1"] * 30_000),
        "print(f'" + "{1}" * 20_000 + "')",
        "x = " + "-" * 60_000 + "1",
        "# coding: rot13\ncevag('a')",
        "# coding: utf-16\nprint('a')",
        "# coding: nonsense\nprint('a')",
        "\ufeffprint('a')",
    ],
    ids=("tabs", "parentheses", "sum", "f-string", "minus", "rot13", "utf-16", "no coding", "mark of byte order"),
)
def test_allow_a_source_that_is_hard_to_compile(run: Runner, code: str) -> None:
    """A source that is hard to compile ends its own run and no other, and costs no container."""
    result = run(code)
    assert result.status in (RunStatus.SUCCESS, RunStatus.ERROR, RunStatus.TIMEOUT, RunStatus.MEMORY_LIMIT)
    assert "supervisor" not in result.stderr
    assert (result.status is RunStatus.ERROR) == bool(result.stderr or result.signal)
    assert run("print('ok')").stdout == "ok\n"


@pytest.mark.parametrize(
    ("code", "exit_code", "stderr"),
    [
        ("import sys; sys.exit()", 0, ""),
        ("exit(0)", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("raise SystemExit('bye')", 1, "bye\n"),
        ("import os; os._exit(137)", 137, ""),
        ("import sys; sys.exit(2**64)", 255, ""),
        ("import sys; sys.stderr = None; sys.exit('bye')", 1, "bye\n"),
        ("class Odd:\n    def __str__(self): raise ValueError\nraise SystemExit(Odd())", 1, "\n"),
    ],
)
def test_support_exit_codes(run: Runner, code: str, exit_code: int, stderr: str) -> None:
    result = run(code)
    assert (result.exit_code, result.stderr) == (exit_code, stderr)
    assert result.status is (RunStatus.ERROR if exit_code else RunStatus.SUCCESS)


def test_support_signals_have_names(run: Runner) -> None:
    result = run("import ctypes; ctypes.string_at(0)")
    assert (result.status, result.exit_code, result.signal) == (RunStatus.ERROR, None, "SIGSEGV")


@pytest.mark.wall("kept_output")
def test_support_a_program_that_stops_itself(run: Runner) -> None:
    """It continues and loses no output: no test begins here."""
    code = "import os\nfor part in 'abc':\n    print(part * 30_000)\n    os.kill(os.getpid(), 19)"
    result = run(code)
    assert (result.status, result.truncated, result.tested) == (RunStatus.SUCCESS, True, False)
    assert result.stdout == ("a" * 30_000 + "\n" + "b" * 30_000 + "\n" + "c" * 30_000)[:65536]


def test_support_threads_and_atexit_at_the_end(run: Runner) -> None:
    """Threads are joined, atexit is called and objects are deleted, in the interpreter's order."""
    code = """
import atexit, threading, time
class Last:
    def __del__(self):
        print("deleted")
last = Last()
atexit.register(print, "atexit")
threading.Thread(target=lambda: (time.sleep(0.1), print("thread"))).start()
print("main")
"""
    assert run(code).stdout == "main\nthread\natexit\ndeleted\n"


OPEN_FILES = {
    "of a class": "class Log: file = open('out.txt', 'w')\nLog.file.write('all')",
    "in a cycle": "class Log:\n    def __init__(self):\n        self.file = open('out.txt', 'w')\n"
    "        self.write = self.file.write\n        self.own = self.close\n    def close(self): pass\n"
    "log = Log()\nlog.write('all')",
    "of a module": "import helper\nhelper.out.write('all')",
}


@pytest.mark.parametrize("code", OPEN_FILES.values(), ids=OPEN_FILES.keys())
def test_support_files_that_nobody_closes(sandbox: Sandbox, code: str) -> None:
    helper = File("helper.py", b"out = open('out.txt', 'w')\n")
    outcome = sandbox.execute(Submission(code, "", (), 5, files=(helper,), collect=("out.txt",)))
    assert [file.content for file in outcome.main.collected] == [b"all"], outcome.main


def test_support_all_objects_are_deleted_though_one_creates_another(run: Runner) -> None:
    code = "class Last:\n    def __init__(self, name): self.name = name\n"
    code += "    def __del__(self):\n        print(self.name)\n        globals()[self.name] = 1\n"
    assert run(code + "a, b, c = map(Last, 'xyz')").stdout == "x\ny\nz\n"


ENDS = {
    "of an object": ("count = 1\nclass Dog:\n    def __del__(self): print('gone', count)\nrex = Dog()", "gone 1\n"),
    "of a module's object": ("import log", "closed 7\n"),
    "that calls a module": (
        "import log\nlog.one = None\nclass Dog:\n    def __del__(self): print(log.f())\na = Dog()",
        "closed 7\n7\n",
    ),
    "with a thread module": ("import threading, atexit\natexit.register(print, 'bye')", "bye\n"),
}
LOG = b"total = 7\ndef f(): return total\nclass Log:\n    def __del__(self): print('closed', total)\none = Log()\n"


@pytest.mark.parametrize(("code", "output"), ENDS.values(), ids=ENDS.keys())
def test_support_the_end_of_objects(sandbox: Sandbox, code: str, output: str) -> None:
    """They find what they use, as long as Python has it."""
    files = (File("log.py", LOG), File("threading.py", b""))
    outcome = sandbox.execute(Submission(code, "", (), 5, files=files))
    assert outcome.main.stdout == output
    assert outcome.main.stderr == ""


ODD_ERRORS = {
    "frozen": "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass E(Exception):\n    x: int\nraise E(1)",
    "own traceback": "class E(Exception):\n    __traceback__ = 5\nraise E(1)",
    "prints": "class E(Exception):\n    def __setattr__(self, name, value): print('set', name)\nraise E(1)",
}


@pytest.mark.parametrize("code", ODD_ERRORS.values(), ids=ODD_ERRORS.keys())
def test_support_exceptions_that_refuse_attributes(run: Runner, code: str) -> None:
    result = run(code)
    assert (result.status, result.stdout) == (RunStatus.ERROR, "")
    assert result.stderr.endswith("__main__.E: 1\n") or result.stderr.endswith("\nE: 1\n"), result.stderr
    assert "During handling" not in result.stderr
    assert result.detail is not None or "__traceback__" in code


def test_support_daemon_threads_that_outlive_the_globals(run: Runner) -> None:
    code = "import threading, time\ndef f(): pass\nclass Last:\n    def __del__(self, sleep=time.sleep): sleep(0.2)\n"
    code += "def loop():\n    while True:\n        f()\n        time.sleep(0.001)\n"
    code += "threading.Thread(target=loop, daemon=True).start()\nlast = Last()"
    assert (run(code).stderr, run(code).exit_code) == ("", 0)


def test_support_main_guard_and_own_file(run: Runner) -> None:
    code = "import inspect, sys\ndef f(): pass\nif __name__ == '__main__':\n    print(__file__, sys.argv)\n"
    result = run(code + "    print(inspect.getsource(f), open(__file__).readline())\n")
    assert result.stdout == "/tmp/main.py ['main.py']\ndef f(): pass\n import inspect, sys\n\n"


def test_support_recursion_error(run: Runner) -> None:
    result = run("def f():\n    f()\nf()")
    assert result.status is RunStatus.ERROR
    assert result.stderr.endswith("RecursionError: maximum recursion depth exceeded\n")


def test_support_surrogates_are_the_learners_error(run: Runner) -> None:
    result = run(r"print('\ud800')")
    assert result.status is RunStatus.ERROR
    assert "UnicodeEncodeError" in result.stderr


def test_support_bytes_that_are_not_utf_8(run: Runner) -> None:
    result = run("import sys\nsys.stdout.buffer.write(bytes(range(256)))\nsys.stdout.write('ü')")
    assert "\x00" not in result.stdout
    assert "\ufffd" in result.stdout
    assert result.stdout.endswith("ü")


def test_support_a_character_cut_by_the_pipe_is_whole(run: Runner) -> None:
    code = "import os, time\nfor byte in 'é🐍'.encode():\n    os.write(1, bytes([byte]))\n    time.sleep(0.05)"
    assert run(code).stdout == "é🐍"


@pytest.mark.parametrize("before", range(4))
def test_support_a_character_at_the_end_of_what_is_kept_is_whole(run: Runner, before: int) -> None:
    result = run(f"print('a' * {before} + '🐍' * 20_000)")
    assert (result.stdout, result.truncated) == ("a" * before + "🐍" * ((65536 - before) // 4), True)


@pytest.mark.parametrize(
    "code",
    [
        "import threading\nt = threading.Thread(target=print, args=('ok',)); t.start(); t.join()",
        "from multiprocessing import Pool\nwith Pool(2) as pool: print(*pool.map(str.strip, [' ok ']))",
        "from concurrent.futures import ProcessPoolExecutor as E\nwith E(2) as e: print(*e.map(str.strip, [' ok ']))",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'print(\"ok\")'], check=True)",
        "import os\nos.system('echo ok')",
        "import asyncio\nasync def main():\n    await asyncio.sleep(0.01)\n    print('ok')\nasyncio.run(main())",
        "import sqlite3\nprint(*sqlite3.connect(':memory:').execute(\"select 'ok'\").fetchone())",
        "from decimal import Decimal\nprint('ok' if Decimal('0.1') * 3 == Decimal('0.3') else '')",
        "from zoneinfo import ZoneInfo\nfrom datetime import datetime\nprint('ok' if ZoneInfo('UTC') else '')",
        "import tempfile\nwith tempfile.TemporaryFile('w+') as f:\n    f.write('ok'); f.seek(0); print(f.read())",
        "with open('notes.txt', 'w') as f: f.write('ok')\nprint(open('notes.txt').read())",
        "open('mine.py', 'w').write('word = \"ok\"')\nimport mine\nprint(mine.word)",
        "import pickle\nclass A: word = 'ok'\nprint(pickle.loads(pickle.dumps(A())).word)",
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    word: str\nprint(A('ok').word)",
        "import unittest\nclass T(unittest.TestCase):\n    def test(self): print('ok')\nunittest.main(exit=False)",
        "import doctest\nprint('ok' if doctest.testmod().failed == 0 else '')",
        "import random, uuid, secrets\nprint('ok')",
        "import logging\nlogging.basicConfig(level=10); logging.getLogger().info('x'); print('ok')",
    ],
)
def test_support_features_that_lessons_use(run: Runner, code: str) -> None:
    result = run(code)
    assert (result.status, result.stdout) == (RunStatus.SUCCESS, "ok\n"), result.stderr


def test_support_random_differs_between_runs(run: Runner) -> None:
    assert run("import random; print(random.random())").stdout != run("import random; print(random.random())").stdout


def test_support_memory_error_caught(run: Runner) -> None:
    assert run("try:\n    'a' * 10**13\nexcept MemoryError:\n    print('caught')").stdout == "caught\n"


def test_support_time_and_memory_figures(run: Runner) -> None:
    result = run("import time\ntime.sleep(0.3)\nx = bytearray(40_000_000)")
    assert 0.3 <= result.wall_seconds < 5
    assert 0 < result.cpu_seconds < 0.3
    assert result.memory_peak_kb > 40_000


def test_support_the_same_program_50_times(run: Runner) -> None:
    assert {run("print('ok')").stdout for _ in range(50)} == {"ok\n"}


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "code",
    [
        "import threading\n"
        "for _ in range(50):\n    t = threading.Thread(target=print, args=('ok',))\n    t.start()\n    t.join()",
        "from multiprocessing import Pool\nfor _ in range(50):\n    with Pool(2) as p: print(*p.map(str, ['ok']))",
        "import subprocess\nfor _ in range(50): subprocess.run(['python3', '-c', 'print(\"ok\")'], check=True)",
        "import asyncio\nasync def main():\n    await asyncio.sleep(0.001)\n    print('ok')\n"
        "for _ in range(50): asyncio.run(main())",
        "import sqlite3\nfor _ in range(50): print(*sqlite3.connect(':memory:').execute(\"select 'ok'\").fetchone())",
        "import tempfile\nfor _ in range(50):\n    with tempfile.TemporaryFile('w+') as file: print('ok')",
        "from decimal import Decimal\nfor _ in range(50): print({Decimal('0.3'): 'ok'}[Decimal('0.1') * 3])",
        "from datetime import datetime\nfrom zoneinfo import ZoneInfo\nfor _ in range(50):\n"
        "    ZoneInfo.clear_cache()\n"
        "    print({7200: 'ok'}[datetime(2026, 7, 1, tzinfo=ZoneInfo('Europe/Berlin')).utcoffset().seconds])",
    ],
    ids=["threads", "pools", "programs", "asyncio", "sqlite", "files", "decimals", "time zones"],
)
def test_support_50_of_each_kind(run: Runner, code: str) -> None:
    """One refusal in a thousand is one too many."""
    result = run(code, timeout_seconds=60)
    assert (result.status, result.stdout, result.stderr) == (RunStatus.SUCCESS, "ok\n" * 50, "")
    assert result.flags == frozenset()


@pytest.mark.parametrize(
    "code",
    [
        "print({'b', 'a', 'c', 'd', 'e'}, hash('x'), hash(b'x'), {('a', 1), ('b', 2)})",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', \"print({'b', 'a', 'c', 'd'})\"], check=True)",
    ],
    ids=["program", "another process"],
)
def test_support_one_order_of_a_set_in_every_container(run: Runner, code: str) -> None:
    """A test that prints a set gets the same verdict each time."""
    assert len({run(code).stdout for _ in range(3)}) == 1


def test_support_random_numbers_of_each_run_its_own(run: Runner) -> None:
    code = "import random, uuid, secrets\nprint(random.random(), uuid.uuid4(), secrets.token_hex())"
    outcome = run.tests(code, TestProgram(stdin=""), TestProgram(stdin=""))
    numbers = [number for each in outcome.runs for number in each.stdout.split()]
    assert len(set(numbers)) == 9
