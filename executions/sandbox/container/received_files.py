"""The files that a container sends from a run: assembled and limited."""

from executions.sandbox.results import File, NotCollected, Reason
from guest import protocol

REASONS = {
    protocol.FILE_MISSING: Reason.MISSING,
    protocol.FILE_TOO_LARGE: Reason.TOO_LARGE,
    protocol.FILE_UNREADABLE: Reason.UNREADABLE,
}


class FileCollector:
    """Takes the bodies of a run's FILE frames, which come in the order of `names`."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.files: list[File] = []
        self.others: list[NotCollected] = []
        self._names = list(names)
        self._pieces = bytearray()
        self._received_bytes = 0

    def add(self, body: bytes) -> None:
        """Add one body. Raises ValueError if it is malformed, or more than a supervisor sends."""
        mark, piece = body[:1], body[1:]
        self._received_bytes += len(piece)
        if not self._names or self._received_bytes > protocol.COLLECTED_BYTES:
            raise ValueError("more files than a supervisor sends")
        self._pieces += piece
        if mark == protocol.GOES_ON and piece:
            return
        name = self._names.pop(0)
        if mark == protocol.ENDS:
            self.files.append(File(name, bytes(self._pieces)))
        elif mark in REASONS and not piece:
            self.others.append(NotCollected(name, REASONS[mark]))
        else:
            raise ValueError("a malformed file")
        self._pieces.clear()
