"""Settings from the environment and their system checks."""

import os
import re
import runpy
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.checks import run_checks
from environs import EnvError, ValidationError
from pytest_django import Settings

from codeexec.checks import is_easy_to_guess, needs_tls_or_ssh
from codeexec.env import check_redis_url

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "codeexec/settings.py"
READ = set(re.findall(r'(?:env\.\w+|int_or_auto)\(\s*"(\w+)"', SETTINGS.read_text()))


def read_settings(**environment: str) -> dict[str, Any]:
    """Run the module of the settings anew with only these variables, and return its settings."""
    given = {"ENV_FILE": "", "SECRET_KEY": "x1y2z3w4" * 8, **environment}
    with mock.patch.dict(os.environ, given, clear=True):
        return runpy.run_path(str(SETTINGS))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 64),
        ("SECRET_KEY", "django-insecure-x1y2z3w4x1y2z3w4x1y2z3w4"),
        ("SECRET_KEY", "change-me-x1y2z3w4x1y2z3w4x1y2z3w4"),
        ("DEBUG", "perhaps"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "a.example,*"),
        ("BIND_ADDRESS", "localhost"),
        ("BIND_ADDRESS", "127.0.0.1:8000"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("DATABASE_URL", "nonsense"),
        ("API_KEY", "x" * 15),
        ("API_KEY", "schlüssel-schlüssel"),
        ("API_KEY", " xxxxxxxxxxxxxxxx"),
        ("API_KEY", "xxxxxxxxxxxxxxxx\n"),
        ("API_KEY", "your-default-api-key"),
        ("API_KEY", "your-secret-api-key"),
        ("ALLOWED_ORIGINS", "https://pylearn.net/"),
        ("ALLOWED_ORIGINS", "https://pylearn.net,*"),
        ("ALLOWED_ORIGINS", "pylearn.net"),
        ("ALLOWED_ORIGINS", "https://pylearn.net:443"),
        ("TRUSTED_PROXY_COUNT", "-1"),
        ("ADMIN_ALLOWED_IPS", "192.0.2.1/24"),
        ("ADMIN_ALLOWED_IPS", "localhost"),
        ("ADMIN_ALLOWED_IPS", "127.0.0.1,"),
        ("METRICS_TOKEN", "short"),
        ("METRICS_TOKEN", "x1y2z3w4" * 8 + " "),
        ("METRICS_ALLOWED_IPS", "prometheus"),
        ("SENTRY_DSN", "https://sentry.example/1"),
        ("DEFAULT_RATE", "60"),
        ("DEFAULT_RATE", "0/m"),
        ("SANDBOX_POOL_SIZE", "0"),
        ("SANDBOX_MAX_CONCURRENT", "4.5"),
        ("SANDBOX_QUEUE_LENGTH", "-1"),
        ("SANDBOX_QUEUE_SECONDS", "nan"),
        ("SANDBOX_QUEUE_SECONDS", "31"),
        ("SANDBOX_REFILL_THREADS", "many"),
    ],
)
def test_an_invalid_setting_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(EnvError) as refused:
        read_settings(**{name: value})
    assert f'"{name}"' in str(refused.value).splitlines()[-1]


