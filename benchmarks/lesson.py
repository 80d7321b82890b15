"""A lesson: a class behind one address presses Run, while one program never ends and one pupil floods the service.

`python -m benchmarks.lesson` holds one of ten minutes with the settings and rates of a new service, and prints how long
the others waited.
"""

import argparse
import re
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import requests

from benchmarks.services import StockedService
from tests.service import ORIGIN, UNLIMITED, Service

PUPILS = 30
PRESSES_A_MINUTE = 3
FLOODING_CLIENTS = 3
LONGEST_ANSWER_SECONDS = 60
LONGEST_P95_SECONDS = 0.5
WORD = re.compile(r"word-[0-9a-f]{32}")
MINT = (
    "from apikeys.keys import create_key\n"
    "from apikeys.tokens import mint_learner_token\n"
    "key, _ = create_key('School', 'secret', ['{origin}'])\n"
    "for number in range({count}): print(mint_learner_token(key, f'pupil-{{number}}', 3600))"
)

HELLO = "print('{word}')"
ENDLESS = "print('{word}', flush=True)\nwhile True: pass"


@dataclass(frozen=True)
class Pupil:
    """Somebody who presses Run: the key or token of their page, and the learner that it names, if any."""

    key: str
    claimed: str = ""


@dataclass(frozen=True)
class Pressed:
    """A program with its own word, the response to it, and how long that took, in seconds."""

    word: str
    response: requests.Response
    seconds: float

    def is_answered(self) -> bool:
        """Return whether the program ran and only its own word was printed."""
        return self.response.status_code == 200 and WORD.findall(self.response.json()["output"]) == [self.word]


@dataclass(frozen=True)
class Lesson:
    """What the class pressed, and the numbers of responses by status to the endless loops and to the flood."""

    learned: list[Pressed]
    loops: Counter[int]
    floods: Counter[int]


def shipped(directory: Path, **environment: str) -> StockedService:
    """Return a service with the defaults for all that bounds programs and requests."""
    service = StockedService(directory, **environment)
    for name in UNLIMITED:
        del service.environment[name]
    return service


def proven(service: Service, count: int = PUPILS) -> list[Pupil]:
    """Return pupils whose pages have tokens of the site's server, as docs/keys.md describes."""
    printed = service.manage("shell", "--verbosity=0", "-c", MINT.format(origin=ORIGIN, count=count))
    return [Pupil(token) for token in printed.split()]


def new_word() -> str:
    """Return a word that only one program prints."""
    return f"word-{secrets.token_hex(16)}"


def press(service: Service, pupil: Pupil, program: str) -> Pressed:
    """Press Run, and wait for the response."""
    word = new_word()
    body = {"code": program.format(word=word), "timeout": 10} | ({"learner": pupil.claimed} if pupil.claimed else {})
    headers = {"X-API-Key": pupil.key, "Origin": ORIGIN}
    started = time.monotonic()
    response = requests.post(f"{service.url}/execute", json=body, headers=headers, timeout=LONGEST_ANSWER_SECONDS)
    return Pressed(word, response, time.monotonic() - started)


def hold(service: Service, seconds: float, presses: int) -> Lesson:
    """Let one pupil run endless loops and another flood; the others press Run `presses` times each, one by one."""
    looping, flooding, *others = proven(service)
    over = threading.Event()

    def repeat(pupil: Pupil, program: str) -> Counter[int]:
        statuses: Counter[int] = Counter()
        while not over.is_set():
            statuses[press(service, pupil, program).response.status_code] += 1
        return statuses

    def learn(number: int, pupil: Pupil) -> list[Pressed]:
        pressed = []
        for turn in range(presses):
            over.wait(max(0.0, began + seconds / presses * (turn + number / PUPILS) - time.monotonic()))
            pressed.append(press(service, pupil, HELLO))
        return pressed

    with ThreadPoolExecutor(PUPILS - 1 + FLOODING_CLIENTS) as clients:
        began = time.monotonic()
        loop = clients.submit(repeat, looping, ENDLESS)
        floods = [clients.submit(repeat, flooding, HELLO) for _ in range(FLOODING_CLIENTS)]
        try:
            learned = [each for some in clients.map(learn, range(len(others)), others) for each in some]
        finally:
            over.set()
    return Lesson(learned, loop.result(), sum((flood.result() for flood in floods), Counter()))


def main() -> int:
    """Hold a lesson, print what the class got, and return 1 unless all but the flooding pupil were served promptly."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lesson", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=int, default=10)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as directory, shipped(Path(directory) / "service") as service:
        lesson = hold(service, 60 * minutes, PRESSES_A_MINUTE * minutes)
    waited = [each.seconds for each in lesson.learned]
    p95 = quantiles(waited, n=20)[-1]
    refused = Counter(each.response.status_code for each in lesson.learned if not each.is_answered())
    print(f"{len(waited)} presses: p50 {median(waited):.3f} s, p95 {p95:.3f} s")
    print(f"refused or wrong: {dict(refused) or 'none'}")
    print(f"endless loops, by status: {dict(lesson.loops)}; the flood: {dict(lesson.floods)}")
    return 1 if refused or p95 > LONGEST_P95_SECONDS else 0


if __name__ == "__main__":
    sys.exit(main())
