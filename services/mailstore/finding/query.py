"""Answers queries: parses them, searches the mailboxes, orders what was found, and reads a page of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import NamedTuple
from weakref import WeakValueDictionary

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.state import MailboxState
from services.mailstore.finding.matches import QuerySearch
from services.mailstore.finding.order import MatchOrder
from services.mailstore.finding.shown import MatchReader, ShownMatch
from services.mailstore.finding.translation import names
from services.mailstore.handlers import load
from shared.eventstore.store import EventStore
from shared.protocol.imap.mailbox_name import canonical_name
from shared.protocol.search.query import QueryTree
from shared.protocol.search.query_parser import parse_query

_MAILBOXES = 1_000
_LEFT_OUT = frozenset({"\\Junk", "\\Trash", "\\All"})
"""Special uses of mailboxes that are searched only when they are named."""
_AT_ONCE, _OF_ACCOUNT = 16, 2
"""Queries that are answered at once, of all accounts and of each; further ones wait."""


class MailQuery(NamedTuple):
    """A query over mailboxes of an account."""

    account: str
    text: str
    mailboxes: Sequence[str]
    """Ids or names; none: all but some."""
    by_relevance: bool
    limit: int
    offset: int
    zone: int
    """Minutes east of UTC in which days begin."""


class QueryAnswer(NamedTuple):
    """A page of what was found, the names of mailboxes by id, and how many messages were found."""

    messages: Sequence[ShownMatch]
    names: Mapping[str, str]
    total: int
    is_partial: bool


class MailQueries:
    """Answers queries."""

    def __init__(self, store: EventStore, search: QuerySearch, order: MatchOrder, messages: MatchReader) -> None:
        self._store = store
        self._search = search
        self._order = order
        self._messages = messages
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._rooms: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def answer(self, query: MailQuery, now: int) -> QueryAnswer:
        """The answer; `now` in UTC microseconds. Raises QueryError, and MailboxRefused NONEXISTENT or LIMIT."""
        moment = datetime.fromtimestamp(now // 1_000_000, timezone(timedelta(minutes=query.zone)))
        tree = parse_query(query.text, moment)
        mailboxes = await self._chosen(query, tree)
        async with self._room_of(query.account), self._room:
            matches = await self._search.matches(tree, mailboxes, now)
            ids = [mailbox.id for mailbox, _ in matches.mailboxes]
            scores = await self._order.scores(query.account, ids, tree) if query.by_relevance else None
            best = await self._order.best(matches.mailboxes, scores, query.offset + query.limit)
            shown = await self._messages.shown(best[query.offset :], tree)
        by_id = {mailbox.id: mailbox.name for mailbox in mailboxes}
        return QueryAnswer(shown, by_id, matches.total, matches.is_partial)

    def _room_of(self, account: str) -> asyncio.Semaphore:
        """Room for a query of an account, so that many of its queries are not everybody's."""
        room = self._rooms.get(account)
        if room is None:
            room = self._rooms[account] = asyncio.Semaphore(_OF_ACCOUNT)
        return room

    async def _chosen(self, query: MailQuery, tree: QueryTree) -> list[MailboxState]:
        """The mailboxes that are searched. Raises MailboxRefused NONEXISTENT."""
        mailboxes = await self._mailboxes(query.account)
        if not query.mailboxes:
            return [mailbox for mailbox in mailboxes if mailbox.special_use not in _LEFT_OUT or names(tree, mailbox)]
        wished = {canonical_name(name): name for name in query.mailboxes}
        chosen = [mailbox for mailbox in mailboxes if mailbox.name in wished or mailbox.id in wished]
        unknown = wished.keys() - {mailbox.name for mailbox in chosen} - {mailbox.id for mailbox in chosen}
        if unknown:
            raise MailboxRefused("NONEXISTENT", f"there is no mailbox {wished[min(unknown)][:200]}")
        return chosen

    async def _mailboxes(self, account: str) -> list[MailboxState]:
        mailboxes: list[MailboxState] = []
        after = ""
        while True:
            page = await self._store.read(
                lambda reader, after=after: load.mailboxes(reader, account, after, _MAILBOXES)  # type: ignore[misc]
            )
            mailboxes += page
            if len(page) < _MAILBOXES:
                return mailboxes
            after = page[-1].name
