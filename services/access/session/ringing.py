"""Wakes a session for every new version of the accounts that it sees."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from services.access.session.session import ImapSession


@contextlib.contextmanager
def ringing(session: ImapSession) -> Iterator[None]:
    """Within the block, a new version of the account, of the selected mailbox's account, or of another that NOTIFY
    watches, rings the channel."""
    shared = session.notifications.shared if session.notifications is not None else None
    watches = {session.watch} | ({session.selected.watch} if session.selected is not None else set())
    for watch in watches:
        watch.idle.add(session.channel.ring)
    if shared is not None:
        shared.ring_with(session.channel.ring)
        session.backend.versions.sharing.add(session.channel.ring)
    try:
        yield
    finally:
        if shared is not None:
            shared.ring_with(None)
            session.backend.versions.sharing.discard(session.channel.ring)
        for watch in watches:
            watch.idle.discard(session.channel.ring)
