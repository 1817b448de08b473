"""Counts the messages that every user can see in all mailboxes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loadtest.imap.responses import listed, messages
from loadtest.imap.session import ImapSession, open_imap
from loadtest.target import Target

_POLL = 0.03
"""Seconds between two checks of users whose messages are missing."""
_LOGINS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Arrival:
    """When everything was visible (monotonic seconds), and deviations from what was expected."""

    at: float
    missing: int
    surplus: int
    """Messages beyond those that were accepted, which must be duplicates."""


async def open_all(target: Target, progress: Callable[[], None] | None = None) -> dict[int, ImapSession]:
    """A session for every user. Raises OSError, ImapRefused."""
    gate = asyncio.Semaphore(_LOGINS_AT_ONCE)

    async def session_of(user: int) -> tuple[int, ImapSession]:
        async with gate:
            session = await open_imap(target, user)
        if progress:
            progress()
        return user, session

    return dict(await asyncio.gather(*(session_of(user) for user in range(target.users))))


def close_all(sessions: Mapping[int, ImapSession]) -> None:
    """Close the sessions."""
    for session in sessions.values():
        session.close()


async def visible(session: ImapSession) -> int:
    """Messages in all mailboxes of the session's user. Raises ImapRefused."""
    names = [
        listing[1]
        for line in await session.command(b'LIST "" "*"')
        if (listing := listed(line)) and b"\\noselect" not in listing[0]
    ]
    answers = await session.in_a_row([b"STATUS %s (MESSAGES)" % name for name in names])
    return sum(count for lines in answers for line in lines if (count := messages(line)) is not None)


async def all_visible(sessions: Mapping[int, ImapSession]) -> dict[int, int]:
    """The number of visible messages of every user."""
    counts = await asyncio.gather(*(visible(session) for session in sessions.values()))
    return dict(zip(sessions, counts, strict=True))


async def wait_for(
    sessions: Mapping[int, ImapSession],
    expected: Mapping[int, int],
    *,
    limit: float,
    progress: Callable[[int], None] | None = None,
) -> Arrival:
    """Wait until every user sees as many as expected, or for `limit` seconds."""
    end = time.monotonic() + limit
    seen = dict.fromkeys(expected, 0)
    while waiting := [user for user in expected if seen[user] < expected[user]]:
        if time.monotonic() > end:
            break
        seen.update(await all_visible({user: sessions[user] for user in waiting}))
        if progress:
            progress(sum(seen.values()))
        if any(seen[user] < expected[user] for user in waiting):
            await asyncio.sleep(_POLL)
    at = time.monotonic()
    final = await all_visible({user: sessions[user] for user in expected})
    missing = sum(max(0, expected[user] - final[user]) for user in expected)
    return Arrival(at, missing, sum(max(0, final[user] - expected[user]) for user in expected))
