"""numpy, pandas, matplotlib and Pillow: loaded before the program, without a cost to other programs."""

import ast
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import pytest

from executions.sandbox.engine.engine import Engine
from executions.sandbox.profiles import Profile
from executions.sandbox.results import RunStatus, Submission, TestProgram
from executions.sandbox.sandbox import Sandbox
from executions.sandbox.settings import Reuse
from tests.sandbox.conftest import Launch, Runner
from tests.sandbox.test_options import GOLDEN
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
IMPORTS = "import numpy as np, pandas as pd, matplotlib.pyplot as plt, PIL.Image\n"
HIDDEN_IMPORTS = """
for name, package in {"np": "num" "py", "pd": "pan" "das", "plt": "mat" "plotlib.pyplot"}.items():
    exec(f"import {package} as {name}")
"""


def test_packages_are_loaded_before_the_program(science: Runner) -> None:
    """Loading takes a second elsewhere; `make bench` shows that this is twenty times as fast."""
    run = science("import sys\nprint('pandas' in sys.modules, 'matplotlib.backends.backend_agg' in sys.modules)")
    assert run.stdout == "False False\n"
    run = science("import sys\nloaded = len(sys.modules)\n" + IMPORTS + "print(len(sys.modules) - loaded)")
    assert (run.stdout, run.stderr) == ("0\n", "")
    assert run.cpu_seconds < 0.25


def test_unrecognised_science_program_runs_in_a_plain_container(science: Runner) -> None:
    """The program loads the packages in its own time. The longest timeout of a request would not suffice."""
    run = science(
        HIDDEN_IMPORTS + "import sys\nprint(int(np.arange(5).sum()), len(pd.DataFrame({'a': [1, 2]})))\n"
        "plt.plot([1, 2])\nplt.show()\n",
        timeout_seconds=40,
    )
    assert (run.status, run.stdout, run.stderr) == (RunStatus.SUCCESS, "10 2\n", "")
    assert [(image.width, image.height) for image in run.images] == [(640, 480)]


def test_program_may_read_its_own_files_and_time_zones(science: Runner) -> None:
    run = science(
        IMPORTS + "pd.DataFrame({'n': [1, 2], 'w': ['a', 'b']}).to_csv('own.csv', index=False)\n"
        "print(pd.read_csv('/tmp/own.csv').groupby('w').n.sum().to_dict())\n"
        "print(pd.Timestamp('2026-07-01 12:00', tz='UTC').tz_convert('Europe/Berlin'))\n"
        "print(np.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 4.0]))\n"
        "import os, threading\nprint(threading.active_count(), len(os.listdir('/proc/self/task')))\n"
    )
    expected = "{'a': 1, 'b': 2}\n2026-07-01 14:00:00+02:00\n[1. 1.]\n1 1\n"
    assert (run.status, run.stdout, run.stderr) == (RunStatus.SUCCESS, expected, "")


def test_random_numbers_differ_between_runs_of_one_container(science: Runner) -> None:
    draw = "print(np.random.rand(), np.random.default_rng().random())"
    outcome = science.tests(IMPORTS + draw, *[TestProgram(code=draw)] * 2)
    runs = (outcome.main, *outcome.tests)
    assert [run.status for run in runs] == [RunStatus.SUCCESS] * 3
    numbers = [number for run in runs for number in run.stdout.split()]
    assert len(set(numbers)) == len(numbers) == 6


def test_support_50_of_each_package(science: Runner) -> None:
    """One refusal in a thousand is one too many."""
    run = science(
        IMPORTS + "for n in range(50):\n"
        "    table = pd.DataFrame({'a': np.arange(n + 2)})\n"
        "    image = PIL.Image.fromarray(np.zeros((9, 9), 'uint8'))\n"
        "    print(int(np.hypot(3, 4)), int(table.a.sum()) == (n + 1) * (n + 2) // 2, image.size)\n",
        timeout_seconds=40,
    )
    assert (run.status, run.stdout, run.stderr) == (RunStatus.SUCCESS, "5 True (9, 9)\n" * 50, "")
    assert run.flags == frozenset()


def test_support_files_of_each_package(science: Runner) -> None:
    """What the packages ask of the kernel is allowed, and raises no flag."""
    run = science(
        IMPORTS + "import multiprocessing, sqlite3\n"
        "array = np.memmap('a.npy', dtype='int32', mode='w+', shape=(9,))\narray[:] = 1\narray.flush()\n"
        "np.save('b.npy', array)\nassert np.load('b.npy', mmap_mode='r').sum() == 9\n"
        "table = pd.DataFrame({'a': [1, 2], 'd': pd.date_range('2026-01-01', periods=2)})\n"
        "table.to_pickle('t.pkl')\ntable.to_csv('t.csv')\ntable.to_sql('t', sqlite3.connect('t.db'))\n"
        "assert len(pd.read_sql('select * from t', sqlite3.connect('t.db'))) == len(pd.read_pickle('t.pkl')) == 2\n"
        "table.plot(x='d')\nfor kind in ('png', 'svg', 'pdf'): plt.savefig(f'p.{kind}')\n"
        "PIL.Image.open('p.png').convert('RGB').save('p.jpg')\n"
        "np.linalg.svd(np.random.rand(50, 50)); np.fft.fft(np.ones(64))\n"
        "with multiprocessing.Pool(2) as pool: print(int(sum(pool.map(np.sum, [np.ones(3)] * 3))))\n",
        timeout_seconds=40,
    )
    assert (run.status, run.stdout, run.stderr) == (RunStatus.SUCCESS, "9\n", "")
    assert run.flags == frozenset()


