"""The order of found messages: by date, or by relevance and then by date."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from services.mailstore.finding.matches import MailboxMatches
from services.mailstore.projections.conditions import RANGE, Condition, behind, conditions
from services.mailstore.search.relevancy import BEST, NOT_RANKED
from services.mailstore.search.text_index import TextIndex
from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore
from shared.protocol.search.query import QueryTree, SearchField, WordKey, keys
from shared.rpc.mailfold.indexer.v1 import indexer_pb2 as pb
from shared.turns import Turns

_PAGE = 2_000
_MOST_RANKED, _MOST_TEXTS, _MAILBOXES = 100_000, 60, 1_000
_FIELDS = {
    SearchField.ANYWHERE: pb.Words.ANYWHERE,
    SearchField.SUBJECT: pb.Words.SUBJECT,
    SearchField.FROM: pb.Words.FROM,
    SearchField.TO: pb.Words.TO,
    SearchField.BODY: pb.Words.BODY,
    SearchField.ATTACHMENT: pb.Words.ATTACHMENTS,
}


class MatchPlace(NamedTuple):
    """A found message; places compare as they are ordered, the best is the greatest."""

    score: int
    date: int
    uid: int
    mailbox: str


class MatchOrder:
    """Orders found messages."""

    def __init__(self, store: EventStore, turns: Turns, index: TextIndex | None) -> None:
        self._store = store
        self._turns = turns
        self._index = index

    async def best(
        self, matches: Iterable[MailboxMatches], scores: Mapping[tuple[str, int], int] | None, most: int
    ) -> list[MatchPlace]:
        """The first messages in the order, so many; without scores by date."""
        best: list[MatchPlace] = []
        for mailbox, uids in matches:
            for condition in conditions(uids):
                async for rows in self._dates(mailbox.id, condition):
                    best += [MatchPlace(_score(scores, mailbox.id, uid), date, uid, mailbox.id) for uid, date in rows]
                    best.sort(reverse=True)
                    del best[most:]
                    await self._turns.spend(rows=len(rows) // 4, keys=len(best))
        return best

    async def _dates(self, mailbox: str, condition: Condition) -> AsyncIterator[list[Row]]:
        """UIDs and dates of messages, page by page. A list of UIDs is shorter than a page."""
        text, (after, *_) = condition
        if text != RANGE:
            yield await self._store.read(_page(mailbox, condition))
            return
        after = int(after) - 1
        while rows := await self._store.read(_page(mailbox, behind(condition, after))):
            yield rows
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    async def scores(self, account: str, mailboxes: list[str], tree: QueryTree) -> dict[tuple[str, int], int]:
        """The scores from 1 to 100 of messages that have words of the query; none without an index."""
        query = ranked_words(tree)
        if self._index is None or query is None or not mailboxes:
            return {}
        answer = await self._index.rank(account, mailboxes[:_MAILBOXES], query, _MOST_RANKED)
        return await asyncio.to_thread(_scaled, answer.messages) if answer is not None and answer.messages else {}


def _scaled(messages: Sequence[pb.RankedMessage]) -> dict[tuple[str, int], int]:
    """The scores, evenly between the worst and the best."""
    low, high = messages[-1].score, messages[0].score
    step = (BEST - 1) / (high - low) if high > low else 0.0
    return {(message.mailbox, message.uid): BEST - round((high - message.score) * step) for message in messages}


def ranked_words(tree: QueryTree) -> pb.WordQuery | None:
    """Messages with any of the words of a query, without its exclusions; None: it asks for none."""
    words = [key for key in keys(tree, positive=True) if isinstance(key, WordKey) and key.field in _FIELDS]
    query = pb.WordQuery()
    for key in words[:_MOST_TEXTS]:
        asked = pb.Words(text=key.text, field=_FIELDS[key.field], is_phrase=True, is_prefix=key.words.prefix)
        query.any_of.queries.add().words.CopyFrom(asked)
    return query if words else None


def _score(scores: Mapping[tuple[str, int], int] | None, mailbox: str, uid: int) -> int:
    return scores.get((mailbox, uid), NOT_RANKED) if scores is not None else 0


def _page(mailbox: str, condition: Condition) -> Callable[[Reader], list[Row]]:
    text, parameters = condition
    sql = f"SELECT uid, internal_date FROM entry WHERE mailbox = ? AND {text} ORDER BY uid LIMIT {_PAGE}"  # noqa: S608
    return lambda reader: reader.all(sql, (mailbox, *parameters))
