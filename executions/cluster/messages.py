"""What web processes and workers send each other: typed, versioned, bounded JSON."""

import zlib
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import msgspec

from executions.sandbox import console
from executions.sandbox.results import (
    CallerGone,
    File,
    Image,
    Outcome,
    Party,
    Run,
    RunLost,
    SandboxBusy,
    SandboxError,
    SandboxUnavailable,
    Submission,
    TestProgram,
)
from executions.sandbox.sandbox import SandboxHealth
from executions.sandbox.strokes import Stroke

VERSION = 4
"""Of all messages. A process that gets another one refuses it, so web processes and workers are updated together."""

MOST_BYTES = 64 * 1024 * 1024
"""Of a message as JSON: 51 runs that each print 128 KiB of characters that JSON escapes, and their images and files."""

COMPRESSED_BYTES = 16 * 1024
"""Longer messages are compressed, because what a program may print compresses well."""

ERRORS = {error.__name__: error for error in (SandboxBusy, SandboxUnavailable, CallerGone, RunLost)}


class Malformed(Exception):
    """A message that is none of ours: too long, of another version, or broken."""


class Order(msgspec.Struct, frozen=True):
    """A submission to be run. `web` gets the replies; `is_watched` if it gets events, too.

    The other fields are those of Submission.
    """

    web: str
    code: str
    stdin: str
    tests: tuple[TestProgram, ...]
    timeout_seconds: float
    party: Party
    files: tuple[File, ...]
    trace_seconds: float
    collect: tuple[str, ...]
    is_watched: bool
    is_interactive: bool

    @classmethod
    def of(cls, submission: Submission, web: str, watcher: console.Console | None) -> "Order":
        """Return the order for `submission`, whose events `watcher` gets."""
        return cls(
            web,
            submission.code,
            submission.stdin,
            submission.tests,
            submission.timeout_seconds,
            submission.party,
            submission.files,
            submission.trace_seconds,
            submission.collect,
            watcher is not None,
            watcher is not None and watcher.is_interactive,
        )

    def submission(self, is_abandoned: Callable[[], bool]) -> Submission:
        """Return the submission."""
        return Submission(
            self.code,
            self.stdin,
            self.tests,
            self.timeout_seconds,
            is_abandoned,
            self.party,
            self.files,
            self.trace_seconds,
            self.collect,
        )


class Began(msgspec.Struct, frozen=True, tag="began"):
    """See `console.Began`. Sent for every submission, watched or not."""


class Printed(msgspec.Struct, frozen=True, tag="printed"):
    """See `console.Printed`."""

    stream: str
    text: str


class Shown(msgspec.Struct, frozen=True, tag="shown"):
    """See `console.Shown`."""

    image: Image


class Drawn(msgspec.Struct, frozen=True, tag="drawn"):
    """See `console.Drawn`."""

    strokes: tuple[Stroke, ...]


class Asked(msgspec.Struct, frozen=True, tag="asked"):
    """See `console.Asked`."""


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """See `console.Ended`."""

    run: Run


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The last reply: what the submission did."""

    outcome: Outcome


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The last reply: it could not run. `error` is the name of a SandboxError."""

    error: str
    reason: str

    @classmethod
    def of(cls, error: SandboxError) -> "Failed":
        """Return the reply that lets the web process raise `error`."""
        return cls(type(error).__name__, str(error))

    def to_error(self) -> SandboxError:
        """Return the error to be raised."""
        return ERRORS.get(self.error, RunLost)(self.reason)


class Input(msgspec.Struct, frozen=True, tag="input"):
    """Input that another web process, `web`, got for an execution of this one. `typist` is who sent it."""

    web: str
    public_id: UUID
    typist: tuple[UUID, str | None, bool]
    text: str
    is_end: bool


class Taken(msgspec.Struct, frozen=True, tag="taken"):
    """What became of an Input: whether the program takes it, or it would be too much."""

    is_taken: bool
    is_too_much: bool = False


Reply = Began | Printed | Shown | Drawn | Asked | Ended | Finished | Failed
Letter = Reply | Input | Taken
"""What a web process gets."""


