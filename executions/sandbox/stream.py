"""Frames over the attached connection of a container: we write its stdin raw and read its output multiplexed.

The engine puts eight bytes before each piece of output: the stream's number, three zero bytes and the length
(Engine API, "Attach to a container", stream format). Frames of `guest.protocol` come on stdout; whatever comes
on stderr is a last word of the supervisor, kept for the log.
"""

import contextlib
import select
import socket
from typing import Any

from executions.sandbox.deadline import Deadline
from guest import protocol

HEADER_BYTES = 8
STDOUT, STDERR = 1, 2
RECEIVE_BYTES = 256 * 1024
STDERR_KEPT_BYTES = 4096


class StreamEnded(Exception):
    """The container closed its output, or spoke what is not our protocol. Says so in its text."""


class FrameStream:
    """The connection to one container. Closing it ends the container: its supervisor reads the end of its stdin."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._received = bytearray()
        self._frames = bytearray()
        self._errors = bytearray()

    def send(self, message: protocol.Message, deadline: Deadline) -> None:
        """Send one frame. Raises TimeoutError at the deadline, StreamEnded if nobody reads."""
        try:
            self._socket.settimeout(deadline.remaining_seconds() or 1e-3)
            self._socket.sendall(protocol.encode(message))
        except TimeoutError:
            raise
        except OSError as error:
            raise StreamEnded(f"cannot send: {error}") from error

    def receive(self, deadline: Deadline) -> protocol.Message:
        """Return the next frame. Raises TimeoutError at the deadline, StreamEnded if none can come any more."""
        while (message := self._next_frame()) is None:
            self._fill(deadline)
        return message

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._socket.fileno() < 0

    def is_quiet(self) -> bool:
        """Return whether the connection stands and nothing has come on it. Does not block.

        A waiting container has nothing to say: if there is something to read, it has ended or is not ours any more.
        """
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not self._received and not self._frames and not poll.poll(0)

    def close(self) -> None:
        """Close the connection, whoever else may still hold a descriptor of it."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _fill(self, deadline: Deadline) -> None:
        remaining_seconds = deadline.remaining_seconds()
        if not remaining_seconds:
            raise TimeoutError
        try:
            self._socket.settimeout(remaining_seconds)
            data = self._socket.recv(RECEIVE_BYTES)
        except TimeoutError:
            raise
        except OSError as error:
            raise StreamEnded(f"cannot receive: {error}") from error
        if not data:
            raise StreamEnded(f"output ended; stderr: {self._errors.decode(errors='replace')!r}")
        self._received += data
        self._demultiplex()

    def _demultiplex(self) -> None:
        while len(self._received) >= HEADER_BYTES:
            number = self._received[0]
            end = HEADER_BYTES + int.from_bytes(self._received[4:HEADER_BYTES], "big")
            if number not in (STDOUT, STDERR) or end > HEADER_BYTES + protocol.MAX_RESULT_BYTES:
                raise StreamEnded("the engine sent a malformed header")
            if len(self._received) < end:
                return
            piece = self._received[HEADER_BYTES:end]
            del self._received[:end]
            if number == STDOUT:
                self._frames += piece
            else:
                self._errors += piece[: STDERR_KEPT_BYTES - len(self._errors)]

    def _next_frame(self) -> dict[str, Any] | None:
        if len(self._frames) < protocol.LENGTH_BYTES:
            return None
        try:
            length = protocol.body_length(self._frames[: protocol.LENGTH_BYTES], protocol.MAX_RESULT_BYTES)
            end = protocol.LENGTH_BYTES + length
            if len(self._frames) < end:
                return None
            message = protocol.decode(bytes(self._frames[protocol.LENGTH_BYTES : end]))
        except protocol.ProtocolError as error:
            raise StreamEnded(str(error)) from error
        del self._frames[:end]
        return message
