"""Strangers and users who mean harm to POP3, with the default limits."""

from __future__ import annotations

import contextlib
import poplib
import socket
import ssl
from collections.abc import Iterator
from functools import partial

import pytest

from tests.harness.people import Person
from tests.harness.ports import POP3, POP3S
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.hostile.connections import SilentConnections
from tests.hostile.imap_log_in import log_in_side_by_side
from tests.hostile.test_connections import listener, turned_away

_MIB = 1024 * 1024
_TAKEN = 16 * _MIB
"""Octets that the server, the kernel's buffers on both sides and TLS take from a client that nobody reads."""


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """A user of this test alone, whose account may be read with POP3."""
    person = server.people.person("pop")
    server.command("account", "pop3", person.address, "on")
    return person


@contextlib.contextmanager
def connected(server: MailfoldServer, source: str = "127.0.0.1") -> Iterator[ssl.SSLSocket]:
    """A connection under TLS whose greeting was read."""
    plain = socket.create_connection(("127.0.0.1", server.port(POP3S)), 60, (source, 0))
    with server.tls().wrap_socket(plain, server_hostname="localhost") as connection:
        assert connection.recv(1000).startswith(b"+OK")
        yield connection


def ask(connection: socket.socket, command: bytes) -> bytes:
    """The answer to a command with a single line."""
    connection.sendall(command + b"\r\n")
    answer = b""
    while not answer.endswith(b"\n"):
        answer += connection.recv(1000)
    return answer


def log_in(connection: socket.socket, person: Person, password: str = "") -> bytes:
    assert ask(connection, b"USER " + person.address.encode()).startswith(b"+OK")
    return ask(connection, b"PASS " + (password or person.password).encode())


def taken(connection: socket.socket, piece: bytes, most: int = 256 * _MIB) -> int:
    """The octets that the server takes until the connection ends or blocks."""
    connection.settimeout(5)
    sent = 0
    with contextlib.suppress(OSError):
        while sent < most:
            connection.sendall(piece)
            sent += len(piece)
    return sent


@pytest.mark.parametrize("begin", [b"", b"USER ", b"AUTH PLAIN "])
def test_a_line_without_end_of_a_stranger(server: MailfoldServer, begin: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port(POP3)), 60) as connection:
        assert connection.recv(1000).startswith(b"+OK")
        connection.sendall(begin)
        assert taken(connection, b"x" * 65_536) < _TAKEN


def test_a_line_without_end_of_a_user(server: MailfoldServer, ann: Person) -> None:
    with connected(server) as connection:
        assert log_in(connection, ann).startswith(b"+OK")
        with pytest.raises(OSError):
            while True:  # what arrives while TLS is being shut down is dropped
                connection.sendall(b"x" * 65_536)


def _is_full(server: MailfoldServer, port: int, number: int) -> bool:
    return turned_away(server, port) >= number


def _is_quiet(server: MailfoldServer, port: int) -> bool:
    return listener(server, port).connections <= 1


def test_1000_silent_connections(server: MailfoldServer, ann: Person) -> None:
    """From forty networks. The open session goes on, a new one is let in, and IMAP has all its room."""
    for port in (POP3S, POP3):
        before, imaps = listener(server, port), listener(server, 993)
        with connected(server) as open_session, SilentConnections(server.port(port)) as flood:
            assert log_in(open_session, ann).startswith(b"+OK")
            already = turned_away(server, port)
            for number in range(40):
                flood.open(25, f"127.0.7.{number + 1}")
            too_many = 1000 - (before.room - before.connections)
            until(partial(_is_full, server, port, already + too_many), "the server has seen them all")
            assert ask(open_session, b"NOOP") == b"+OK\r\n"
            with server.imap(ann) as imap:
                imap.select()
            assert listener(server, 993).refused == imaps.refused
            assert ask(open_session, b"QUIT").startswith(b"+OK")
            with connected(server) as another:
                assert log_in(another, ann).startswith(b"+OK")
            flood.close()
        until(partial(_is_quiet, server, port), "the flood is forgotten")


def test_many_sessions_of_one_account(server: MailfoldServer, ann: Person) -> None:
    """One has the maildrop, and each other one learns it at once; when it goes, the next one gets it."""
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(connected(server)) for _ in range(60)]
        answers = [log_in(session, ann) for session in sessions]
        assert [answer.partition(b" ")[0] for answer in answers] == [b"+OK"] + [b"-ERR"] * 59
        assert all(answer.startswith(b"-ERR [IN-USE]") for answer in answers[1:])
        sessions[0].close()
        until(lambda: log_in(sessions[1], ann).startswith(b"+OK"), "the maildrop to be free")


def test_a_client_that_does_not_read_is_not_read(server: MailfoldServer, ann: Person) -> None:
    other = server.people.person("pop")
    server.command("account", "pop3", other.address, "on")
    with server.imap(ann) as imap:
        imap.append("INBOX", b"Subject: large\r\n\r\n" + b"x" * 70 * 1000)
    with connected(server) as greedy:
        assert log_in(greedy, ann).startswith(b"+OK")
        assert taken(greedy, b"RETR 1\r\n" * 10_000, 64 * _MIB) < _TAKEN
        client = poplib.POP3_SSL("localhost", server.port(POP3S), context=server.tls(), timeout=60)
        client.user(other.address)
        client.pass_(other.password)
        assert client.stat() == (0, 0)
        client.quit()


def test_guesses_count_together_with_those_of_imap(server: MailfoldServer, ann: Person) -> None:
    for number in range(2):
        with connected(server, "127.0.8.1") as connection:
            for guess in range(3):
                assert log_in(connection, ann, f"wrong {number} {guess}").startswith(b"-ERR [AUTH] Wrong")
    answers = log_in_side_by_side(server, ann, [f"wrong {number}" for number in range(9)], "127.0.8.1")
    assert sum(answer.startswith(b"NO [AUTHENTICATIONFAILED]") for answer in answers) == 4
    with connected(server, "127.0.8.1") as connection:
        assert log_in(connection, ann).startswith(b"-ERR [SYS/TEMP]")
    with connected(server) as connection:
        assert log_in(connection, ann).startswith(b"+OK")
