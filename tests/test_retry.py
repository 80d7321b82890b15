"""What `make test` does with the tests that failed, tried on small projects of their own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import retry

COUNTS_ATTEMPTS = """
from pathlib import Path

def attempt(name):
    attempts = Path(__file__).with_name(name)
    with attempts.open("a") as file:
        file.write(".")
    return len(attempts.read_text())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    shutil.copy(retry.__file__, tmp_path / "tests" / "retry.py")
    (tmp_path / "tests" / "__init__.py").touch()
    (tmp_path / "pytest.ini").touch()
    return tmp_path


def exit_status(project: Path, *passes: Sequence[int], pytest_ended_with: int | None = None) -> tuple[int, str]:
    """Return the end of `make test` whose tests pass in the given attempts, counted from 1, and its output."""
    tests = "".join(f"def test_{i}(): assert attempt('{i}') in {tuple(each)}\n" for i, each in enumerate(passes))
    (project / "tests" / "test_some.py").write_text(COUNTS_ATTEMPTS + tests)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        command = [sys.executable, "-m", *arguments]
        return subprocess.run(command, cwd=project, env=environment, stdout=subprocess.PIPE, text=True)

    first = run("pytest")
    status = first.returncode if pytest_ended_with is None else pytest_ended_with
    if status == 0:
        return 0, first.stdout
    second = run("tests.retry", str(status))
    return second.returncode, second.stdout


FAILS_ONCE = range(2, 9)


def test_test_that_failed_once_is_named_and_does_not_fail_the_run(project: Path) -> None:
    status, output = exit_status(project, FAILS_ONCE, range(1, 9))
    assert status == 0
    assert output.endswith("Find out why:\n  tests/test_some.py::test_0\n")


@pytest.mark.parametrize("passes", [(), (2,), (2, 3), (3, 4)])
def test_test_that_fails_again_fails_the_run(project: Path, passes: Sequence[int]) -> None:
    assert exit_status(project, passes)[0] == retry.SOME_TESTS_FAILED


@pytest.mark.parametrize(("failed", "status"), [(retry.MOST_FAILED, 0), (retry.MOST_FAILED + 1, 1)])
def test_many_failed_tests_fail_the_run(project: Path, failed: int, status: int) -> None:
    assert exit_status(project, *[FAILS_ONCE] * failed)[0] == status


def test_one_of_two_that_fails_again_fails_the_run(project: Path) -> None:
    assert exit_status(project, FAILS_ONCE, ())[0] == retry.SOME_TESTS_FAILED


@pytest.mark.parametrize("status", [pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR])
def test_run_that_did_not_finish_is_not_tried_again(project: Path, status: int) -> None:
    assert exit_status(project, FAILS_ONCE, pytest_ended_with=int(status))[0] == int(status)


def test_run_that_failed_without_a_failed_test_is_not_tried_again(project: Path) -> None:
    assert exit_status(project, range(1, 9), pytest_ended_with=1)[0] == 1
