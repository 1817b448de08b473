"""How much an EXPUNGE would free (RFC 9208, DELETED-STORAGE)."""

from __future__ import annotations

from services.mailstore.domain.flags import DELETED
from services.mailstore.projections.current import page_now
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.turns import Turns

_PAGE = 500
_ROWS = "SELECT uid, system, keywords, modseq, size FROM entry WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT ?"


async def deleted_size(store: EventStore, turns: Turns, mailbox: str) -> int:
    """The octets of the messages that are marked \\Deleted.

    No counter keeps this number, so the mailbox is read, in pages.
    """
    octets, after = 0, 0
    while True:
        size, rows, after = await store.read(lambda reader, after=after: _page(reader, mailbox, after))  # type: ignore[misc]
        octets += size
        await turns.spend(rows=rows)
        if rows < _PAGE:
            return octets


def _page(reader: Reader, mailbox: str, after: int) -> tuple[int, int, int]:
    """The octets of a page's messages, the number of rows read, and the last UID."""
    rows = page_now(reader, mailbox, reader.all(_ROWS, (mailbox, after, _PAGE)))
    last = rows[-1][0] if rows else 0  # the UID
    return sum(size for _, system, _, _, size in rows if system & DELETED), len(rows), last
