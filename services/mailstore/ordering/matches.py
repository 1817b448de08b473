"""The summaries of the messages that match a search, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from services.mailstore.listing.summaries import MessageSummary, Summaries
from services.mailstore.projections.conditions import Condition, conditions
from services.mailstore.search.scan import Searcher
from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import Ranges, ranges
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey
from shared.turns import Turns


class MatchingSummaries:
    """Reads summaries of matching messages."""

    def __init__(self, store: EventStore, searcher: Searcher, summaries: Summaries, turns: Turns) -> None:
        self._store = store
        self._searcher = searcher
        self._summaries = summaries
        self._turns = turns

    async def read(
        self, mailbox: str, key: SearchKey, now: int, *, headers: bool
    ) -> AsyncIterator[tuple[list[MessageSummary], int]]:
        """Pages in the order of the UIDs, and the highest MODSEQ in each. Without `headers` only dates and sizes are
        read. Raises MailboxRefused LIMIT."""
        read = self._summaries.read if headers else self._rows
        async for uids, modseq in self._searcher.search(mailbox, key, now):
            async for page in read(mailbox, ranges(uids)):
                yield page, modseq

    async def _rows(self, mailbox: str, uids: Ranges) -> AsyncIterator[list[MessageSummary]]:
        for condition in conditions(uids):
            rows = await self._store.read(_read(mailbox, condition))
            await self._turns.spend(rows=len(rows))
            yield [
                MessageSummary(uid, internal_date, zone, size, None, "", (), (), (), "", (), ())
                for uid, internal_date, zone, size in rows
            ]


def _read(mailbox: str, condition: Condition) -> Callable[[Reader], list[Row]]:
    text, parameters = condition
    sql = f"SELECT uid, internal_date, zone, size FROM entry WHERE mailbox = ? AND {text} ORDER BY uid"  # noqa: S608
    return lambda reader: reader.all(sql, (mailbox, *parameters))
