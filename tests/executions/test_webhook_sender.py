"""Webhooks are sent over TLS to public addresses only, and nothing that a receiver does holds them up for long."""

import socket
import ssl
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from executions.webhooks.addresses import addresses_of, is_public
from executions.webhooks.sender import NotSent, Sender
from tests.receiver import NAME, Answer, Certificate, Receiver, always_loopback, certify, loopback_sender

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
    "2001:4860:4860::8888",
]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",  # shared by the customers of a provider
    "100.100.100.200",  # Alibaba's metadata
    "127.0.0.1",
    "127.8.8.8",
    "168.63.129.16",  # Azure's host
    "169.254.169.254",  # metadata of most clouds
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",  # Oracle's metadata
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "233.252.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # 127.0.0.1 in disguise
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",  # NAT64
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",  # Teredo
    "2001:0:7f00:1::1",
    "2001:db8::1",
    "2001:20::1",
    "2002:7f00:1::1",  # 6to4
    "2002:808:808::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",  # Amazon's metadata
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "5f00::1",
    "4000::1",
    "",
    "localhost",
    "0177.0.0.1",
    "2130706433",
    "0x7f.1",
    "127.1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


def test_a_name_is_looked_up() -> None:
    assert "127.0.0.1" in addresses_of("localhost", 443)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certify(tmp_path_factory.mktemp("authority"), "Test")


@pytest.fixture(scope="module")
def certificate(authority: Certificate) -> Certificate:
    return certify(authority.key.parent, NAME, authority)


@pytest.fixture
def sender(authority: Certificate) -> Sender:
    return loopback_sender(authority.certificate)


def post(sender: Sender, receiver: Receiver, **headers: str) -> int:
    return sender.post(receiver.url("/a?b=c"), {"webhook-id": "7", **headers}, b'{"a": 1}')


def test_the_receiver_gets_the_request(sender: Sender, certificate: Certificate) -> None:
    with Receiver(certificate, 200) as receiver:
        assert post(sender, receiver) == 200
        [received] = receiver.received
    assert (received.path, received.body) == ("/a?b=c", b'{"a": 1}')
    assert received.headers == {
        "host": receiver.host,
        "content-length": "8",
        "connection": "close",
        "webhook-id": "7",
    }


def test_a_long_body_arrives(sender: Sender, certificate: Certificate) -> None:
    with Receiver(certificate) as receiver:
        assert sender.post(receiver.url(), {}, b"x" * 2_000_000) == 204
        assert len(receiver.received[0].body) == 2_000_000


@pytest.mark.parametrize("status", [200, 204, 299, 301, 302, 307, 308, 400, 404, 410, 429, 500, 503])
def test_the_status_is_returned_and_no_redirect_followed(sender: Sender, certificate: Certificate, status: int) -> None:
    def redirect(handler: Any) -> None:
        handler.send_response(status)
        handler.send_header("Location", f"https://{handler.headers['Host']}/elsewhere")
        handler.send_header("Set-Cookie", "a=b")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with Receiver(certificate, redirect) as receiver:
        assert post(sender, receiver) == status
        assert post(sender, receiver) == 204
    assert [each.path for each in receiver.received] == ["/a?b=c", "/a?b=c"]
    assert "cookie" not in receiver.received[1].headers
    assert receiver.connections == 2


# Where it is sent


def refusal(sender: Sender, receiver: Receiver) -> str:
    with pytest.raises(NotSent) as raised:
        post(sender, receiver)
    return str(raised.value)


def test_no_connection_is_made_to_a_private_address(certificate: Certificate, sender: Sender) -> None:
    with Receiver(certificate) as receiver:
        assert refusal(replace(sender, is_allowed=is_public), receiver) == "The host has no public address."
        assert refusal(Sender(always_loopback), receiver) == "The host has no public address."
        assert receiver.connections == 0


def test_the_name_is_looked_up_once_and_the_checked_address_is_used(certificate: Certificate, sender: Sender) -> None:
    """A name may have a public address when it is checked, and a private one at the next look."""
    looks: list[str] = []

    def rebind(name: str, port: int) -> list[str]:
        looks.append(name)
        return ["127.0.0.1"] if len(looks) == 1 else ["127.9.9.9"]

    with Receiver(certificate) as receiver:
        assert post(replace(sender, resolve=rebind), receiver) == 204
    assert looks == [NAME]


def test_of_several_addresses_only_those_allowed_are_tried(certificate: Certificate, sender: Sender) -> None:
    checked: list[str] = []

    def is_allowed(address: str) -> bool:
        checked.append(address)
        return address != "127.9.9.9"

    def resolve(name: str, port: int) -> list[str]:
        return ["127.9.9.9", "127.0.0.2", "127.0.0.1"]  # nothing listens at the second one

    with Receiver(certificate) as receiver:
        assert post(replace(sender, resolve=resolve, is_allowed=is_allowed), receiver) == 204
    assert checked == ["127.9.9.9", "127.0.0.2", "127.0.0.1"]


