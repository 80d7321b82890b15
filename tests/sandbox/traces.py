"""Reads and writes traces as the text in traces.txt, which says how they look."""

from dataclasses import dataclass
from pathlib import Path

from executions.sandbox.steps import Step, Trace


@dataclass(frozen=True)
class Reference:
    """A program and the steps that it must have, as text."""

    name: str
    code: str
    stdin: str
    steps: str


def read_references() -> list[Reference]:
    """Return the programs of traces.txt."""
    text = (Path(__file__).parent / "traces.txt").read_text()
    found = []
    for part in text.split("\n## ")[1:]:
        name, _, rest = part.partition("\n")
        code, _, steps = rest.partition("\n----\n")
        name, _, stdin = name.partition(" < ")
        found.append(Reference(name, code + "\n", stdin.replace(" ", "\n"), steps.strip("\n")))
    return found


def as_text(trace: Trace) -> str:
    """Return the steps of a trace, one a line."""
    lines, printed = [], 0
    for step in trace.steps:
        lines.append(_line(step, trace.output[printed : step.printed]))
        printed = step.printed
    return "\n".join(lines)


def _line(step: Step, printed: str) -> str:
    frame = step.stack[-1]
    name = "" if frame.function == "<module>" else f" {frame.function}"
    line = f"{'    ' * (step.depth - 1)}{step.event} {step.line}{name}"
    if frame.variables:
        line += ": " + ", ".join(f"{name} = {value}" for name, value in frame.variables.items())
    if step.value is not None:
        line += f" -> {step.value}"
    return line if not printed else f"{line} | {printed!r}"
