"""What came of the requests of a soak."""

import threading
from collections import Counter

from benchmarks.soak.programs import Answer


class Tally:
    """What came of all requests so far. Shared by all clients."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()  # by kind
        self.statuses: dict[str, str] = {}  # of each execution that was answered, by its id
        self.refused = 0
        self.late = 0  # honest, and out of time
        self.wrong: list[str] = []
        self.internal: list[str] = []
        self._lock = threading.Lock()

    @property
    def honest(self) -> int:
        """How many programs of learners were sent."""
        return sum(count for kind, count in self.sent.items() if kind.startswith("honest"))

    def count(self, kind: str) -> None:
        """Note that a request of this kind is sent."""
        with self._lock:
            self.sent[kind] += 1

    def answered(self, answer: Answer, is_honest: bool, mistake: str) -> None:
        """Note a 200, and what is wrong with it, if anything."""
        with self._lock:
            self.statuses[answer["id"]] = answer["status"]
            if mistake and is_honest and _is_out_of_time(answer):
                self.late += 1
            elif mistake:
                self.wrong.append(mistake)

    def refuse(self) -> None:
        """Note an honest refusal."""
        with self._lock:
            self.refused += 1

    def fail(self, what: str) -> None:
        """Note what must never come."""
        with self._lock:
            self.internal.append(what)


def _is_out_of_time(answer: Answer) -> bool:
    """Tell whether the verdict is that of the clock: on a machine that others keep busy, this is honest."""
    return answer["status"] == "timeout" or any(each["status"] == "timeout" for each in answer["test_results"] or ())
