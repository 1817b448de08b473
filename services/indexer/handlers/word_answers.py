"""Which messages of mailboxes have words, and for which messages the answer holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.indexer.domain.engine import Ranked, TextEngine
from services.indexer.domain.word_query import WordQuery
from shared.protocol.imap.ranges import Ranges, common, ranges

MOST_RANKED = 100_000
"""Messages of an answer."""
_ALL_UIDS = 1, 0xFFFFFFFF


class RankedWords(NamedTuple):
    """Messages that have words, best first, and by mailbox the UIDs for which the answer holds."""

    messages: Sequence[Ranked]
    covered: Mapping[str, Ranges]


async def rank_covered(
    engine: TextEngine, account: str, mailboxes: Sequence[str], query: WordQuery, limit: int
) -> RankedWords:
    """Rank, and say what was looked at. Raises IndexUnavailable.

    What is covered before and after was covered meanwhile, whatever was indexed or begun anew.
    """
    before = await _covered(engine, account, mailboxes, _ALL_UIDS)
    messages = await engine.rank(account, mailboxes, query, limit)
    after = await _covered(engine, account, mailboxes, _ALL_UIDS)
    return RankedWords(messages, {mailbox: common(before[mailbox], after[mailbox]) for mailbox in mailboxes})


async def with_words(
    engine: TextEngine, account: str, mailbox: str, bounds: tuple[int, int], queries: Sequence[WordQuery]
) -> tuple[Ranges, list[Ranges]]:
    """The UIDs of a mailbox for which the answer holds, and those that have the words of each query.

    Raises IndexUnavailable.
    """
    covered = (await _covered(engine, account, [mailbox], bounds))[mailbox]
    hits: list[Ranges] = []
    for query in queries:
        ranked = await engine.rank(account, [mailbox], query, MOST_RANKED)
        if len(ranked) >= MOST_RANKED:  # there may be more
            return (), [()] * len(queries)
        hits.append(common((bounds,), ranges(sorted(place.uid for place in ranked))))
    after = (await _covered(engine, account, [mailbox], bounds))[mailbox]
    return common(covered, after), hits


async def _covered(
    engine: TextEngine, account: str, mailboxes: Sequence[str], bounds: tuple[int, int]
) -> dict[str, Ranges]:
    return {mailbox: (await engine.answer(account, mailbox, bounds, ())).covered for mailbox in mailboxes}
