"""The connection to the host: frames come on descriptor 0 and go out on descriptor 1 (see `guest.protocol`).

A child is a fork of this process, so it has a copy of its memory. The text of a run must therefore never become an
object here: output, and input that no program has read, pass through `buffer`, and every user of the buffer wipes it.
"""

from __future__ import annotations

import fcntl
import os
import select

from guest import protocol

STDIN, STDOUT = 0, 1
STDIN_PIPE_BYTES = 256 * 1024
"""The kernel counts the pages of this pipe for root, who has made it, and whose pipes may have 64 MiB together."""


class Host:
    """Reads and writes frames; exits at the end of stdin, so that no container outlives its owner's connection."""

    def __init__(self) -> None:
        self.frames_sent = 0
        self.buffer = bytearray(protocol.MAX_BODY_BYTES)
        """For everything that is read from a program or discarded from our stdin."""

    def widen_stdin(self) -> None:
        """Give the pipe of our stdin more room: the engine and we then take fewer turns to move files."""
        try:
            fcntl.fcntl(STDIN, fcntl.F_SETPIPE_SZ, STDIN_PIPE_BYTES)
        except OSError:  # root's pipes have too many pages already, or stdin is no pipe
            return

    def send(self, kind: int, *body: bytes | memoryview) -> None:
        """Send one frame, whose body is the parts of `body` joined."""
        self.send_frame(protocol.PREFIX.pack(kind, sum(map(len, body))), *body)

    def send_frame(self, *parts: bytes | memoryview) -> None:
        """Send one frame, given in `parts`, without copying them."""
        self.frames_sent += 1
        written = os.writev(STDOUT, parts)
        for part in parts:
            rest = memoryview(part)[written:]
            written = max(0, written - len(part))
            while rest:
                rest = rest[os.write(STDOUT, rest) :]

    def send_file(self, kind: int, file: int, size: int) -> bool:
        """Send the first `size` bytes of an open file in pieces, the last of which says so; False if it has fewer."""
        with memoryview(self.buffer)[: protocol.MAX_BODY_BYTES - 1] as view:
            while True:
                taken = os.readv(file, [view[:size]])
                if size and not taken:
                    return False
                size -= taken
                self.send(kind, protocol.GOES_ON if size else protocol.ENDS, view[:taken])
                view[:taken] = bytes(taken)
                if not size:
                    return True

    def is_readable(self, timeout_seconds: float = 0) -> bool:
        """Return whether anything arrives from the host within this time."""
        return bool(select.select([STDIN], [], [], timeout_seconds)[0])

    def receive_request(self) -> tuple[float, int, int, bool, int]:
        """Read one RUN frame; skip frames that came too late for the last run."""
        wanted = (protocol.RUN, protocol.INPUT, protocol.GIVE_UP, protocol.TEST_PART)
        kind, length = self.receive_prefix(*wanted)
        while kind != protocol.RUN:
            self.discard(length)
            kind, length = self.receive_prefix(*wanted)
        return protocol.unpack_run(self._read_exactly(length))

    def receive_prefix(self, *wanted: int) -> tuple[int, int]:
        """Read a frame up to its body; return its kind and the length of the body. Refuses kinds not in `wanted`."""
        kind, length = protocol.unpack_prefix(self._read_exactly(protocol.PREFIX.size), protocol.TEST_PART_BYTES)
        if kind not in wanted:
            raise protocol.ProtocolError(f"a frame of kind {kind} in place of {wanted}")
        return kind, length

    def discard(self, size: int) -> None:
        """Read and drop `size` bytes of stdin, which no program has read."""
        if not size:
            return
        with memoryview(self.buffer) as view:
            while size:
                size -= self._read_some(view[:size])
            view[:] = bytes(len(view))

    def receive_into(self, view: memoryview) -> None:
        """Read from stdin until `view` is full. The bytes are nowhere else in our memory."""
        while view:
            view = view[self._read_some(view) :]

    def _read_some(self, view: memoryview) -> int:
        taken = os.readv(STDIN, [view])
        if not taken:
            os._exit(0)
        return taken

    def stop_blocking(self) -> None:
        """From now on, never wait for the host to read: it may be dead."""
        os.set_blocking(STDOUT, False)

    def _read_exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = os.read(STDIN, size - len(data))
            if not part:
                os._exit(0)
            data += part
        return bytes(data)
