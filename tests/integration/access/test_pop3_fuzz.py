"""Streams of right and wrong POP3 commands have the same answers however they are cut, and none is a server's fault."""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Iterator

import pytest

from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.parts import nats

_COMMANDS = (
    *("STAT", "LIST", "UIDL", "RETR", "TOP", "DELE", "RSET", "NOOP", "CAPA", "LANG", "UTF8", "STLS", "USER", "PASS"),
    *("AUTH", "APOP", "XYZ", "retr", "", "LIST\t1", " NOOP"),
)
_WORDS = (b"1", b"2", b"3", b"4", b"0", b"-1", b"99999999999", b"x", b"en", b"*", b"\xff", b"\0", b"PLAIN", b"y" * 1100)
_MAILS = (b"Subject: a\r\n\r\n.\r\nx\r\n", b"Subject: b\r\n\r\n" + b"..dots\r\n" * 9000, b"no header")
_UNIQUE_ID = re.compile(rb"e[0-9a-z]{20}")


@pytest.fixture(scope="module")
def popular(bus_server: nats.NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    """A server with POP3, in which a client may fail often."""
    settings = {"pop3.listen": "true", "access.login_failures": "100"}
    with ImapServer(tmp_path_factory.mktemp("pop3"), bus_server.url, settings) as started:
        yield started


def line(chance: random.Random) -> bytes:
    """A command with arguments that fit it or not."""
    words = [chance.choice(_COMMANDS).encode(), *chance.choices(_WORDS, k=chance.choice((0, 0, 1, 1, 2, 3)))]
    return b" ".join(words) + chance.choice((b"\r\n", b"\r\n", b"\n", b" \r\n"))


def answers(server: ImapServer, user: str, seed: int, *, cut: bool) -> bytes:
    """Everything that the server says to a stream, whole or in pieces of any length."""
    for mail in _MAILS:
        server.deliver(user, mail)
    chance = random.Random(seed)
    log_in = b"USER %b@example.org\r\nPASS %b\r\n" % (user.encode(), PASSWORD.encode())
    lines = [line(chance) for _ in range(40)]
    data = b"".join([*lines[:5], log_in, *lines[5:], b"\r\nQUIT\r\n"])
    data = data.replace(b"STLS", b"NOOP")
    plain = socket.create_connection(("127.0.0.1", server.pop3s_port), 30)
    with server.client_context().wrap_socket(plain, server_hostname="localhost") as connection:
        while data:
            size = chance.choice((1, 2, 3, 7, 30, 500)) if cut else len(data)
            connection.sendall(data[:size])
            data = data[size:]
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize("seed", range(25))
def test_any_stream_has_the_same_answers_however_it_is_cut(popular: ImapServer, seed: int) -> None:
    whole = answers(popular, f"pop{seed}-whole", seed, cut=False)
    cut = answers(popular, f"pop{seed}-cut", seed, cut=True)
    assert _UNIQUE_ID.sub(b"e", whole) == _UNIQUE_ID.sub(b"e", cut)
    assert b"Something is wrong" not in whole
    assert whole.splitlines()[-1].startswith(b"+OK Goodbye")
