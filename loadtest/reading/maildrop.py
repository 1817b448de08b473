"""Reads a whole INBOX with POP3, as a client does that keeps mail on its own machine."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence

from loadtest.content.filler import filler
from loadtest.content.profile import Profile
from loadtest.imap.session import ImapRefused
from loadtest.reading.connection import ReadingConnection
from loadtest.target import trusting_context

INBOX = b"INBOX"
MESSAGES = 1000
_PATIENCE = 600.0


def fill_inbox(connection: ReadingConnection, count: int, profile: Profile, step: Callable[[], None]) -> None:
    """Append messages to INBOX. Raises ImapRefused."""
    for message in filler(profile, count, 2_000_000):
        connection.append(INBOX, message)
        step()


def read_maildrop(port: int, user: str, password: str, count: int) -> float:
    """The seconds from the log-in to the last of `count` messages, asked for one after the other.

    Raises OSError, ImapRefused.
    """
    plain = socket.create_connection(("127.0.0.1", port), _PATIENCE)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with trusting_context().wrap_socket(plain) as channel, channel.makefile("rb") as answers:
        _status(answers.readline())
        began = time.perf_counter()
        for line in (b"USER %s" % user.encode(), b"PASS %s" % password.encode()):
            channel.sendall(line + b"\r\n")
            _status(answers.readline())
        for line in _lines(count):
            channel.sendall(line + b"\r\n")
            _status(answers.readline())
            while answers.readline() != b".\r\n":
                pass
        seconds = time.perf_counter() - began
        channel.sendall(b"QUIT\r\n")
        _status(answers.readline())
    return seconds


def _lines(count: int) -> Sequence[bytes]:
    return (b"UIDL", b"LIST", *(b"RETR %d" % number for number in range(1, count + 1)))


def _status(line: bytes) -> None:
    if not line.startswith(b"+OK"):
        raise ImapRefused(line.decode("utf-8", "replace").strip() or "connection lost")
