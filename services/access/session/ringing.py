"""Wakes a session for every new version of the accounts that it sees."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from services.access.session.session import ImapSession


@contextlib.contextmanager
def ringing(session: ImapSession) -> Iterator[None]:
    """Within the block, a new version of the account or of the selected mailbox's account rings the channel."""
    watches = {session.watch} | ({session.selected.watch} if session.selected is not None else set())
    for watch in watches:
        watch.idle.add(session.channel.ring)
    try:
        yield
    finally:
        for watch in watches:
            watch.idle.discard(session.channel.ring)
