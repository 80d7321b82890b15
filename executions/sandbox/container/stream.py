"""Frames over the attached connection of a container: we write its stdin raw and read its output multiplexed.

The engine puts eight bytes before each piece of output: the stream's number, three zero bytes and the length
(Engine API, "Attach to a container", stream format). Frames of `guest.protocol` come on stdout; stderr has only the
error messages of a supervisor that failed, kept for the log.
"""

import contextlib
import select
import socket

from executions.sandbox.timing import Deadline
from guest import protocol

HEADER_BYTES = 8
STDOUT_STREAM, STDERR_STREAM = 1, 2
LONGEST_PIECE_BYTES = 1024 * 1024
RECEIVE_BYTES = 256 * 1024
STDERR_KEPT_BYTES = 4096

Frame = tuple[int, bytes]  # kind and body


class StreamEnded(Exception):
    """The container closed its output or broke the protocol. The message says which."""


class FrameStream:
    """The connection to one container. Closing it ends the container: its supervisor reads the end of its stdin."""

    def __init__(self, connection: socket.socket, receive_bytes: int = RECEIVE_BYTES) -> None:
        self._socket = connection
        self._receive_bytes = receive_bytes  # at a time
        self._socket.setblocking(False)
        self._outgoing = memoryview(b"")
        self._received = bytearray()
        self._frames = bytearray()
        self._errors = bytearray()
        self._was_late = False  # whether the deadline had passed when data was last taken
        self.frames_taken = 0

    def send(self, data: bytes) -> None:
        """Queue `data`, which is sent while `receive` waits: a program may answer before it has read its stdin."""
        self._outgoing = memoryview(bytes(self._outgoing) + data if self._outgoing else data)

    def receive(self, deadline: Deadline) -> Frame:
        """Return the next frame. Raises TimeoutError at the deadline, StreamEnded if no more can come.

        After the deadline, data that has arrived is read once, because we may be the late ones. Later data is ignored.
        """
        while (frame := self._next_frame()) is None:
            self._exchange(deadline)
        return frame

    def receive_arrived(self) -> Frame | None:
        """Return the next frame if it has arrived, otherwise None. Raises StreamEnded if no more can come."""
        while (frame := self._next_frame()) is None:
            if not self._has_unread_data():
                return None
            self._exchange(Deadline.after(1))
        return frame

    def receive_or_wake(self, deadline: Deadline, wake: int) -> Frame | None:
        """Return the next frame as `receive` does, or None as soon as the descriptor `wake` is readable."""
        while (frame := self._next_frame()) is None:
            if self._exchange(deadline, wake):
                return None
        return frame

    def end_sending(self) -> None:
        """Close the container's stdin, which makes the supervisor end the run; its last frames can still come."""
        self._outgoing = memoryview(b"")
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._socket.fileno() < 0

    def is_quiet(self) -> bool:
        """Return whether the connection is open and nothing has come on it. Does not block.

        A waiting container sends nothing: if there is something to read, it has ended or cannot be trusted.
        """
        return not self._received and not self._frames and not self._has_unread_data()

    def demand_silence(self) -> None:
        """Raise ProtocolError if unread data has come, StreamEnded if the connection has ended."""
        if self.is_quiet():
            return
        if not self._received and not self._frames:
            self._exchange(Deadline.after(1))
        raise protocol.ProtocolError("sent data while no run was active")

    def close(self) -> None:
        """Close the connection, even if another process still holds a descriptor of it."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _has_unread_data(self) -> bool:
        """Return whether data, or the end of the connection, can be read at once."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def _exchange(self, deadline: Deadline, wake: int | None = None) -> bool:
        """Send or receive, as soon as either is possible; return whether `wake` became readable."""
        remaining_seconds = deadline.remaining_seconds()
        if not remaining_seconds and self._was_late:
            raise TimeoutError
        self._was_late = not remaining_seconds
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | (select.POLLOUT if self._outgoing else 0))
        if wake is not None:
            poll.register(wake, select.POLLIN)
        ready = dict(poll.poll(remaining_seconds * 1000))
        if not ready:
            raise TimeoutError
        if wake in ready:
            return True
        try:
            if self._outgoing and ready[self._socket.fileno()] & select.POLLOUT:
                self._outgoing = self._outgoing[self._socket.send(self._outgoing) :]
            data = self._socket.recv(self._receive_bytes)
        except BlockingIOError:
            return False
        except OSError as error:
            raise StreamEnded(f"connection lost: {error}") from error
        if not data:
            raise StreamEnded(f"output ended; stderr: {self._errors.decode(errors='replace')!r}")
        self._received += data
        self._demultiplex()
        return False

    def _demultiplex(self) -> None:
        while len(self._received) >= HEADER_BYTES:
            number = self._received[0]
            end = HEADER_BYTES + int.from_bytes(self._received[4:HEADER_BYTES], "big")
            if number not in (STDOUT_STREAM, STDERR_STREAM) or end > LONGEST_PIECE_BYTES:
                raise StreamEnded("the engine sent a malformed header")
            if len(self._received) < end:
                return
            piece = self._received[HEADER_BYTES:end]
            del self._received[:end]
            if number == STDOUT_STREAM:
                self._frames += piece
            else:
                self._errors += piece[: STDERR_KEPT_BYTES - len(self._errors)]

    def _next_frame(self) -> Frame | None:
        if len(self._frames) < protocol.PREFIX.size:
            return None
        try:
            kind, length = protocol.unpack_prefix(self._frames)
        except protocol.ProtocolError as error:
            raise StreamEnded(str(error)) from error
        end = protocol.PREFIX.size + length
        if len(self._frames) < end:
            return None
        body = bytes(self._frames[protocol.PREFIX.size : end])
        del self._frames[:end]
        self.frames_taken += 1
        return kind, body