def test_a_missing_secret_key_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import codeexec.settings"],
        cwd=ROOT,
        env={"ENV_FILE": "", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert '"SECRET_KEY" not set' in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "False"),
        ("ALLOWED_HOSTS", "['code.pylearn.net', 'localhost', '127.0.0.1']"),
        ("BIND_ADDRESS", "'127.0.0.1'"),
        ("PORT", "8000"),
        ("API_KEY", "''"),
        ("ALLOWED_ORIGINS", "['https://pylearn.net']"),
        ("TRUSTED_PROXY_COUNT", "0"),
        ("HTTPS", "False"),
        ("ADMIN_ALLOWED_IPS", "['127.0.0.1', '::1']"),
        ("METRICS_ALLOWED_IPS", "[]"),
        ("LOG_FORMAT", "'json'"),
        ("DEFAULT_RATE", "'12000/m'"),
        ("SANDBOX_RUNTIME", "''"),
    ],
)
def test_the_defaults_are_safe(name: str, value: str) -> None:
    assert repr(read_settings()[name]) == value


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        (
            "ALLOWED_ORIGINS",
            "https://a.example,http://localhost:3000",
            "['https://a.example', 'http://localhost:3000']",
        ),
        ("ALLOWED_ORIGINS", "https://a.example, https://b.example", "['https://a.example', 'https://b.example']"),
        ("ALLOWED_ORIGINS", "", "[]"),
        ("API_KEY", "x" * 16, repr("x" * 16)),
        ("SANDBOX_QUEUE_LENGTH", "0", "0"),
    ],
)
def test_a_given_setting_is_read(name: str, given: str, value: str) -> None:
    assert repr(read_settings(**{name: given})[name]) == value


def test_a_number_of_programs_that_an_operator_has_set_holds_on_a_busy_machine_too() -> None:
    assert read_settings(SANDBOX_MAX_CONCURRENT="1000")["SANDBOX_BUSY_CONCURRENT"] == 1000
    worked_out = read_settings()
    assert worked_out["SANDBOX_BUSY_CONCURRENT"] == worked_out["CAPACITY"].busy_concurrent


def test_database_options_combine_the_url_and_our_time_limits() -> None:
    settings = read_settings(DATABASE_URL="postgres://user:word@host/name?sslmode=require")
    options = settings["DATABASES"]["default"]["OPTIONS"]
    assert options["sslmode"] == "require"
    assert options["connect_timeout"] == 3
    assert options["tcp_user_timeout"] == 3000
    assert "statement_timeout=5000" in options["options"]
    assert "lock_timeout=2000" in options["options"]
    assert "idle_in_transaction_session_timeout=10000" in options["options"]


@pytest.mark.parametrize("url", ["", "redis://cache:6379/0", "rediss://:secret@cache:6379", "unix:///run/redis.sock"])
def test_the_url_of_a_redis_server_is_accepted(url: str) -> None:
    check_redis_url(url)


@pytest.mark.parametrize("url", ["cache", "http://cache:6379", "redis://", "redis://cache/x", "redis://a b"])
def test_any_other_redis_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="redis://host"):
        check_redis_url(url)


# The file

ACCEPTED = (
    "API_KEY=0123456789abcdef",
    "API_KEY='0123456789abcdef'",
    'API_KEY="0123456789abcdef"',
    "export API_KEY=0123456789abcdef",
    "API_KEY=0123456789abcdef # of 2026",
    "# a comment\n\nAPI_KEY=0123456789abcdef\n",
    "API_KEY='0123456789 # `abcdef'",
    'API_KEY="0123456789 # \'abcdef"',
    "API_KEY=0123456789/+=:@.,%-_?*[]",
    "API_KEY=a\nAPI_KEY=0123456789abcdef",
    "API_KEY=",
)


@pytest.mark.parametrize("text", ACCEPTED)
def test_the_file_means_the_same_to_us_and_to_a_shell(tmp_path: Path, text: str) -> None:
    file = tmp_path / "env"
    file.write_text(text)
    shell = f'set -a; . {file}; printf %s "$API_KEY"'
    read = subprocess.run(["sh", "-euc", shell], env={}, check=True, capture_output=True, text=True)
    assert read.stderr == ""
    assert read_settings(ENV_FILE=str(file))["API_KEY"] == read.stdout


