"""The matching messages of mailboxes: the newest first, as far as messages may be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from services.mailstore.domain.state import MailboxState
from services.mailstore.finding.translation import by_structure, may_match, search_key
from services.mailstore.search.reading_budget import ReadingBudget, TooMuchToRead
from services.mailstore.search.scan import Searcher
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import Ranges, count, joined
from shared.protocol.search.query import QueryTree, keys
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey, SearchKeys, UidSet
from shared.turns import Turns

_SPAN = 5_000
"""Messages that are searched at a time, so that the newest are read first."""
_STRUCTURES = 500
"""Messages whose structure is looked at in a search."""
_FEW = 5_000
"""Ranges that are sorted on the event loop."""
_BORDER = "SELECT uid FROM entry WHERE mailbox = ? AND uid < ? ORDER BY uid DESC LIMIT 1 OFFSET ?"


class MailboxMatches(NamedTuple):
    """The matching messages of a mailbox."""

    mailbox: MailboxState
    uids: Ranges


class QueryMatches(NamedTuple):
    """The matching messages of all mailboxes; `is_partial` if not all messages could be looked at."""

    mailboxes: Sequence[MailboxMatches]
    is_partial: bool

    @property
    def total(self) -> int:
        """The number of messages."""
        return sum(count(matches.uids) for matches in self.mailboxes)


class QuerySearch:
    """Searches mailboxes after each other."""

    def __init__(self, store: EventStore, searcher: Searcher, turns: Turns, messages: int, octets: int) -> None:
        """`messages` and `octets` are what a query may read."""
        self._store = store
        self._searcher = searcher
        self._turns = turns
        self._messages = messages
        self._octets = octets

    async def matches(self, tree: QueryTree, mailboxes: Sequence[MailboxState], now: int) -> QueryMatches:
        """The messages of mailboxes for which the tree holds. Raises QueryError, and MailboxRefused LIMIT."""
        budget, is_partial = ReadingBudget(self._messages, self._octets), False
        matches: list[MailboxMatches] = []
        size = sum(1 for _ in keys(tree))
        for mailbox in mailboxes:
            await self._turns.spend(keys=2 * size)
            if may_match(tree, mailbox) is False or not mailbox.messages:
                continue
            uids: list[tuple[int, int]] = []
            key = search_key(tree, mailbox)
            try:
                async for matching in self._mailbox(mailbox.id, key, now, budget):
                    uids += matching
            except TooMuchToRead:
                is_partial = True
            if uids:
                matches.append(MailboxMatches(mailbox, await _ascending(uids)))
        return QueryMatches(matches, is_partial)

    async def _mailbox(self, mailbox: str, key: SearchKey, now: int, budget: ReadingBudget) -> AsyncIterator[Ranges]:
        """The matches of spans, the newest first. Raises TooMuchToRead."""
        first_key, structure_key = _divided(key)
        border = 1 << 32
        while border > 1:
            first = await self._store.read(_border(mailbox, border))
            within = _within(((first, border - 1),), first_key)
            border = first
            async for uids, _ in self._searcher.search_runs(mailbox, within, now, budget):
                if structure_key is None:
                    yield uids
                    continue
                for piece in reversed(list(_pieces(uids, _STRUCTURES))):
                    asked = _within(piece, structure_key)
                    async for matching, _ in self._searcher.search_runs(mailbox, asked, now, budget):
                        yield matching


async def _ascending(uids: list[tuple[int, int]]) -> Ranges:
    """Ranges in order, joined; many of them beside the event loop."""
    if len(uids) < _FEW:
        return joined(sorted(uids))
    return await asyncio.to_thread(lambda: joined(sorted(uids)))


def _divided(key: SearchKey) -> tuple[SearchKey, SearchKey | None]:
    """What rows and the index decide, and what is then asked of the structures of these messages."""
    if key.WhichOneof("key") != "all_of" or key.negated:
        return (SearchKey(all=True), key) if by_structure(key) else (key, None)
    structure = [inner for inner in key.all_of.keys if by_structure(inner)]
    others = [inner for inner in key.all_of.keys if not by_structure(inner)]
    if not structure:
        return key, None
    first = SearchKey(all_of=SearchKeys(keys=others)) if others else SearchKey(all=True)
    return first, SearchKey(all_of=SearchKeys(keys=structure))


def _within(spans: Ranges, key: SearchKey) -> SearchKey:
    uids = SearchKey(uids=UidSet(bounds=[bound for span in spans for bound in span]))
    return SearchKey(all_of=SearchKeys(keys=[uids, key]))


def _pieces(uids: Ranges, size: int) -> list[Ranges]:
    """Ranges cut into pieces of so many messages."""
    pieces: list[list[tuple[int, int]]] = [[]]
    room = size
    for start, last in uids:
        first = start
        while first <= last:
            end = min(last, first + room - 1)
            pieces[-1].append((first, end))
            room -= end - first + 1
            first = end + 1
            if not room:
                pieces.append([])
                room = size
    return [tuple(piece) for piece in pieces if piece]


def _border(mailbox: str, border: int) -> Callable[[Reader], int]:
    def ask(reader: Reader) -> int:
        row = reader.first_row(_BORDER, (mailbox, border, _SPAN - 1))
        return int(row[0]) if row is not None else 1

    return ask
