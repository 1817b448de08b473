"""Fills a mailbox over IMAP."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

from loadtest.content.filler import filler
from loadtest.content.profile import Profile
from loadtest.imap.append import append, batches
from loadtest.imap.responses import messages
from loadtest.imap.session import ImapRefused, ImapSession, open_imap
from loadtest.target import Target
from loadtest.watching import Progress


async def seed(
    target: Target,
    user: int,
    mailbox: bytes,
    count: int,
    profile: Profile,
    progress: Progress,
    *,
    connections: int = 2,
    first: int = 0,
) -> float:
    """Append `count` messages from number `first` on; returns messages per second. Raises OSError, ImapRefused."""
    sessions = [await open_imap(target, user) for _ in range(connections)]
    with contextlib.suppress(ImapRefused):
        await sessions[0].command(b"CREATE " + mailbox)
    began = time.monotonic()
    cuts = [first + count * number // connections for number in range(connections + 1)]
    supplies = [filler(profile, end - start, start) for start, end in pairwise(cuts)]
    with progress.bar(f"filling {mailbox.decode()}", count) as step:
        await asyncio.gather(*(_fill(*pair, mailbox, step) for pair in zip(sessions, supplies, strict=True)))
    for session in sessions:
        session.close()
    return count / max(1e-9, time.monotonic() - began)


async def _fill(session: ImapSession, supply: Iterator[bytes], mailbox: bytes, step: Callable[[], None]) -> None:
    for batch in batches(supply):
        await append(session, mailbox, batch)
        for _ in batch:
            step()


async def size_of(session: ImapSession, mailbox: bytes) -> int:
    """Messages in one mailbox. Raises ImapRefused."""
    lines = await session.command(b"STATUS %s (MESSAGES)" % mailbox)
    return next((count for line in lines if (count := messages(line)) is not None), 0)