def test_seed_gives_the_same_numbers_in_every_container(science: Runner) -> None:
    draw = "np.random.seed(42)\nprint(np.random.rand())"
    outcome = science.tests(IMPORTS + draw, TestProgram(code=draw))
    assert outcome.main.stdout == outcome.tests[0].stdout == "0.3745401188473625\n"


def test_tests_start_with_loaded_packages_and_empty_directories(science: Runner) -> None:
    look = "import os\nprint(sorted(os.listdir('/tmp')), os.listdir('/dev/shm'))"
    outcome = science.tests(IMPORTS + look + "\nplt.savefig('own.png')", TestProgram(code=look), TestProgram(code=look))
    assert [run.stdout for run in outcome.tests] == ["['main.py', 'own.png'] []\n"] * 2
    assert outcome.main.stdout == "['main.py'] []\n"


def test_science_container_has_the_memory_bound(science: Runner) -> None:
    """Most of the 128 MB are free, although the packages count; beyond, the program is killed."""
    small = science(IMPORTS + "print(np.ones(4_000_000).sum())")
    assert (small.status, small.stdout) == (RunStatus.SUCCESS, "4000000.0\n")
    large = science(IMPORTS + "print('begin')\nnp.ones(20_000_000)")
    assert (large.status, large.stdout) == (RunStatus.MEMORY_LIMIT, "begin\n")


def test_science_container_has_the_same_walls(science: Runner) -> None:
    run = science(
        IMPORTS + "import os, socket, ctypes\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def refusal(attempt, *arguments):\n"
        "    try: attempt(*arguments)\n"
        "    except OSError as error: return error.errno\n"
        "print(refusal(socket.socket().connect, ('8.8.8.8', 80)), refusal(socket.socket, 38, 5))\n"
        "print(refusal(os.listdir, '/proc/1/fd'), refusal(open, '/opt/site-packages/own', 'w'), os.getuid() > 0)\n"
        "print(sorted(os.listdir('/proc/self/fd'))[:3], len(os.listdir('/proc/self/fd')))\n"
        "status = dict(line.rstrip().split(':\\t', 1) for line in open('/proc/self/status') if ':\\t' in line)\n"
        "print(status['CapBnd'].strip('0'), status['NoNewPrivs'], status['Seccomp'])\n"
    )
    assert run.stdout == "101 1\n13 30 True\n['0', '1', '2'] 4\n 1 2\n", run.stderr


def test_processes_of_a_program_find_the_packages(science: Runner) -> None:
    run = science(
        IMPORTS + "import subprocess, sys\n"
        "child = 'import numpy, matplotlib.pyplot as plt; plt.plot([1]); plt.show(); print(numpy.arange(3))'\n"
        "print(subprocess.run([sys.executable, '-c', child], capture_output=True, text=True))",
        timeout_seconds=40,
    )
    assert "stdout='[0 1 2]\\n', stderr=''" in run.stdout
    assert len(run.images) == 1


def test_live_science_container_has_the_same_options(science_sandbox: Sandbox, engine: Engine) -> None:
    with science_sandbox.pool.container(Profile.SCIENCE) as container:
        live = engine.inspect(container.id)
    for name, value in GOLDEN["HostConfig"].items():  # type: ignore[attr-defined]
        assert (live["HostConfig"][name] or None) == (value or None), name
    assert sorted(live["Config"]["Env"]) == sorted(GOLDEN["Env"])  # type: ignore[call-overload]
    assert live["Config"]["Cmd"] == ["science"]


def test_every_package_of_the_image_is_pinned(run: Runner) -> None:
    packages = run(
        "import importlib.metadata, re\n"
        "for each in importlib.metadata.distributions(path=['/opt/site-packages']):\n"
        "    print(re.sub('[-_.]+', '-', each.name).lower() + '==' + each.version)"
    )
    lines = (ROOT / "guest/requirements.txt").read_text().splitlines()
    assert set(packages.stdout.split()) == {line for line in lines if line and not line.startswith("#")}


