"""Streams of right and wrong commands: each is answered, however it is cut, and no answer is a fault of the server."""

from __future__ import annotations

import random

import pytest

from tests.harness.managesieve import ManageSieve
from tests.integration.access.imap_server import PASSWORD, ImapServer

_COMMANDS = (
    *("CAPABILITY", "NOOP", "LISTSCRIPTS", "HAVESPACE", "PUTSCRIPT", "CHECKSCRIPT", "SETACTIVE", "GETSCRIPT"),
    *("DELETESCRIPT", "RENAMESCRIPT", "STARTTLS", "AUTHENTICATE", "FROBNICATE", "noop", "", '"NOOP"', "{4+}"),
)
_STRINGS = (
    *(b"a", b"b", b"rules", b"", b'q"uo\\te', "ü✉".encode(), b"\xff", b"\x00", b"a\r\nb", b"n" * 129, b"PLAIN"),
    *(b"keep;", b"discard; keep", b'require "fileinto"; fileinto "x";', b"frobnicate;", b"if {", b"#" * 3000),
)
_WORDS = (b"1", b"20000", b"4294967295", b"99999999999", b"-1", b"x", b"{3}", b"{-1+}", b'"open', b"(", b"*")


def quoted(value: bytes) -> bytes:
    return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def line(chance: random.Random) -> bytes:
    """A command with arguments that fit it or not."""
    words = [chance.choice(_COMMANDS).encode()]
    for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 6))):
        value = chance.choice(_STRINGS)
        literal = b"{%d+}\r\n%b" % (len(value), value)
        words.append(chance.choice((quoted(value), literal, literal, chance.choice(_WORDS))))
    return chance.choice((b" ", b" ", b" ", b" ", b"  ")).join(words) + b"\r\n"


def stream(seed: int) -> bytes:
    """Many lines, which end with a LOGOUT that is carried out."""
    chance = random.Random(seed)
    return b"".join(line(chance) for _ in range(40)) + b"\r\nLOGOUT\r\n"


def responses(server: ImapServer, user: str, seed: int, *, cut: bool) -> bytes:
    """Everything that the server says to the stream, whole or in pieces of any length."""
    data, chance = stream(seed), random.Random(seed)
    with ManageSieve(server.managesieve_port, server.client_context()) as sieve:
        assert sieve.log_in(f"{user}@example.org", PASSWORD).startswith(b"OK")
        while data:
            size = chance.choice((1, 2, 3, 7, 30, 500)) if cut else len(data)
            sieve.send(data[:size])
            data = data[size:]
        return sieve.rest()


@pytest.mark.parametrize("seed", range(30))
def test_any_stream_has_the_same_answers_however_it_is_cut(server: ImapServer, seed: int) -> None:
    whole = responses(server, f"fuzz{seed}-whole", seed, cut=False)
    cut = responses(server, f"fuzz{seed}-cut", seed, cut=True)
    assert whole.replace(b"-whole@", b"@") == cut.replace(b"-cut@", b"@")
    assert b"Something is wrong" not in whole
    assert whole.endswith(b'OK "Goodbye"\r\n')
