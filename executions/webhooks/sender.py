"""Sends one request over TLS to an address that was checked, and reads nothing of the response but its status.

No HTTP library: they look names up again when they connect, follow redirects, read proxies from the environment, keep
cookies and connections, and read responses whose length the receiver decides.
"""

import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from executions.sandbox.timing import Deadline
from executions.webhooks.addresses import addresses_of, is_public
from web.notation import parse_host, parse_webhook

STEP_SECONDS = 5.0
"""How long the receiver may be silent: while it accepts the connection, agrees on TLS, or reads or writes something."""

ALL_SECONDS = 20.0
"""How long an attempt may take. Only the look-up of the name may take longer, and then nothing is sent."""

MOST_ADDRESSES = 3
"""Of one host, that are tried in turn until one accepts a connection."""

LONGEST_HEAD_BYTES = 16 * 1024
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: |\r)")


class NotSent(Exception):
    """There was no response. The message says why, without anything of the request."""


def _default_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


@dataclass(frozen=True, slots=True)
class _Patience:
    """How long an attempt, and each step of it, may still take."""

    deadline: Deadline
    step_seconds: float

    def step(self) -> float:
        """Return how long the next step may take. Raises TimeoutError if the time is over."""
        left = self.deadline.remaining_seconds()
        if not left:
            raise TimeoutError
        return min(self.step_seconds, left)


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends to hosts as `resolve` finds them, if `is_allowed` says so of the address, and as `context` trusts them."""

    resolve: Callable[[str, int], list[str]] = addresses_of
    is_allowed: Callable[[str], bool] = is_public
    context: ssl.SSLContext = field(default_factory=_default_context)
    step_seconds: float = STEP_SECONDS
    all_seconds: float = ALL_SECONDS

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send `body` to a webhook and return the status of the response. Raises NotSent."""
        patience = _Patience(Deadline.after(self.all_seconds), self.step_seconds)
        host, path = parse_webhook(url)
        name, port = parse_host(host)
        sent = {"Host": host, "Content-Length": str(len(body)), "Connection": "close", **headers}
        head = "".join(f"{each}: {value}\r\n" for each, value in sent.items())
        try:
            with self._connect(name, port, patience) as connection:
                _send(connection, f"POST {path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body, patience)
                return _status(connection, patience)
        except TimeoutError as error:
            raise NotSent("The receiver took too long.") from error
        except ssl.SSLCertVerificationError as error:
            raise NotSent(f"The certificate is not valid: {error.verify_message}") from error
        except ssl.SSLError as error:
            raise NotSent(f"TLS failed: {error.reason}") from error
        except OSError as error:
            raise NotSent(f"The connection failed: {error.strerror or type(error).__name__}") from error

    def _connect(self, name: str, port: int, patience: _Patience) -> ssl.SSLSocket:
        """Return a connection to a machine that has proved that it is `name`. Raises NotSent or OSError."""
        try:
            found = self.resolve(name, port)
        except (OSError, UnicodeError) as error:
            raise NotSent("The name of the host was not found.") from error
        allowed = [each for each in found if self.is_allowed(each)]
        if not allowed:
            raise NotSent("The host has no public address.")
        with _reach(allowed[:MOST_ADDRESSES], port, patience) as plain:
            plain.settimeout(patience.step())
            return self.context.wrap_socket(plain, server_hostname=name)  # takes over the descriptor


def _reach(addresses: list[str], port: int, patience: _Patience) -> socket.socket:
    """Return a connection to the first of the addresses that accepts one. Raises OSError."""
    for number, address in enumerate(addresses, 1):
        try:
            return socket.create_connection((address, port), patience.step())
        except OSError:
            if number == len(addresses):
                raise
    raise AssertionError("there is at least one address")


def _send(connection: ssl.SSLSocket, content: bytes, patience: _Patience) -> None:
    rest = memoryview(content)
    while rest:
        connection.settimeout(patience.step())
        rest = rest[connection.send(rest) :]


def _status(connection: ssl.SSLSocket, patience: _Patience) -> int:
    """Return the status of the response, after those that only announce it (1xx)."""
    received = b""
    while len(received) < LONGEST_HEAD_BYTES:
        connection.settimeout(patience.step())
        part = connection.recv(4096)
        if not part:
            raise NotSent("The receiver closed the connection without a response.")
        received += part
        while (line := received.partition(b"\n")[0]) != received:
            match = STATUS_LINE.match(line)
            if match is None:
                raise NotSent("The response is not HTTP/1.1.")
            if not match[1].startswith(b"1"):
                return int(match[1])
            _, end, rest = received.partition(b"\r\n\r\n")
            if not end:
                break
            received = rest
    raise NotSent("The response does not begin with a status.")