def test_an_unknown_name_is_an_error(certificate: Certificate, sender: Sender) -> None:
    def fail(name: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with Receiver(certificate) as receiver:
        assert refusal(replace(sender, resolve=fail), receiver) == "The name of the host was not found."


def test_no_proxy_of_the_environment_is_used(
    certificate: Certificate, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Receiver(certificate) as receiver:
        assert post(sender, receiver) == 204


# Whom it trusts


def test_the_certificate_must_be_of_a_known_authority(certificate: Certificate) -> None:
    with Receiver(certificate) as receiver:
        everyday = Sender(always_loopback, lambda address: True)
        assert refusal(everyday, receiver).startswith("The certificate is not valid: ")
        assert receiver.received == []


def test_the_certificate_must_be_for_the_name(authority: Certificate, tmp_path: Path, sender: Sender) -> None:
    other = certify(tmp_path, "other.example.org", authority)
    with Receiver(other) as receiver:
        assert "Hostname mismatch" in refusal(sender, receiver)
        assert receiver.received == []


def test_old_versions_of_tls_are_refused(sender: Sender) -> None:
    assert Sender().context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert Sender().context.verify_mode is ssl.CERT_REQUIRED
    assert Sender().context.check_hostname


def test_without_tls_nothing_is_sent(sender: Sender) -> None:
    with Receiver(None) as receiver:
        assert refusal(sender, receiver).startswith("TLS failed: ")
        assert receiver.received == []


# What receivers may do


def says(*parts: bytes, pause_seconds: float = 0.0) -> Answer:
    def answer(handler: Any) -> None:
        handler.close_connection = True
        for part in parts:
            handler.wfile.write(part)
            handler.wfile.flush()
            time.sleep(pause_seconds)

    return answer


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((b"HTTP/1.1 200 OK\r\n\r\n",), 200),
        ((b"HTTP/1.0 204 \r\n\r\n",), 204),
        ((b"HTTP/1.1 202\r\n\r\n",), 202),
        ((b"HT", b"TP/1.1 2", b"01 Created\r", b"\n"), 201),
        ((b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",), 200),
        ((b"HTTP/1.1 100 Continue\r\n", b"\r\n", b"HTTP/1.1 410 Gone\r\n\r\n"), 410),
        ((b"HTTP/1.1 200 OK\r\nA: " + b"b" * 1_000_000,), 200),
    ],
)
def test_the_status_is_all_that_is_read(
    sender: Sender, certificate: Certificate, parts: tuple[bytes, ...], status: int
) -> None:
    with Receiver(certificate, says(*parts)) as receiver:
        assert post(sender, receiver) == status


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ((b"",), "The receiver closed the connection without a response."),
        ((b"HTTP/1.1 200",), "The receiver closed the connection without a response."),
        ((b"HTTP/1.1 103 Early Hints\r\n\r\n",), "The receiver closed the connection without a response."),
        ((b"HTTP/2 200\r\n\r\n",), "The response is not HTTP/1.1."),
        ((b"220 smtp\r\n",), "The response is not HTTP/1.1."),
        ((b"HTTP/1.1 2000 OK\r\n",), "The response is not HTTP/1.1."),
        ((b"HTTP/1.1 999 OK\r\n",), "The response is not HTTP/1.1."),
        ((b"\r\n",), "The response is not HTTP/1.1."),
        ((b"x" * 1_000_000,), "The response does not begin with a status."),
        ((b"HTTP/1.1 103 A\r\n" + b"a: b\r\n" * 100_000,), "The response does not begin with a status."),
    ],
)
def test_other_responses_are_errors(
    sender: Sender, certificate: Certificate, parts: tuple[bytes, ...], reason: str
) -> None:
    with Receiver(certificate, says(*parts)) as receiver:
        assert refusal(sender, receiver) == reason


def test_a_body_without_end_is_not_read(sender: Sender, certificate: Certificate) -> None:
    def pour(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)

    with Receiver(certificate, pour) as receiver:
        assert post(sender, receiver) == 200


def test_a_receiver_that_is_silent_is_not_waited_for(sender: Sender, certificate: Certificate) -> None:
    with Receiver(certificate, lambda handler: time.sleep(1.0)) as receiver:
        assert refusal(replace(sender, step_seconds=0.2), receiver) == "The receiver took too long."


def test_a_receiver_that_drips_is_not_waited_for(sender: Sender, certificate: Certificate) -> None:
    with Receiver(certificate, says(*[b"H"] * 30, pause_seconds=0.1)) as receiver:
        assert refusal(replace(sender, all_seconds=0.6), receiver) == "The receiver took too long."


def test_a_server_that_never_begins_tls_is_not_waited_for(sender: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://{NAME}:{silent.getsockname()[1]}/"
        with pytest.raises(NotSent, match="took too long"):
            replace(sender, step_seconds=0.2).post(url, {}, b"")


def test_closed_port_is_an_error(sender: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NotSent, match="The connection failed: Connection refused"):
        sender.post(f"https://{NAME}:{port}/", {}, b"")


def test_a_look_up_that_takes_too_long_sends_nothing(sender: Sender, certificate: Certificate) -> None:
    def slow(name: str, port: int) -> list[str]:
        time.sleep(0.1)
        return ["127.0.0.1"]

    with Receiver(certificate) as receiver:
        assert refusal(replace(sender, resolve=slow, all_seconds=0.05), receiver) == "The receiver took too long."
        assert receiver.connections == 0
