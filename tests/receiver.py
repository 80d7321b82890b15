"""A server on loopback that receives webhooks over TLS, and the authority that has signed its certificate."""

import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from executions.webhooks.sender import Sender

NAME = "hooks.example.org"
CONFIG = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
authorityKeyIdentifier = keyid
subjectAltName = DNS:{name}
"""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, in one file each."""

    certificate: Path
    key: Path


def certify(directory: Path, name: str, by: Certificate | None = None) -> Certificate:
    """Return a certificate for a server, or that of an authority of its own."""
    files = Certificate(directory / f"{name}.crt", directory / f"{name}.key")
    config = directory / f"{name}.cnf"
    config.write_text(CONFIG.format(name=name))
    command: list[str | Path] = [
        "openssl",
        "req",
        "-x509",
        "-config",
        config,
        "-extensions",
        "server" if by else "authority",
    ]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command += ["-subj", f"/CN={name}", "-out", files.certificate, "-keyout", files.key]
    command += ["-CA", by.certificate, "-CAkey", by.key] if by else []
    subprocess.run(command, check=True, capture_output=True)
    return files


def always_loopback(name: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def loopback_sender(authority: Path) -> Sender:
    """Return a sender to receivers on loopback that this authority has certified."""
    return Sender(always_loopback, lambda address: True, ssl.create_default_context(cafile=authority))


@dataclass(frozen=True, slots=True)
class Received:
    """A request to a receiver."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)


Answer = int | Callable[[BaseHTTPRequestHandler], None]


class Receiver:
    """Responds with each of `answers` in turn, and with 204 afterwards. Use it as a context manager.

    An answer is a status, or a function that responds.
    """

    def __init__(self, certificate: Certificate | None, *answers: Answer) -> None:
        self.answers = list(answers)
        self.received: list[Received] = []
        self.connections = 0
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
        self._server = _QuietServer(("127.0.0.1", 0), partial(_Handler, self, context))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def host(self) -> str:
        """The host that a key lists."""
        return f"{NAME}:{self._server.server_address[1]}"

    def url(self, path: str = "/hook") -> str:
        """Return an address of this receiver."""
        return f"https://{self.host}{path}"

    def attempts(self) -> Counter[str]:
        """Return how often each webhook has arrived, by its id."""
        return Counter(each.headers["webhook-id"] for each in self.received)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: many a sender leaves in the middle."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, receiver: Receiver, context: ssl.SSLContext | None, *arguments: Any) -> None:
        self._receiver = receiver
        self._context = context
        super().__init__(*arguments)

    def setup(self) -> None:
        self._receiver.connections += 1
        if self._context is not None:
            self.request = self._context.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._receiver.received.append(Received(self.path, headers, body))
        answer = self._receiver.answers.pop(0) if self._receiver.answers else 204
        if callable(answer):
            answer(self)
            return
        self.send_response(answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""