@pytest.mark.parametrize(
    "line",
    [
        "API_KEY = SECRET",
        "API_KEY=SECRET SECRET",
        "API_KEY='SECRET",
        'API_KEY="SECRET$HOME"',
        "API_KEY=SECRET$HOME",
        "API_KEY='SECRET${HOME}'",
        "API_KEY=SECRET\\",
        "API_KEY=SECRET`id`",
        "API_KEY=SECRET;id",
        "API_KEY=SECRET&",
        "API_KEY=~/SECRET",
        "API_KEY=SECRET#SECRET",
        "API_KEY='SECRET'SECRET",
        "API_KEY=SECRET\r",
        "API-KEY=SECRET",
        "API_KEY: SECRET",
        "API_KEY",
    ],
)
def test_a_line_that_a_shell_or_docker_compose_would_read_otherwise_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "env"
    file.write_text(f"PORT=8000\n{line}\n", newline="")
    with pytest.raises(EnvError) as refused:
        read_settings(ENV_FILE=str(file))
    assert f"{file}, line 2: write NAME=value" in str(refused.value)
    assert "SECRET" not in str(refused.value)


def test_a_file_that_is_not_text_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_bytes(b"API_KEY=\xff\n")
    with pytest.raises(EnvError, match=f"{file} cannot be read"):
        read_settings(ENV_FILE=str(file))


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, 'settings: Environment variable "SECRET_KEY" not set'),
        ({"SECRET_KEY": "short"}, 'settings: Environment variable "SECRET_KEY" invalid'),
        ({"SECRET_KEY": "x1y2z3w4" * 8, "PORT": "http"}, 'settings: Environment variable "PORT" invalid'),
    ],
)
@pytest.mark.parametrize(
    "command", [("manage.py", "migrate"), ("-m", "gunicorn", "-c", "codeexec/gunicorn.py", "codeexec.wsgi")], ids=repr
)
def test_an_operator_reads_a_sentence_and_no_traceback(
    environment: dict[str, str], sentence: str, command: tuple[str, ...]
) -> None:
    given = {"ENV_FILE": "", "PATH": os.environ["PATH"], **environment}
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=given, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


# System checks


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, []),
        ({"API_KEY": "x" * 16}, []),
        ({"API_KEY": "x" * 16, "ALLOWED_ORIGINS": []}, ["codeexec.E001"]),
        ({"DEBUG": True, "ALLOWED_HOSTS": ["localhost", "127.0.0.1"]}, []),
        ({"DEBUG": True, "ALLOWED_HOSTS": ["localhost", "code.pylearn.net"]}, ["codeexec.E002"]),
        ({"ADMIN_ALLOWED_IPS": ["192.0.2.0/24"]}, []),
        ({"ADMIN_ALLOWED_IPS": ["192.0.2.0/24", "0.0.0.0/0"]}, ["codeexec.E004"]),
        ({"ADMIN_ALLOWED_IPS": ["::/0"]}, ["codeexec.E004"]),
        ({"ADMIN_ALLOWED_IPS": ["0.0.0.0/0", "::/0"], "ADMIN_REQUIRE_OTP": True}, []),
        ({"HTTPS": True, "TRUSTED_PROXY_COUNT": 1}, []),
        ({"HTTPS": True, "TRUSTED_PROXY_COUNT": 0}, ["codeexec.E005"]),
        ({"SANDBOX_POOL_SIZE": 8, "SANDBOX_MAX_CONCURRENT": 4}, []),
        ({"SANDBOX_POOL_SIZE": 9, "SANDBOX_MAX_CONCURRENT": 4}, ["codeexec.W002"]),
    ],
    ids=repr,
)
def test_conflicting_settings_fail_the_checks(settings: Settings, changes: dict[str, object], ids: list[str]) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    assert [message.id for message in run_checks() if str(message.id).startswith("codeexec.")] == ids


@pytest.mark.parametrize(
    ("host", "password", "guessed"),
    [
        ("db", "x7Jq-random-0vTz", False),
        ("db", "Postgres", True),
        ("db", "changeme", True),
        ("192.0.2.1", "", True),
        ("db", "runner", True),
        ("db", "records", True),
        ("localhost", "postgres", False),
        ("/run/postgresql", "", False),
        ("", "", False),
    ],
)
def test_an_easy_database_password_on_another_machine_is_found(host: str, password: str, guessed: bool) -> None:
    assert is_easy_to_guess({"HOST": host, "USER": "runner", "PASSWORD": password, "NAME": "records"}) == guessed


