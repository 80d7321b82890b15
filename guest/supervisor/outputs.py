"""The output of a run: the head of each stream goes to the host at once, and the rest is only counted."""

from __future__ import annotations

import os

from guest import protocol

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from guest.supervisor.child import Child
    from guest.supervisor.host import Host

FLOOD_BYTES = 1024 * 1024
"""A run that writes more than this to both streams together is killed."""


class _Stream:
    """One output stream."""

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.begin_again()

    def begin_again(self) -> None:
        """Start as if nothing had been written."""
        self.sent_bytes = 0
        self.truncated = False


class Outputs:
    """Both streams of one run, by our descriptors. `unfinished` are those that some process may still write to."""

    def __init__(self, child: Child, host: Host) -> None:
        self._host = host
        self._streams = {child.stdout: _Stream(protocol.STDOUT), child.stderr: _Stream(protocol.STDERR)}
        self._written_bytes = 0  # of both streams
        self.unfinished = set(self._streams)

    def __contains__(self, descriptor: int) -> bool:
        return descriptor in self._streams

    @property
    def is_flooded(self) -> bool:
        """Whether the run has written more than it may."""
        return self._written_bytes > FLOOD_BYTES

    @property
    def is_truncated(self) -> bool:
        """Whether the host has received less of a stream than was written."""
        return any(stream.truncated for stream in self._streams.values())

    def read(self, descriptor: int) -> int:
        """Read what the stream's pipe holds, at most one buffer; return the number of bytes."""
        buffer = self._host.buffer
        try:
            size = os.readv(descriptor, [buffer])
        except BlockingIOError:
            return 0
        if not size:
            self.unfinished.discard(descriptor)
        with memoryview(buffer)[:size] as data:
            self._pass_on(data, self._streams[descriptor])
            data[:] = bytes(size)
        self._written_bytes += size
        return size

    def _pass_on(self, data: memoryview, stream: _Stream) -> None:
        head = data[: protocol.STREAM_KEPT_BYTES - stream.sent_bytes]
        stream.sent_bytes += len(head)
        stream.truncated = stream.truncated or len(head) < len(data)
        if head:
            self._host.send(stream.kind, head)

    def read_all(self) -> None:
        """Read all that both pipes hold now: a program can make its pipe larger than our buffer."""
        for descriptor in self._streams:
            while self.read(descriptor) == len(self._host.buffer) and not self.is_flooded:
                pass

    def begin_again(self) -> None:
        """Read all that both pipes hold now, and start as if nothing had been written."""
        self.read_all()
        for stream in self._streams.values():
            stream.begin_again()

    def drain(self) -> None:
        """Read the rest, now that no process can write any more."""
        for descriptor in self._streams:
            while self.read(descriptor):
                pass
