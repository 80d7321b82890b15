"""What web processes and workers send each other: typed, versioned, bounded JSON."""

import zlib
from typing import TypeVar
from uuid import UUID

import msgspec

from executions.sandbox.console import Event
from executions.sandbox.results import (
    CallerGone,
    Outcome,
    RunLost,
    SandboxBusy,
    SandboxError,
    SandboxUnavailable,
    Submission,
)
from executions.sandbox.sandbox import SandboxHealth

VERSION = 6
"""Of all messages. A process that gets another one refuses it, so web processes and workers are updated together."""

MOST_BYTES = 64 * 1024 * 1024
"""Of a message as JSON: 51 runs that each print 128 KiB of characters that JSON escapes, and their images and files."""

COMPRESSED_BYTES = 16 * 1024
"""Longer messages are compressed, because what a program may print compresses well."""

ERRORS = {error.__name__: error for error in (SandboxBusy, SandboxUnavailable, CallerGone, RunLost)}


class Malformed(Exception):
    """A message that is none of ours: too long, of another version, or broken."""


class Order(msgspec.Struct, frozen=True):
    """A submission to be run for the process `web`, which gets the replies; also all events, if it `is_watched`."""

    web: str
    submission: Submission
    is_watched: bool = False
    is_interactive: bool = False


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


class GiveUp(msgspec.Struct, frozen=True, tag="give up"):
    """An interactive execution of this web process may wait for input no longer: another caller gets its place."""

    place_id: UUID


Reply = Event | Finished | Failed
"""Every submission has a Began. The other events are for its watcher."""
Letter = Reply | Input | Taken | GiveUp
"""What a web process gets."""


class Typed(msgspec.Struct, frozen=True, tag="typed"):
    """Input for a running program; empty for its end."""

    data: bytes


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """The watcher has stopped the submission; or, `if_waiting`, it may no longer wait for input."""

    if_waiting: bool = False


Instruction = Typed | Stop


class Place(msgspec.Struct, frozen=True):
    """What an interactive execution takes of what all web processes share.

    It counts for the `family` of the caller's key, under the caller's `names`, the widest first. It began `age_seconds`
    ago, and has had no input for `idle_seconds`. `web` is its process, "" this one.
    """

    id: UUID
    family: UUID
    names: tuple[str, ...]
    age_seconds: float = 0.0
    idle_seconds: float = 0.0
    web: str = ""


class WebState(msgspec.Struct, frozen=True):
    """What a web process says about itself twice a second: its name, and its places in use."""

    name: str
    places: tuple[Place, ...] = ()


class WorkerState(msgspec.Struct, frozen=True):
    """What a worker says about itself every second.

    At most `most_slots` programs run at once, and `slots` while the processors are busy; then `queue_length`
    submissions may wait. `watched` are streamed; of these `interactive` may wait for input, at most `most_interactive`.
    `number` counts what it has said. `image` is the name of its guest image, and `clock` its time when it said this, in
    seconds since 1970.
    """

    name: str
    host: str
    health: SandboxHealth
    slots: int
    most_slots: int
    queue_length: int
    most_interactive: int = 0
    watched: int = 0
    interactive: int = 0
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


def pack(message: Order | Letter | Instruction | WorkerState | WebState) -> bytes:
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
WORKER_STATES = msgspec.json.Decoder(WorkerState)
WEB_STATES = msgspec.json.Decoder(WebState)


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
