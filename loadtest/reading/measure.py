"""Measures every operation on all servers in turn, so that a change of the machine's speed meets all of them."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from loadtest.content.filler import filler, filler_profile
from loadtest.content.profile import Profile
from loadtest.figures import ReadingTime
from loadtest.imap.session import ImapRefused
from loadtest.reading.connection import ReadingConnection
from loadtest.reading.maildrop import MESSAGES, fill_inbox, read_maildrop
from loadtest.reading.operations import COPIES, MAILBOX, MOVED, Operation, operations

_APPENDED = 200
_CONNECTIONS = 10
_LOG_INS = 10
_CHANGED = 100
_MODSEQ = re.compile(rb"\[HIGHESTMODSEQ (\d+)\]")
_VALIDITY = re.compile(rb"\[UIDVALIDITY (\d+)\]")


@dataclass(frozen=True, slots=True)
class ReadServer:
    """A server under load: its name, its ports for IMAP and POP3 over TLS, and the log-in."""

    name: str
    port: int
    user: str
    password: str
    pop3_port: int

    def connect(self) -> ReadingConnection:
        """A new connection. Raises OSError."""
        return ReadingConnection(self.port, self.user, self.password)


def fill(server: ReadServer, size: int, profile: Profile, step: Callable[[], None]) -> None:
    """Append `size` messages, which are the same for all servers. Raises OSError, ImapRefused."""
    with server.connect() as connection:
        for mailbox in (MAILBOX, COPIES, MOVED):
            connection.command(b"CREATE " + mailbox)
        for message in filler(profile, size):
            connection.append(MAILBOX, message)
            step()
        fill_inbox(connection, min(MESSAGES, size), profile, step)


def measure_reading(
    servers: Sequence[ReadServer],
    size: int,
    rounds: int,
    profile: Profile,
    step: Callable[[], None],
    *,
    rest: float = 0.0,
) -> list[ReadingTime]:
    """The times of all operations; `rest` are seconds after the first listing. Raises OSError, ImapRefused."""
    times: list[ReadingTime] = []
    for operation in operations(size):
        commands = partial(_timed, operation)
        times += _in_turns(operation.name, servers, rounds, commands, rest=0.0 if times else rest)
        step()
    small, changed = filler_profile(profile, 4096), min(_CHANGED, size)
    for name, act in (
        ("LOGIN, SELECT", log_in),
        (f"QRESYNC of {changed} changes", lambda server: resynchronise(server, changed)),
        (f"APPEND {_APPENDED}, 1 connection", lambda server: append(server, small, 1)),
        (f"APPEND {_APPENDED}, {_CONNECTIONS} connections", lambda server: append(server, small, _CONNECTIONS)),
        (
            f"POP3 of {min(MESSAGES, size)} mails",
            lambda server: read_maildrop(server.pop3_port, server.user, server.password, min(MESSAGES, size)),
        ),
    ):
        times += _in_turns(name, servers, rounds, act)
        step()
    return times


def _in_turns(
    name: str, servers: Sequence[ReadServer], rounds: int, act: Callable[[ReadServer], float], *, rest: float = 0.0
) -> list[ReadingTime]:
    seconds: dict[str, list[float]] = {server.name: [] for server in servers}
    refusals: dict[str, str] = {}
    for number in range(rounds + 1):
        time.sleep(rest if number == 1 else 0.0)
        for server in servers:
            if server.name not in refusals:
                try:
                    seconds[server.name].append(act(server))
                except ImapRefused as refused:
                    refusals[server.name] = str(refused)
    return [
        ReadingTime(
            operation=name,
            server=server,
            first_ms=round(1000 * taken[0], 2) if taken else 0.0,
            warm_ms=round(1000 * statistics.median(taken[1:]), 2) if taken[1:] else 0.0,
            refusal=refusals.get(server, ""),
        )
        for server, taken in seconds.items()
    ]


def _timed(operation: Operation, server: ReadServer) -> float:
    with server.connect() as connection:
        connection.command(b"SELECT " + MAILBOX)
        for line in operation.before:
            connection.command(line)
        seconds = connection.seconds(operation.lines)
        for line in operation.after:
            connection.command(line)
    return seconds


def log_in(server: ReadServer) -> float:
    """A connection up to the opened mailbox; the mean of several."""
    began = time.perf_counter()
    for _ in range(_LOG_INS):
        with server.connect() as connection:
            connection.command(b"SELECT " + MAILBOX)
    return (time.perf_counter() - began) / _LOG_INS


def resynchronise(server: ReadServer, changed: int) -> float:
    """SELECT with QRESYNC after another connection has changed the flags of `changed` messages (RFC 7162 §3.2.5)."""
    with server.connect() as connection, server.connect() as other:
        state = connection.command(b"SELECT %s (CONDSTORE)" % MAILBOX)
        validity, modseq = _VALIDITY.search(state), _MODSEQ.search(state)
        if validity is None or modseq is None:
            raise ImapRefused("no HIGHESTMODSEQ")
        other.command(b"SELECT " + MAILBOX)
        for sign in (b"+", b"-"):
            other.command(b"STORE 1:%d %sFLAGS.SILENT (\\Answered)" % (changed, sign))
        connection.command(b"UNSELECT")
        connection.command(b"ENABLE QRESYNC")
        return connection.seconds([b"SELECT %s (QRESYNC (%s %s))" % (MAILBOX, validity[1], modseq[1])])


def append(server: ReadServer, profile: Profile, connections: int) -> float:
    """Append messages over some connections at once, and remove them again."""
    texts = list(filler(profile, _APPENDED, 1_000_000))
    opened = [server.connect().__enter__() for _ in range(connections)]
    try:
        with ThreadPoolExecutor(connections) as threads:
            began = time.perf_counter()
            work = [threads.submit(_append_all, opened[at], texts[at::connections]) for at in range(connections)]
            for part in work:
                part.result()
            seconds = time.perf_counter() - began
        for line in (b"SELECT " + COPIES, b"STORE 1:* +FLAGS.SILENT (\\Deleted)", b"EXPUNGE"):
            opened[0].command(line)
    finally:
        for connection in opened:
            connection.__exit__(None, None, None)
    return seconds


def _append_all(connection: ReadingConnection, texts: Sequence[bytes]) -> None:
    for text in texts:
        connection.append(COPIES, text)
