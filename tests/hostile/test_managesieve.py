"""Strangers and users who mean harm to ManageSieve, with the default limits."""

from __future__ import annotations

import contextlib
import socket

import pytest

from tests.harness.managesieve import ManageSieve
from tests.harness.ports import MANAGESIEVE
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.hostile.connections import SilentConnections
from tests.hostile.imap_log_in import log_in_side_by_side
from tests.hostile.test_connections import listener, turned_away

_MIB = 1024 * 1024
_PIECE = b"x" * 65_536
_TAKEN = 16 * _MIB
"""Octets that the server, the kernel's buffers on both sides and TLS take from a client that nobody reads."""


def taken(sieve: ManageSieve, begin: bytes, piece: bytes = _PIECE, most: int = 256 * _MIB) -> int:
    """The octets that the server takes until the connection ends or blocks."""
    sieve.socket.settimeout(5)
    sent = 0
    with contextlib.suppress(OSError):
        sieve.send(begin)
        while sent < most:
            sieve.send(piece)
            sent += len(piece)
    return sent


def stranger(server: MailfoldServer) -> ManageSieve:
    return ManageSieve(server.port(MANAGESIEVE))


@pytest.mark.parametrize("begin", [b"NOOP {2000000000+}\r\n", b'AUTHENTICATE "PLAIN" {99999999999999999999+}\r\n'])
def test_a_literal_of_2_gb_of_a_stranger(server: MailfoldServer, begin: bytes) -> None:
    """Its size is refused before an octet of it is held."""
    with stranger(server) as sieve:
        sieve.send(begin)
        assert sieve.answer() == [b'BYE "a literal must have at most 16384 octets"']
        assert taken(sieve, b"") < _TAKEN


@pytest.mark.parametrize("begin", [b'NOOP "', b"", b'AUTHENTICATE "PLAIN" "', b"NOOP {16384+}\r\n" + b"x" * 16384])
def test_a_line_without_end_of_a_stranger(server: MailfoldServer, begin: bytes) -> None:
    with stranger(server) as sieve:
        assert taken(sieve, begin) < _TAKEN


def test_the_same_of_a_user(server: MailfoldServer) -> None:
    """What is announced beyond the limit of scripts is refused; a little more is skipped, and the session goes on."""
    person = server.people.person("ann")
    with server.managesieve(person) as sieve:
        sieve.send(b'PUTSCRIPT "a" {2000000000+}\r\n')
        assert sieve.answer()[-1].startswith(b'BYE "a literal must have at most ')
        assert sieve.rest() == b""
    with server.managesieve(person) as sieve, pytest.raises(OSError):
        sieve.send(b'PUTSCRIPT "a" "')
        while True:  # what arrives while TLS is being shut down is dropped
            sieve.send(_PIECE)
    with server.managesieve(person) as sieve:
        assert sieve.put("a", b"#" * (_MIB // 2)).startswith(b"NO (QUOTA/MAXSIZE)")
        assert sieve.ok("LISTSCRIPTS") == []


def test_1000_silent_connections(server: MailfoldServer) -> None:
    """From forty networks. Open sessions go on, new ones are let in, and IMAP has all its room."""
    person = server.people.person("bob")
    before, imaps = listener(server, MANAGESIEVE), listener(server, 993)
    with server.managesieve(person) as sieve, SilentConnections(server.port(MANAGESIEVE)) as flood:
        already = turned_away(server, MANAGESIEVE)
        for number in range(40):
            flood.open(25, f"127.0.5.{number + 1}")
        too_many = 1000 - (before.room - before.connections)
        until(lambda: turned_away(server, MANAGESIEVE) - already >= too_many, "the server has seen them all")
        assert listener(server, MANAGESIEVE).connections <= before.room
        sieve.ok("LISTSCRIPTS")
        with server.managesieve(person) as second, server.imap(person) as imap:
            second.ok("LISTSCRIPTS")
            imap.select()
        assert listener(server, 993).refused == imaps.refused
        flood.close()
        until(lambda: listener(server, MANAGESIEVE).connections <= 1, "the flood is forgotten")


def test_a_client_that_does_not_read_is_not_read(server: MailfoldServer) -> None:
    """Fifty thousand requests for a script of 60 KB, of which no answer is taken: the server takes no more requests
    when it has a few answers to send, and others are served."""
    person, other = server.people.person("kim"), server.people.person("eve")
    with server.managesieve(person) as greedy, server.managesieve(other) as sieve:
        assert greedy.put("large", b"#" * 60_000).startswith(b"OK")
        requests = b'GETSCRIPT "large"\r\n' * 1000
        assert taken(greedy, b"", requests, 50 * len(requests) * 20) < _TAKEN
        sieve.ok("LISTSCRIPTS")
        assert sieve.put("rules", b"keep;").startswith(b"OK")


def test_guesses_count_together_with_those_of_imap(server: MailfoldServer) -> None:
    """Ten wrong passwords of a client are checked, over whichever protocol; the owner logs in from elsewhere."""
    person = server.people.person("ivy")
    for number in range(2):
        with ManageSieve(server.port(MANAGESIEVE), server.tls(), "127.0.6.1") as sieve:
            for guess in range(3):
                answer = sieve.log_in(person.address, f"wrong {number} {guess}")
                assert answer == b'NO "Wrong name or password"'
    answers = log_in_side_by_side(server, person, [f"wrong {number}" for number in range(9)], "127.0.6.1")
    assert sum(answer.startswith(b"NO [AUTHENTICATIONFAILED]") for answer in answers) == 4
    with ManageSieve(server.port(MANAGESIEVE), server.tls(), "127.0.6.1") as sieve:
        assert sieve.log_in(person.address, person.password).startswith(b"NO (TRYLATER)")
    with server.managesieve(person) as sieve:
        sieve.ok("LISTSCRIPTS")


def test_a_client_in_a_loop_fills_no_history(server: MailfoldServer) -> None:
    """Every change stays in the history, so an account may make 500 a day; reading goes on."""
    person = server.people.person("dan")
    with server.managesieve(person) as sieve:
        answers = [sieve.put("a", b"# %d\nkeep;" % number) for number in range(510)]
        assert sum(answer.startswith(b"OK") for answer in answers) == 500
        assert answers[-1].startswith(b"NO (QUOTA) ")
        assert sieve.ok('GETSCRIPT "a"') == [b"{11}\r\n# 499\nkeep;"]


def test_rubbish_is_answered_and_the_session_goes_on(server: MailfoldServer) -> None:
    with stranger(server) as sieve:
        for line in (bytes(set(range(256)) - {10, 123}) * 3, b"\r" * 50, b'"' * 1001, b"{5}", b"NOOP {-1+}"):
            sieve.send(line + b"\r\n")
            assert sieve.answer()[-1].startswith(b"NO ")
        sieve.ok("NOOP")
        sieve.socket.shutdown(socket.SHUT_WR)
        assert sieve.rest() == b""
