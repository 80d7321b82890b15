"""The whole service with gVisor as the runtime of its containers."""

from collections.abc import Iterator

import pytest

from tests.e2e.event_source import EventSource
from tests.service import Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def gvisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(
        tmp_path_factory.mktemp("gvisor"), SANDBOX_RUNTIME="runsc", SANDBOX_POOL_SIZE="2", SANDBOX_QUEUE_SECONDS="20"
    ) as service:
        yield service


def test_a_program_runs_on_the_gvisor_kernel(gvisor: Service) -> None:
    answer = gvisor.execute("import os\nprint('Hello', input(), os.uname().release)", input_data="Ada\n")
    assert (answer["status"], answer["output"], answer["error"]) == ("success", "Hello Ada 4.4.0\n", "")
    assert 0 < answer["cpu_time"] < 5


def test_an_error_has_pythons_traceback(gvisor: Service) -> None:
    answer = gvisor.execute("print('before')\n1 / 0")
    assert (answer["status"], answer["exit_code"], answer["output"]) == ("error", 1, "before\n")
    assert answer["error"].endswith("ZeroDivisionError: division by zero\n")


def test_an_endless_loop_times_out_and_keeps_its_output(gvisor: Service) -> None:
    answer = gvisor.execute("print('so far')\nwhile True: pass", timeout=2)
    assert (answer["status"], answer["output"]) == ("timeout", "so far\n")


def test_memory_limit_keeps_the_output_and_fails_remaining_tests(gvisor: Service) -> None:
    cases = [{"stdin": "", "expected_output": "so far"}]
    answer = gvisor.execute("print('so far')\nx = bytearray(300 << 20)", test_cases=cases)
    assert (answer["status"], answer["output"]) == ("memory_limit", "so far\n")
    assert answer["error"] == "Memory limit of 128 MB exceeded"
    assert [result["passed"] for result in answer["test_results"]] == [False]


def test_a_flood_of_output_hits_the_output_limit(gvisor: Service) -> None:
    answer = gvisor.execute("while True: print('x' * 1000)")
    assert (answer["status"], answer["truncated"]) == ("output_limit", True)


def test_a_fork_bomb_ends_only_its_own_container(gvisor: Service) -> None:
    answer = gvisor.execute("import os\nprint('begin', flush=True)\nwhile True: os.fork()", timeout=5)
    assert (answer["output"], answer["status"] in ("error", "memory_limit", "timeout")) == ("begin\n", True)
    assert answer["status"] != "error" or answer["error"] == "The program was killed by signal SIGKILL"
    assert gvisor.execute("print('ok')")["output"] == "ok\n"


def test_test_cases_are_judged(gvisor: Service) -> None:
    cases = [
        {"input": "add(5, 3)", "expected_output": "8"},
        {"input": "add(5, 3)", "expected_output": "9"},
        {"code": "print(add('a', 'b'))", "expected_output": "ab", "hidden": True},
        {"input": "add(1, None)", "expected_output": "TypeError"},
    ]
    answer = gvisor.execute("def add(a, b):\n    return a + b", test_cases=cases)
    assert [result["passed"] for result in answer["test_results"]] == [True, False, True, True]


def test_an_interactive_program_gets_the_end_of_input(gvisor: Service) -> None:
    """In gVisor we cannot see that a program waits: it would get no question, and would time out."""
    with EventSource(gvisor, "print(input())\nprint(input())", interactive=True, input_data="Ada\n") as source:
        result = source.until("result").data
        assert source.answer("too late") == 404
    assert (result["status"], result["output"]) == ("error", "Ada\n")
    assert result["error"].endswith("EOFError: EOF when reading a line\n")


SPEAK = """
import os
for flags in (os.O_RDWR, os.O_WRONLY):
    for attempt in (lambda: os.chmod('/proc/1/fd/1', 0o666), lambda: os.open('/proc/1/fd/1', flags | os.O_NONBLOCK)):
        try: print(attempt())
        except OSError as error: print(error.errno)
"""


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("import socket\ntry: socket.create_connection(('8.8.8.8', 80))\nexcept OSError as e: print(e.errno)", "113\n"),
        ("import socket\ntry: socket.socket(38, 5)\nexcept OSError as e: print(e.errno)", "1\n"),
        ("try: open('/etc/x', 'w')\nexcept OSError as e: print(e.errno)", "13\n"),
        ("import os\ntry: os.kill(1, 9)\nexcept OSError as e: print(e.errno)", "1\n"),
        (SPEAK, "None\n13\n" * 2),
    ],
    ids=["network", "AF_ALG", "writing", "killing the supervisor", "impersonating the supervisor"],
)
def test_deny_known_attacks(gvisor: Service, code: str, output: str) -> None:
    answer = gvisor.execute(code)
    assert (answer["status"], answer["output"]) == ("success", output)


def test_charged_cpu_time_does_not_exceed_the_cpu_quota(gvisor: Service) -> None:
    """gVisor also counts the time that threads wait for the CPU."""
    code = "import threading\ndef spin():\n    while True: pass\n"
    code += "for _ in range(20): threading.Thread(target=spin, daemon=True).start()\nspin()"
    answer = gvisor.execute(code, timeout=2)
    assert answer["status"] == "timeout"
    assert 0 < answer["cpu_time"] < 1
