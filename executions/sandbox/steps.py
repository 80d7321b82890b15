"""The steps of a program: the values of a trace."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a step: a function, the line where it is, from 1, in one of the program's files, and its variables.

    All texts are the program's own, of at most 100 characters.
    """

    function: str
    file: str
    line: int
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a trace. `event` is one of `protocol.TRACE_EVENTS`; `line` is that of the innermost frame.

    `value` is what a function returns or the exception that it raises. `printed` is how many characters of the trace's
    output had been printed. `stack` are the innermost of `depth` frames and the outermost one, which comes first.
    """

    event: str
    line: int
    value: str | None
    printed: int
    depth: int
    stack: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """The steps of a program, and what it printed on stdout meanwhile. `cut` says why it is incomplete, or is None:

    `steps`, `size`: there are more than a trace holds. `timeout`, `memory_limit`, `output_limit`: how the traced run
    ended. `not_run`: it did not begin. `lost`: the program exited early, or replaced the tracer.
    """

    steps: tuple[Step, ...]
    cut: str | None
    output: str


TRACE_CUTS = ("steps", "size", "timeout", "memory_limit", "output_limit", "not_run", "lost")
