"""Times searches on one connection, as a mail client has it, and counts what they find."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

from loadtest.finding.figures import SearchTime
from loadtest.finding.filling import MAILBOX
from loadtest.finding.searches import Search
from loadtest.imap.session import ImapRefused
from loadtest.reading.connection import ReadingConnection
from loadtest.reading.measure import ReadServer

_COUNT = re.compile(rb"\* ESEARCH [^\r\n]*COUNT (\d+)", re.I)


def measure_searches(
    server: ReadServer,
    asked: Sequence[Search],
    expected: Mapping[str, int],
    rounds: int,
    step: Callable[[], None],
) -> list[SearchTime]:
    """The first time of each search, and `rounds` further ones. Raises OSError."""
    times = []
    with server.connect() as connection:
        connection.command(b"SELECT " + MAILBOX)
        for search in asked:
            times.append(_times(server.name, connection, search, expected.get(search.name, 0), rounds))
            step()
    return times


def cold_seconds(
    server: ReadServer, asked: Sequence[Search], forget: Callable[[], None], step: Callable[[], None]
) -> dict[str, float]:
    """The time of each search by its name, when `forget` has run before it. Raises OSError, ImapRefused."""
    seconds = {}
    with server.connect() as connection:
        connection.command(b"SELECT " + MAILBOX)
        for search in asked:
            forget()
            seconds[search.name] = _seconds(connection, search)[0]
            step()
    return seconds


def _times(name: str, connection: ReadingConnection, search: Search, expected: int, rounds: int) -> SearchTime:
    try:
        first, found = _seconds(connection, search)
        further = [_seconds(connection, search)[0] for _ in range(rounds)]
    except ImapRefused as refused:
        return SearchTime(search=search.name, server=name, expected=expected, found=0, refusal=str(refused))
    return SearchTime(
        search=search.name,
        server=name,
        expected=expected,
        found=found,
        first_ms=_ms(first),
        best_ms=_ms(min(further, default=0.0)),
        warm_ms=_ms(statistics.median(further)) if further else 0.0,
    )


def _seconds(connection: ReadingConnection, search: Search) -> tuple[float, int]:
    """How long it took, and how many messages it found."""
    began = time.perf_counter()
    answer = connection.command(b"UID SEARCH RETURN (COUNT) CHARSET UTF-8 " + search.criteria)
    seconds = time.perf_counter() - began
    count = _COUNT.search(answer)
    if count is None:
        raise ImapRefused(f"no COUNT in the answer to {search.name}")
    return seconds, int(count[1])


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
