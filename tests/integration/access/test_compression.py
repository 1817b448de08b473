"""COMPRESS=DEFLATE (RFC 4978) over real connections."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest

from tests.harness.mails import MAIL
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer

Connect = Callable[..., ImapClient]


class CompressedClient:
    """The client of a connection on which COMPRESS was answered OK."""

    def __init__(self, client: ImapClient, window: int = -15) -> None:
        self.socket = client.socket
        assert client.ask("COMPRESS DEFLATE")[0] == b"OK DEFLATE is active"
        self.deflater = zlib.compressobj(9, zlib.DEFLATED, window)
        self._inflater = zlib.decompressobj(-15)
        self._received = b""

    def send(self, data: bytes, flush: int = zlib.Z_SYNC_FLUSH) -> None:
        self.socket.sendall(self.deflater.compress(data) + self.deflater.flush(flush))

    def until(self, tag: bytes) -> bytes:
        """What the server has sent up to the tagged response."""
        while b"\r\n" + tag + b" " not in b"\r\n" + self._received or not self._received.endswith(b"\r\n"):
            octets = self.socket.recv(65_536)
            if not octets:
                raise ConnectionError(self._received)
            self._received += self._inflater.decompress(octets)
        received, self._received = self._received, b""
        return received

    def ask(self, tag: bytes, command: bytes) -> bytes:
        self.send(tag + b" " + command + b"\r\n")
        return self.until(tag)


def test_both_directions_are_compressed(connect: Connect) -> None:
    client = CompressedClient(connect())
    assert b"COMPRESS" not in client.ask(b"1", b"CAPABILITY")
    assert b"NO [COMPRESSIONACTIVE]" in client.ask(b"2", b"COMPRESS DEFLATE")
    for tag in (b"3", b"4"):
        client.send(tag + b" APPEND INBOX {%d+}\r\n%b\r\n" % (len(MAIL), MAIL))
        assert b"OK [APPENDUID" in client.until(tag)
    assert b"2 EXISTS" in client.ask(b"5", b"SELECT INBOX")
    assert client.ask(b"6", b"FETCH 1:* BODY[]").count(MAIL) == 2


def test_a_literal_that_waits_is_answered_at_once(connect: Connect) -> None:
    client = CompressedClient(connect())
    client.send(b"1 APPEND INBOX {%d}\r\n" % len(MAIL))
    assert client.until(b"+") == b"+ OK\r\n"
    client.send(MAIL + b"\r\n")
    assert b"1 OK" in client.until(b"1")


def test_idle_is_told_at_once(server: ImapServer, connect: Connect, user: str) -> None:
    client = CompressedClient(connect())
    client.ask(b"1", b"SELECT INBOX")
    client.send(b"2 IDLE\r\n")
    assert client.until(b"+") == b"+ idling\r\n"
    server.deliver(user, MAIL)
    received = b""
    while b"* 1 EXISTS" not in received:
        received += client.until(b"*")
    client.send(b"DONE\r\n")
    assert b"2 OK" in client.until(b"2")


def test_any_cut_of_the_input_is_the_same(connect: Connect) -> None:
    client = CompressedClient(connect())
    octets = client.deflater.compress(b"1 NOOP\r\n2 SELECT INBOX\r\n3 NOOP\r\n") + client.deflater.flush()
    for octet in octets:
        client.socket.sendall(bytes((octet,)))
    assert client.until(b"3").count(b" OK ") >= 3
    # The client has ended its stream with a last block; the server answered everything and closes.
    assert client.socket.recv(1) == b""


def test_a_client_without_a_last_block_is_normal(server: ImapServer, connect: Connect) -> None:
    client = CompressedClient(connect())
    client.send(b"1 NOOP\r\n")
    client.until(b"1")
    client.socket.close()
    assert CompressedClient(connect()).ask(b"1", b"NOOP")


def test_commands_sent_with_compress_are_already_compressed(connect: Connect) -> None:
    client = connect()
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    behind = deflater.compress(b"y NOOP\r\n") + deflater.flush(zlib.Z_SYNC_FLUSH)
    client.send(b"x COMPRESS DEFLATE\r\n" + behind)
    assert client.line() == b"x OK DEFLATE is active"
    inflater = zlib.decompressobj(-15)
    received = b""
    while not received.endswith(b"\r\n"):
        received += inflater.decompress(client.socket.recv(1000))
    assert received == b"y OK NOOP completed\r\n"


@pytest.mark.parametrize("window", [-9, -12, -15])
def test_every_window_of_a_client_serves(connect: Connect, window: int) -> None:
    client = CompressedClient(connect(), window)
    for number in range(50):
        tag = b"t%d" % number
        assert b"OK" in client.ask(tag, b"STATUS INBOX (MESSAGES)")


def test_broken_data_ends_the_connection(connect: Connect) -> None:
    client = CompressedClient(connect())
    client.socket.sendall(b"\xff" * 50)
    received = b""
    inflater = zlib.decompressobj(-15)
    while octets := client.socket.recv(1000):
        received += inflater.decompress(octets)
    assert received == b"* BYE The compressed data is broken\r\n"


def test_log_in_ends_and_compression_stays(connect: Connect, user: str) -> None:
    client = CompressedClient(connect())
    assert b"1 OK" in client.ask(b"1", b"UNAUTHENTICATE")
    assert b"AUTH=PLAIN" in client.ask(b"2", b"CAPABILITY")
    answer = client.ask(b"3", b'LOGIN %b@example.org "secret of ann"' % user.encode())
    assert b"3 OK" in answer and b"COMPRESS" not in answer
