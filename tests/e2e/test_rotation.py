"""Another process rotates a key under load: clients that switch during the overlap see no error."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest
import requests

from tests.service import Service

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


@dataclass
class Clients:
    """Clients that run one program after another with the current token, some ten a second."""

    service: Service
    token: str
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with requests.Session() as session:
            while not self.stopped.is_set():
                token = self.token
                self.answers[token, status(self.service, token, session)] += 1
                self.stopped.wait(0.1)


def status(service: Service, token: str, session: requests.Session | None = None) -> int:
    send = (session or requests).post
    answer = send(f"{service.url}/execute", json={"code": "print(1)"}, headers={"X-API-Key": token}, timeout=30)
    return answer.status_code


def test_clients_that_switch_keys_during_the_overlap_see_no_error(service: Service) -> None:
    first = service.manage("create_key", "Site", "--kind", "secret").splitlines()[-1]
    prefix = first[:16]
    clients = Clients(service, first)
    threads = [threading.Thread(target=clients.run) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    second = service.manage("rotate_key", prefix, "--overlap-hours", "1").splitlines()[-1]
    clients.token = second
    time.sleep(2)
    clients.stopped.set()
    for thread in threads:
        thread.join()
    assert {code for _, code in clients.answers} == {200}
    assert {token for token, _ in clients.answers} == {first, second}
    assert status(service, first) == 200  # the overlap is not over


def test_rotation_without_overlap_and_revocation_end_a_key_at_once(service: Service) -> None:
    first = service.manage("create_key", "Site", "--kind", "secret").splitlines()[-1]
    assert status(service, first) == 200
    second = service.manage("rotate_key", first[:16], "--overlap-hours", "0").splitlines()[-1]
    assert (status(service, first), status(service, second)) == (403, 200)
    service.manage("revoke_key", second[:16])
    assert status(service, second) == 403
