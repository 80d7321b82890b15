"""Counts the results of a soak's requests."""

import threading
from collections import Counter

from benchmarks.soak.programs import Answer


class Tally:
    """The results of all requests so far. All clients share it."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()  # by kind
        self.statuses: dict[str, str] = {}  # of each answered execution, by ID
        self.refused = 0
        self.late = 0  # honest programs that timed out
        self.wrong: list[str] = []
        self.internal: list[str] = []
        self._lock = threading.Lock()

    @property
    def honest(self) -> int:
        """The number of honest programs sent."""
        return sum(count for kind, count in self.sent.items() if kind.startswith("honest"))

    def count(self, kind: str) -> None:
        """Count a sent request of this kind."""
        with self._lock:
            self.sent[kind] += 1

    def answered(self, answer: Answer, is_honest: bool, mistake: str) -> None:
        """Count an answer, and what is wrong with it, if anything."""
        with self._lock:
            self.statuses[answer["id"]] = answer["status"]
            if mistake and is_honest and _is_out_of_time(answer):
                self.late += 1
            elif mistake:
                self.wrong.append(mistake)

    def refuse(self) -> None:
        """Count a proper refusal."""
        with self._lock:
            self.refused += 1

    def fail(self, what: str) -> None:
        """Count a response that must never occur."""
        with self._lock:
            self.internal.append(what)


def _is_out_of_time(answer: Answer) -> bool:
    """Return whether the program or a test timed out, which a busy machine excuses."""
    return answer["status"] == "timeout" or any(each["status"] == "timeout" for each in answer["test_results"] or ())
