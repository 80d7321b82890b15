"""`manage.py run_code`, with a real container."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.docker


def test_the_answer_of_a_program_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It needs no database: this test has none."""
    program, stdin = tmp_path / "program.py", tmp_path / "stdin"
    program.write_text("print('größe', input())\nwhile True: pass")
    stdin.write_text("Ada\n")
    call_command("run_code", str(program), "--stdin", str(stdin), "--timeout", "1")
    answer = json.loads(capsys.readouterr().out)
    assert (answer["status"], answer["output"]) == ("timeout", "größe Ada\n")
    assert answer["error"] == "Execution timed out after 1 second"
    assert "id" not in answer


@pytest.mark.parametrize(
    ("code", "options", "reason"),
    [
        (None, [], "No such file"),
        (b"print(1)", ["--stdin", "/nothing"], "No such file"),
        (b"\xff", [], "utf-8"),
        (b"", [], "code: Must not be empty"),
        (b"#" * 65537, [], "code: Is 65537 bytes of UTF-8"),
        (b"print(1)", ["--timeout", "11"], "timeout: Must be an integer from 1 to 10"),
    ],
)
def test_an_error_is_printed_if_the_program_cannot_run(
    tmp_path: Path, code: bytes | None, options: list[str], reason: str
) -> None:
    program = tmp_path / "program.py"
    if code is not None:
        program.write_bytes(code)
    with pytest.raises(CommandError, match=reason):
        call_command("run_code", str(program), *options)
