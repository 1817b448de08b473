"""The messages that match a search, and their summaries, page by page."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Callable, Iterable
from typing import NamedTuple

from services.mailstore.listing.summaries import MessageSummary, Summaries
from services.mailstore.projections.conditions import Condition, behind, conditions
from services.mailstore.search.scan import Searcher
from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import Ranges, ranges
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey
from shared.turns import Turns

_EVERY_UID = 1 << 40
_UIDS = 2000
"""UIDs that one statement reads."""
_A_UID = 2
"""The cost of reading a UID out of the index, in keys compared."""


class Extent(NamedTuple):
    """Which messages a mailbox has: UIDs are never given twice, so equal numbers say equal messages."""

    uid_next: int
    messages: int


class Whole(NamedTuple):
    """All messages of a mailbox, and a MODSEQ that none of them exceeds: nobody asks for it together with all."""

    extent: Extent
    highest_modseq: int


class MatchingSummaries:
    """Finds matching messages and reads summaries."""

    def __init__(self, store: EventStore, searcher: Searcher, summaries: Summaries, turns: Turns) -> None:
        self._store = store
        self._searcher = searcher
        self._summaries = summaries
        self._turns = turns

    async def whole(self, mailbox: str, key: SearchKey) -> Whole | None:
        """What the mailbox has, if every message of it matches."""
        last = _last_of_all(key)
        if last is None:
            return None
        return await self._store.read(_whole(mailbox, last))

    async def uids(self, mailbox: str, key: SearchKey, now: int) -> tuple[array[int], int]:
        """The UIDs of matching messages, ascending, and the highest MODSEQ among them. Raises MailboxRefused LIMIT."""
        uids, highest = array("I"), 0
        async for page, modseq in self._searcher.search(mailbox, key, now):
            uids.extend(page)
            highest = max(highest, modseq)
        return uids, highest

    async def all_uids(self, mailbox: str) -> array[int]:
        """The UIDs of all messages, ascending."""
        uids = array("I")
        while page := await self._store.read(_uids(mailbox, uids[-1] if uids else 0)):
            uids.extend(page)
            await self._turns.spend(keys=_A_UID * len(page))
        return uids

    async def read(self, mailbox: str, uids: Iterable[int], *, headers: bool) -> AsyncIterator[list[MessageSummary]]:
        """The summaries of messages with these ascending UIDs, in pages. Without `headers` only dates and sizes are
        read."""
        spans = ranges(uids)
        async for page in self._summaries.read(mailbox, spans) if headers else self._rows(mailbox, spans):
            yield page

    async def _rows(self, mailbox: str, uids: Ranges) -> AsyncIterator[list[MessageSummary]]:
        for condition in conditions(uids):
            after, is_full = 0, True
            while is_full:
                rows = await self._store.read(_read(mailbox, condition, after))
                await self._turns.spend(rows=len(rows))
                yield [
                    MessageSummary(uid, internal_date, zone, size, None, "", (), (), (), "", (), ())
                    for uid, internal_date, zone, size in rows
                ]
                is_full = len(rows) == _UIDS
                after = rows[-1][0] if rows else after


def _last_of_all(key: SearchKey) -> int | None:
    """The last UID up to which every message matches; None when the key asks for more of a message than its UID."""
    match key.WhichOneof("key"):
        case _ if key.negated:
            return None
        case "all":
            return _EVERY_UID
        case "uids" if len(key.uids.bounds) == 2 and key.uids.bounds[0] <= 1:
            return key.uids.bounds[1]
        case "all_of":
            lasts = [_last_of_all(inner) for inner in key.all_of.keys]
            return None if None in lasts else min(filter(None, lasts), default=_EVERY_UID)
        case _:
            return None


def _whole(mailbox: str, last: int) -> Callable[[Reader], Whole | None]:
    """What the mailbox has, unless it has messages behind the UID `last`."""
    sql = (
        "SELECT uid_next, messages, modseq, (SELECT max(uid) FROM entry WHERE entry.mailbox = mailbox.id)"
        " FROM mailbox WHERE id = ?"
    )

    def ask(reader: Reader) -> Whole | None:
        row = reader.first_row(sql, (mailbox,))
        return Whole(Extent(row[0], row[1]), row[2]) if row and (row[3] or 0) <= last else None

    return ask


def _uids(mailbox: str, after: int) -> Callable[[Reader], list[int]]:
    sql = f"SELECT uid FROM entry WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT {_UIDS}"  # noqa: S608
    return lambda reader: [row[0] for row in reader.all(sql, (mailbox, after))]


def _read(mailbox: str, condition: Condition, after: int) -> Callable[[Reader], list[Row]]:
    text, parameters = behind(condition, after)
    sql = (
        f"SELECT uid, internal_date, zone, size FROM entry WHERE mailbox = ? AND {text}"  # noqa: S608
        f" ORDER BY uid LIMIT {_UIDS}"
    )
    return lambda reader: reader.all(sql, (mailbox, *parameters))
