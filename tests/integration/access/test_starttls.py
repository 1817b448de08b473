"""Port 143: nothing that was sent in clear behind STARTTLS is ever carried out under TLS."""

from __future__ import annotations

import imaplib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.parts import nats


@pytest.fixture(scope="module")
def clear(bus_server: nats.NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    """A server with port 143."""
    settings = {"access.listen_starttls": "true"}
    with ImapServer(tmp_path_factory.mktemp("clear"), bus_server.url, settings) as started:
        yield started


def greeted(server: ImapServer) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.imap_port), 10)
    assert b"STARTTLS LOGINDISABLED" in connection.recv(1000)
    return connection


def everything(connection: socket.socket) -> bytes:
    received = b""
    try:
        while octets := connection.recv(1000):
            received += octets
    except ConnectionError:
        pass
    return received


def test_commands_in_the_same_packet_end_the_connection(clear: ImapServer) -> None:
    with greeted(clear) as connection:
        connection.sendall(b"a STARTTLS\r\nb CAPABILITY\r\n")
        assert everything(connection) == b"* BYE Nothing may follow STARTTLS before TLS is active\r\n"


def test_half_a_line_behind_starttls_ends_it_too(clear: ImapServer) -> None:
    with greeted(clear) as connection:
        connection.sendall(b"a STARTTLS\r\nb")
        assert b"OK" not in everything(connection)


def test_commands_that_come_during_the_handshake_are_never_answered(clear: ImapServer) -> None:
    with greeted(clear) as connection:
        connection.sendall(b"a STARTTLS\r\n")
        assert connection.recv(1000) == b"a OK Begin TLS\r\n"
        connection.sendall(b"b CAPABILITY\r\n")
        assert b"b " not in everything(connection)


def test_a_client_as_they_are(clear: ImapServer) -> None:
    client = imaplib.IMAP4("127.0.0.1", clear.imap_port)
    with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
        client.login("ann@example.org", PASSWORD)
    context = ssl.create_default_context(cafile=str(Path(clear.places.tls) / "ca.pem"))
    context.check_hostname = False
    client.starttls(context)
    assert "AUTH=PLAIN" in client.capabilities
    assert client.login("ann@example.org", PASSWORD)[0] == "OK"
    assert client.enable("UTF8=ACCEPT")[0] == "OK"
    assert client.logout()[0] == "BYE"


def test_port_143_is_off_by_default(bus_server: nats.NatsServer, tmp_path: Path) -> None:
    with ImapServer(tmp_path, bus_server.url) as server, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.imap_port), 5)
