"""A broker that is down, of each kind."""

import socketserver
import struct
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
import redis

from executions.cluster.transport import Sender, broker_error
from tests.servers import Redis, free_port


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_broker_that_is_down_is_an_error_at_once(scheme: str) -> None:
    sender = Sender(f"{scheme}://127.0.0.1:{free_port()}/0")
    started = time.monotonic()
    with pytest.raises(ConnectionError):
        sender.send("run", "worker")
    assert time.monotonic() - started < 10  # not the minutes for which kombu would try again
    sender.close()


class EncryptedRedis(Redis):
    """A server with a certificate of its own that nobody has signed."""

    @property
    def url(self) -> str:
        return f"rediss://localhost:{self.port}/0"

    def prepare(self) -> None:
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        files = ["-keyout", f"{self.directory}/key.pem", "-out", f"{self.directory}/cert.pem"]
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *names, *files]
        subprocess.run(command, check=True, capture_output=True)
        for each in self.directory.iterdir():
            each.chmod(0o644)
        super().prepare()

    def command(self) -> list[str]:
        cert, key = self.directory / "cert.pem", self.directory / "key.pem"
        tls = ["--tls-port", str(self.port), "--port", "0", "--tls-auth-clients", "no"]
        files = ["--tls-cert-file", str(cert), "--tls-key-file", str(key), "--tls-ca-cert-file", str(cert)]
        return ["redis-server", "--bind", "127.0.0.1", *tls, *files, "--save", ""]

    def client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.url, socket_timeout=1, ssl_cert_reqs="none")


@pytest.mark.server
def test_broker_must_prove_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kombu sent the password and all ids to anybody."""
    with EncryptedRedis() as server:
        assert "CERTIFICATE_VERIFY_FAILED" in broker_error(server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(server.directory / "cert.pem"))
        assert broker_error(server.url) == ""


def test_broker_may_be_a_socket() -> None:
    """Kombu calls it otherwise than we do: it knew no such transport."""
    assert "/nowhere/socket" in broker_error("unix:///nowhere/socket")


class Refusing(socketserver.BaseRequestHandler):
    """What RabbitMQ answers to a wrong password: `Connection.Start`, and then `Connection.Close`."""

    def handle(self) -> None:
        self.request.recv(8)
        texts = b"".join(struct.pack("!I", len(text)) + text for text in (b"", b"PLAIN", b"en_US"))
        self.send(struct.pack("!HHBB", 10, 10, 0, 9) + texts)
        self.request.recv(4096)
        self.send(struct.pack("!HHHB", 10, 50, 403, len(b"REFUSED")) + b"REFUSED" + struct.pack("!HH", 0, 0))
        self.request.recv(4096)

    def send(self, method: bytes) -> None:
        self.request.sendall(struct.pack("!BHI", 1, 0, len(method)) + method + b"\xce")


@pytest.fixture
def refusing_broker() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"amqp://guest:wrong@127.0.0.1:{server.server_address[1]}//"
        server.shutdown()
        thread.join()


def test_broker_that_refuses_the_password_is_an_error(refusing_broker: str) -> None:
    sender = Sender(refusing_broker)
    with pytest.raises(ConnectionError):
        sender.send("run", "worker")
    sender.close()
    assert "REFUSED" in broker_error(refusing_broker)


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_why_a_broker_does_not_answer_is_told(scheme: str) -> None:
    assert "refused" in broker_error(f"{scheme}://127.0.0.1:{free_port()}/0")