def test_science_program_waits_for_the_next_science_container(launch_sandbox: Launch) -> None:
    """It does not spend its own time on loading the packages; plain programs overtake it."""
    science_sandbox = launch_sandbox(science_pool_size=2, queue_seconds=30, reuse=Reuse.NEVER)
    assert eventually(lambda: science_sandbox.health().idle == 3, 60)
    submission = Submission(IMPORTS + "print('ok')", "", (), timeout_seconds=5)
    with science_sandbox.pool.container(Profile.SCIENCE), ThreadPoolExecutor() as threads:
        first, second = [threads.submit(science_sandbox.execute, submission) for _ in range(2)]
        assert eventually(lambda: science_sandbox.health().waiting == 1)
        hello = science_sandbox.execute(Submission("print('Hello')", "", (), timeout_seconds=5))
        assert hello.main.stdout == "Hello\n"
        assert science_sandbox.health().waiting == 1
        assert first.result().main.stdout == second.result().main.stdout == "ok\n"
    waited_seconds = sorted(each.result().waited_seconds for each in (first, second))
    assert waited_seconds[0] < 0.5 < waited_seconds[1]


IMPORT_ALL = """
import contextlib, importlib.metadata, io, re
package = importlib.metadata.distribution(NAME)
missing, loaded = {}, 0
for path in package.files:  # as in the wheel, whatever the image has left of it
    parts = re.sub(r"(/__init__)?(\\.py|\\.cpython-.*\\.so)$", "", str(path)).split("/")
    if path.suffix not in (".py", ".so") or not all(part.isidentifier() and part[0] != "_" for part in parts):
        continue
    name = ".".join(parts)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(f"from {name} import *", {})
        loaded += 1
    except Exception as error:
        missing[name] = repr(error)
print(loaded, missing)
"""
"""Runs `import *` of every public module in the package NAME, and prints how many succeed, and which fail."""

ABSENT = {
    "tests of the packages themselves": "*.tests* *.conftest".split(),
    "windows": [f"matplotlib.backends.{name}*" for name in "backend_gtk backend_qt backend_tk backend_wx qt".split()],
    "other windows": [f"matplotlib.backends.backend_{name}" for name in "macosx nbagg webagg".split()]
    + ["PIL.ImageTk"],
    "another package": "matplotlib.backends.backend_cairo matplotlib.sphinxext.* pandas.core.arrays.arrow.* "
    "pandas.io.formats.style* PIL.FpxImagePlugin PIL.MicImagePlugin".split(),
}
"""The modules that are not here, by what they need."""


@pytest.mark.parametrize("package", ["numpy", "pandas", "matplotlib", "pillow"])
def test_support_every_public_module_of_a_package(science: Runner, package: str) -> None:
    run = science(f"import numpy\nNAME = {package!r}\n{IMPORT_ALL}", timeout_seconds=60)
    assert (run.status, run.flags) == (RunStatus.SUCCESS, frozenset()), run.stderr
    loaded, _, missing = run.stdout.partition(" ")
    assert int(loaded) > 50
    absent = [pattern for patterns in ABSENT.values() for pattern in patterns]
    wanted = {
        name: error
        for name, error in ast.literal_eval(missing).items()
        if not any(map(partial(fnmatchcase, name), absent))
    }
    assert wanted == {}


def test_support_import_everything(science: Runner) -> None:
    """`import *` also loads what a package lists in `__all__` and imports only when it is asked for, as numpy.f2py."""
    run = science("from numpy import *\nfrom pylab import *\nfrom pandas import *\nprint(sqrt(16.0))")
    assert (run.status, run.stdout, run.stderr) == (RunStatus.SUCCESS, "4.0\n", "")


def test_support_sample_data(science: Runner) -> None:
    run = science(
        "import matplotlib.cbook, pathlib\n"
        "print(matplotlib.cbook.get_sample_data('goog.npz')['price_data'][0]['date'])\n"
        "files = pathlib.Path(matplotlib.get_data_path(), 'sample_data').glob('*.*')\n"
        "print(len([matplotlib.cbook.get_sample_data(path.name) for path in files]) > 10)"
    )
    assert (run.status, run.stdout, run.stderr) == (RunStatus.SUCCESS, "2004-08-19\nTrue\n", "")


PURE = {
    "bs4": "from bs4 import BeautifulSoup\nprint(BeautifulSoup('<p>a<b>ok</b>', 'html.parser').b.text)",
    "colorama": "import colorama\ncolorama.just_fix_windows_console()\nprint(len(colorama.Fore.RED) and 'ok')",
    "requests": "import requests\ntry: requests.get('https://pylearn.net')\n"
    "except requests.ConnectionError as error: print('ok' if 'Failed to resolve' in str(error) else error)",
    "rich": "from rich.console import Console\nfrom rich.table import Table\ntable = Table()\ntable.add_row('x')\n"
    "console = Console(record=True, quiet=True)\nconsole.print(table)\nConsole().print('[bold]ok[/bold]')",
    "tabulate": "from tabulate import tabulate\nprint(tabulate([['ok']], tablefmt='plain'))",
}


@pytest.mark.parametrize("package", PURE)
def test_support_packages_of_lessons(run: Runner, package: str) -> None:
    result = run(PURE[package])
    assert (result.status, result.stdout, result.stderr) == (RunStatus.SUCCESS, "ok\n", "")
