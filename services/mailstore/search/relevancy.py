"""How relevant messages are to the FUZZY keys of a search, from 1 to 100 (RFC 6203 §4)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from services.mailstore.search.compile import FuzzyQuestion, fuzzy_question
from services.mailstore.search.text_index import TextIndex
from shared.protocol.search.fuzzy import FuzzyField, fuzzy_pieces
from shared.rpc.mailfold.indexer.v1 import indexer_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey

BEST, NOT_RANKED = 100, 50
"""The highest score, and that of a message that the index did not rank: it is new, or the index does not answer."""
_MOST = 100_000
"""Messages that are ranked."""
_MOST_TEXTS, _MOST_RANKED_PIECES = 40, 60
"""Questions and pieces of their texts that count for the scores: more make an index slow, and no better order."""
_FEW = 5_000
"""Messages whose scores are made on the event loop."""
_FIELDS = {
    FuzzyField.ANYWHERE: (pb.Words.ANYWHERE,),
    FuzzyField.SUBJECT: (pb.Words.SUBJECT,),
    FuzzyField.FROM: (pb.Words.FROM,),
    FuzzyField.TO: (pb.Words.TO,),
    FuzzyField.BODY: (pb.Words.BODY, pb.Words.ATTACHMENTS),
}


class FuzzyScores:
    """The scores of the messages of a mailbox."""

    def __init__(self, ranked: Mapping[int, int]) -> None:
        self._ranked = ranked

    def of(self, uid: int) -> int:
        """The score of a message."""
        return self._ranked.get(uid, NOT_RANKED)

    async def of_spans(self, uids: Sequence[tuple[int, int]]) -> bytes:
        """The scores of ascending messages, an octet each."""
        if sum(last - first + 1 for first, last in uids) > _FEW:
            return await asyncio.to_thread(self._octets, uids)
        return self._octets(uids)

    def _octets(self, uids: Sequence[tuple[int, int]]) -> bytes:
        return bytes(self.of(uid) for first, last in uids for uid in range(first, last + 1))


class Relevancy:
    """Asks the index; without it all messages are equal."""

    def __init__(self, index: TextIndex | None) -> None:
        self._index = index

    async def scores(self, account: str, mailbox: str, key: SearchKey) -> FuzzyScores:
        """The scores for the FUZZY keys of a search in a mailbox."""
        questions = list(dict.fromkeys(_wished(key)))[:_MOST_TEXTS]
        if self._index is None or not questions:
            return FuzzyScores({})
        answer = await self._index.rank(account, [mailbox], words_query(questions), _MOST)
        if answer is None:
            return FuzzyScores({})
        return FuzzyScores(await asyncio.to_thread(_scaled, answer.messages))


def words_query(questions: Sequence[FuzzyQuestion]) -> pb.WordQuery:
    """The query for messages for which any of the questions holds, by their first words."""
    query, left = pb.WordQuery(), _MOST_RANKED_PIECES
    for question in questions:
        pieces = query.any_of.queries.add().all_of.queries
        for piece in fuzzy_pieces(question.text)[: max(left, 1)]:
            left -= 1
            places = pieces.add().any_of.queries
            for field in _FIELDS[question.field]:
                words = pb.Words(text=piece.text, field=field, is_phrase=True, is_prefix=piece.goes_on)
                places.add().words.CopyFrom(words)
    return query


def _wished(key: SearchKey, *, negated: bool = False) -> Iterator[FuzzyQuestion]:
    """The questions of FUZZY keys that a message is found for: not those of NOT."""
    negated ^= key.negated
    match key.WhichOneof("key"):
        case "all_of":
            for inner in key.all_of.keys:
                yield from _wished(inner, negated=negated)
        case "any_of":
            for inner in key.any_of.keys:
                yield from _wished(inner, negated=negated)
        case _ if key.fuzzy and not negated:
            question = fuzzy_question(key)
            if question is not None:
                yield question


def _scaled(messages: Sequence[pb.RankedMessage]) -> dict[int, int]:
    """The scores from 1 to 100, evenly between the worst and the best."""
    if not messages:
        return {}
    values = [message.score for message in messages]
    low, high = min(values), max(values)
    step = (BEST - 1) / (high - low) if high > low else 0.0
    return {message.uid: BEST - round((high - message.score) * step) for message in messages}