class Typed(msgspec.Struct, frozen=True, tag="typed"):
    """Input for a running program; empty for its end."""

    data: bytes


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """The watcher has stopped the submission; or, `if_waiting`, it may no longer wait for input."""

    if_waiting: bool = False


Instruction = Typed | Stop


class WorkerState(msgspec.Struct, frozen=True):
    """What a worker says about itself every second.

    At most `most_slots` programs run at once, and `slots` while the processors are busy; then `queue_length`
    submissions may wait. `watched` are streamed, and may wait for input. `number` counts what it has said. `image` is
    the name of its guest image, and `clock` its time when it said this, in seconds since 1970.
    """

    name: str
    host: str
    health: SandboxHealth
    slots: int
    most_slots: int
    queue_length: int
    watched: int = 0
    number: int = 0
    is_leaving: bool = False
    image: str = ""
    clock: float = 0.0

    @property
    def label(self) -> str:
        """The beginning of its name, which tells the workers of a cluster apart."""
        return self.name[:8]

    @property
    def status(self) -> str:
        """Whether it runs programs: "ready", "unready" (`health.reason` says why), or "leaving" at its end."""
        return "leaving" if self.is_leaving else "ready" if self.health.ready else "unready"

    @property
    def is_serving(self) -> bool:
        """Whether it can run programs, and is not about to end."""
        return self.health.ready and not self.is_leaving


def to_event(letter: Letter) -> console.Event | None:
    """Return the event of a run that its watcher gets, None if a letter is about something else."""
    match letter:
        case Printed(stream, text):
            return console.Printed(stream, text)
        case Shown(image):
            return console.Shown(image)
        case Drawn(strokes):
            return console.Drawn(strokes)
        case Asked():
            return console.Asked()
        case Ended(run):
            return console.Ended(run)
        case _:
            return None


def to_reply(event: console.Event) -> Reply | None:
    """Return the message for an event of the sandbox. That it has begun, every web process is told anyway."""
    match event:
        case console.Began():
            return None
        case console.Printed(stream, text):
            return Printed(stream, text)
        case console.Shown(image):
            return Shown(image)
        case console.Drawn(strokes):
            return Drawn(strokes)
        case console.Asked():
            return Asked()
        case console.Ended(run):
            return Ended(run)


def pack(message: Order | Letter | Instruction | WorkerState) -> bytes:
    """Return a message in bytes: a byte for the version, one that says whether it is compressed, and JSON.

    Raises Malformed if it is too long.
    """
    data = msgspec.json.encode(message)
    if len(data) > MOST_BYTES:
        raise Malformed(f"{len(data)} bytes are too many")
    if len(data) > COMPRESSED_BYTES:
        return bytes((VERSION, 1)) + zlib.compress(data, 1)
    return bytes((VERSION, 0)) + data


Kind = TypeVar("Kind")

ORDERS = msgspec.json.Decoder(Order)
LETTERS: msgspec.json.Decoder[Letter] = msgspec.json.Decoder(Letter)
INSTRUCTIONS: msgspec.json.Decoder[Instruction] = msgspec.json.Decoder(Instruction)
STATES = msgspec.json.Decoder(WorkerState)


def unpack(packed: bytes, decoder: msgspec.json.Decoder[Kind]) -> Kind:
    """Return the message in `packed`, of the decoder's kind. Raises Malformed."""
    if packed[:1] != bytes((VERSION,)):
        raise Malformed(f"a message of version {packed[:1].hex()}, not {VERSION}")
    data = packed[2:]
    try:
        if packed[1:2] == b"\1":
            decompressor = zlib.decompressobj()
            data = decompressor.decompress(data, MOST_BYTES)
            if decompressor.unconsumed_tail:
                raise Malformed(f"more than {MOST_BYTES} bytes")
        return decoder.decode(data)
    except (msgspec.DecodeError, zlib.error) as error:  # its text may quote a program, so it is not shown
        raise Malformed(f"not a message: {type(error).__name__}") from None
