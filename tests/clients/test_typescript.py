"""The TypeScript client: its types are the schema's, and its own tests pass, alone and with the real service."""

import os
import subprocess
from pathlib import Path

import pytest

from codeexec.api_docs import schema_json
from tests.service import ROOT, Service

CLIENT = ROOT / "clients/typescript"


def npx(*command: str, **environment: str) -> None:
    """Run a tool of the package. What it prints is shown if it fails."""
    done = subprocess.run(
        ["npx", "--no-install", *command],
        cwd=CLIENT,
        env={**os.environ, "CI": "true", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_types_are_those_of_the_schema(tmp_path: Path) -> None:
    """`make client-types` makes them anew."""
    schema, types = tmp_path / "openapi.json", tmp_path / "schema.ts"
    schema.write_bytes(schema_json())
    npx("openapi-typescript", str(schema), "--output", str(types))
    assert (CLIENT / "src/schema.ts").read_text() == types.read_text()


def test_the_client_alone() -> None:
    npx("vitest", "run", "tests/unit")