TLS = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certificates"}


@pytest.mark.parametrize(
    ("environment", "refused"),
    [
        ({}, False),
        (TLS, False),  # the default socket
        ({"DOCKER_HOST": "unix:///run/docker.sock"} | TLS, False),
        ({"DOCKER_HOST": "tcp://192.0.2.1:2375"}, False),
        ({"DOCKER_HOST": "tcp://192.0.2.1:2375", "DOCKER_TLS_VERIFY": "", "DOCKER_CERT_PATH": ""}, False),
        ({"DOCKER_HOST": "tcp://192.0.2.1:2376"} | TLS, True),
        ({"DOCKER_HOST": "tcp://192.0.2.1:2376", "DOCKER_CERT_PATH": "/certificates"}, True),
        ({"DOCKER_HOST": "https://192.0.2.1:2376"}, True),
        ({"DOCKER_HOST": "ssh://root@192.0.2.1"}, True),
    ],
)
def test_an_engine_over_tls_or_ssh_is_refused(environment: dict[str, str], refused: bool) -> None:
    assert needs_tls_or_ssh(environment) == refused


@pytest.mark.parametrize(
    "engine", [{"DOCKER_HOST": "ssh://root@192.0.2.1"}, {"DOCKER_HOST": "tcp://192.0.2.1:2376"} | TLS]
)
def test_the_first_command_of_a_start_refuses_it_in_a_sentence(tmp_path: Path, engine: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "migrate", "--no-input"]
    given = {"ENV_FILE": "", "PATH": os.environ["PATH"], "SECRET_KEY": secrets.token_hex(32)}
    given |= {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3"} | engine
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "DOCKER_HOST asks for TLS or SSH" in done.stderr
    assert "Traceback" not in done.stderr


PRODUCTION = {
    "SECRET_KEY": secrets.token_hex(32),
    "ALLOWED_HOSTS": "code.pylearn.net",
    "DATABASE_URL": f"postgres://runner:{secrets.token_hex(16)}@db/records",
    "API_KEY": secrets.token_hex(32),
    "TRUSTED_PROXY_COUNT": "1",
    "HTTPS": "true",
    "ADMIN_ALLOWED_IPS": "192.0.2.0/24",
    "ADMIN_REQUIRE_OTP": "true",
}


def check_deployment(**environment: str) -> subprocess.CompletedProcess[str]:
    """Run the checks that `docs/settings.md` recommends before a deployment."""
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    given = {"ENV_FILE": "", "PATH": os.environ["PATH"], **PRODUCTION, **environment}
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        # The two settings of the guide, and what the image sets: nobody can reach the admin yet.
        {
            "DATABASE_URL": "sqlite:////nowhere/db.sqlite3",
            "ADMIN_ALLOWED_IPS": "127.0.0.1,::1",
            "ADMIN_REQUIRE_OTP": "false",
        },
    ],
    ids=["all", "guide"],
)
def test_a_production_deployment_passes_every_check(environment: dict[str, str], tmp_path: Path) -> None:
    done = check_deployment(**{name: value.replace("/nowhere", str(tmp_path)) for name, value in environment.items()})
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("HTTPS", "false", "security.W008"),
        ("DEBUG", "true", "codeexec.E002"),
        ("DATABASE_URL", "postgres://runner:postgres@db/records", "codeexec.E003"),
        ("ADMIN_REQUIRE_OTP", "false", "codeexec.W003"),
        ("TRUSTED_PROXY_COUNT", "0", "codeexec.E005"),
    ],
)
def test_an_unsafe_deployment_fails_the_checks(name: str, value: str, check: str) -> None:
    done = check_deployment(**{name: value})
    assert done.returncode == 1
    assert check in done.stderr


# The example


def test_the_example_file_has_every_setting() -> None:
    example = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert example == READ
