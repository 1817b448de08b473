"""Serves the TextIndex contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from weakref import WeakValueDictionary

from services.indexer.domain.document import IndexQuestion, SearchedPart
from services.indexer.domain.engine import IndexUnavailable, QueryTooLarge, TextEngine
from services.indexer.domain.word_query import (
    PHRASE_FIELDS,
    AllWords,
    AnyWords,
    NoWords,
    SoughtWords,
    WordField,
    WordQuery,
    fuzzy_query,
)
from services.indexer.handlers.generations import Generations
from services.indexer.handlers.word_answers import MOST_RANKED, rank_covered, with_words
from shared.grpc.errors import Invalid, LimitReached, NotNow, Unavailable
from shared.protocol.imap.packed_ranges import pack, pack_pieces
from shared.protocol.imap.ranges import Ranges, common
from shared.protocol.search.fuzzy import FuzzyField, fuzzy_pieces, is_too_long
from shared.protocol.search.words import query_words, words
from shared.rpc.mailfold.indexer.v1 import indexer_pb2 as pb
from shared.rpc.mailfold.indexer.v1.indexer_pb2_grpc import TextIndexServicer

_QUESTIONS = 64
_TEXT = 65_536
"""Characters of a question."""
_QUERIES = 500
"""Parts of a query for words."""
_DEPTH = 50
_ASKED_WORDS, _MOST_WORDS = 400, 900
"""Words of a question, which are looked for in two fields, and of a whole query."""
_MAILBOXES = 1000
"""Mailboxes of which a request asks how far they are covered."""
_WORD_KINDS = frozenset({pb.TextQuestion.WORDS, pb.TextQuestion.PHRASE})
_BATCH = 1000


class TextIndexEndpoint(TextIndexServicer):
    """Answers the mailstore."""

    def __init__(self, generations: Generations, at_once: int) -> None:
        """`at_once` is how many questions about an account are answered at a time; those of others do not wait."""
        self._generations = generations
        self._at_once = at_once
        self._rooms: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def Answer(self, request: pb.AnswerRequest, context: Any) -> AsyncIterator[pb.AnswerPiece]:
        if not 0 < len(request.questions) <= _QUESTIONS:
            raise Invalid(f"a request has 1 to {_QUESTIONS} questions")
        try:
            async with self._room(request.account):
                covered, hits = await self._answered(request)
        except IndexUnavailable as error:
            raise Unavailable(str(error)) from error
        except QueryTooLarge as error:
            raise LimitReached(str(error)) from error
        yield pb.AnswerPiece(covered=pack(covered))
        for number, uids in hits.items():
            for piece in pack_pieces(uids):
                yield pb.AnswerPiece(question=number, hits=piece)
                await asyncio.sleep(0)  # others get a turn between large pieces

    async def _answered(self, request: pb.AnswerRequest) -> tuple[Ranges, dict[int, Ranges]]:
        """The UIDs for which the answer holds, and the hits by the place of the question."""
        texts = {at: _question(asked) for at, asked in enumerate(request.questions) if asked.kind not in _WORD_KINDS}
        words = {at: _of_words(asked) for at, asked in enumerate(request.questions) if asked.kind in _WORD_KINDS}
        account, mailbox, bounds = request.account, request.mailbox, (request.first, request.last)
        answer = await self._engine().answer(account, mailbox, bounds, list(texts.values()))
        covered, hits = answer.covered, dict(zip(texts, answer.hits, strict=True))
        if words:
            ranked = await with_words(self._engine(), account, mailbox, bounds, list(words.values()))
            covered = common(covered, ranked[0])
            hits |= dict(zip(words, ranked[1], strict=True))
        return covered, hits

    def _room(self, account: str) -> asyncio.Semaphore:
        """Room for a question about an account, so that many searches of its user are not everybody's."""
        room = self._rooms.get(account)
        if room is None:
            room = self._rooms[account] = asyncio.Semaphore(self._at_once)
        return room

    def _engine(self) -> TextEngine:
        """The engine that answers. Raises NotNow."""
        serving = self._generations.serving
        if serving is None:
            raise NotNow("the text index is switched off", "OFF")
        return serving.engine

    async def Rank(self, request: pb.RankRequest, context: Any) -> AsyncIterator[pb.RankedBatch]:
        query = _QueryReader().read(request.query, _DEPTH)
        limit = min(request.limit or MOST_RANKED, MOST_RANKED)
        account, engine, asked = request.account, self._engine(), request.mailboxes
        if request.tell_covered and not 0 < len(asked) <= _MAILBOXES:
            raise Invalid(f"1 to {_MAILBOXES} mailboxes are covered at once")
        try:
            async with self._room(account):
                if request.tell_covered:
                    ranked, covered = await rank_covered(engine, account, asked, query, limit)
                else:
                    ranked, covered = await engine.rank(account, asked, query, limit), {}
        except IndexUnavailable as error:
            raise Unavailable(str(error)) from error
        except QueryTooLarge as error:
            raise LimitReached(str(error)) from error
        if request.tell_covered:
            looked_at = [pb.RankedMailbox(mailbox=mailbox, covered=pack(uids)) for mailbox, uids in covered.items()]
            yield pb.RankedBatch(mailboxes=looked_at)
        for start in range(0, len(ranked), _BATCH):
            yield pb.RankedBatch(
                messages=[
                    pb.RankedMessage(mailbox=mailbox, uid=uid, score=score)
                    for mailbox, uid, score in ranked[start : start + _BATCH]
                ]
            )


def _of_words(question: pb.TextQuestion) -> WordQuery:
    """Raises Invalid."""
    return _phrase(question) if question.kind == pb.TextQuestion.PHRASE else _fuzzy(question)


def _phrase(question: pb.TextQuestion) -> WordQuery:
    field = PHRASE_FIELDS.get(question.name)
    if field is None or not 0 < len(question.text) <= _TEXT:
        raise Invalid("a question for words has a known field and a text of bounded length")
    if not 0 < len(query_words(question.text, prefix=question.is_prefix).tokens) <= _ASKED_WORDS:
        raise Invalid(f"a question has 1 to {_ASKED_WORDS} words")
    return SoughtWords(question.text, field, True, question.is_prefix)


def _fuzzy(question: pb.TextQuestion) -> WordQuery:
    """Raises Invalid."""
    if question.name not in set(FuzzyField) or not 0 < len(question.text) <= _TEXT:
        raise Invalid("a question for words has a known field and a text of bounded length")
    pieces = fuzzy_pieces(question.text)
    if is_too_long(question.text) or sum(len(piece.words.tokens) for piece in pieces) > _ASKED_WORDS:
        raise Invalid(f"a question has at most {_ASKED_WORDS} words")
    return fuzzy_query(question.text, FuzzyField(question.name))


def _question(question: pb.TextQuestion) -> IndexQuestion:
    """Raises Invalid."""
    if question.kind not in {kind.value for kind in SearchedPart} or not 0 < len(question.text) <= _TEXT:
        raise Invalid("a question has a known kind and a text of bounded length")
    return IndexQuestion(SearchedPart(question.kind), question.text, question.name)


class _QueryReader:
    """Reads a query for words and counts its parts."""

    def __init__(self) -> None:
        self._parts = self._words = 0

    def read(self, query: pb.WordQuery, depth: int) -> WordQuery:
        """Raises Invalid."""
        self._parts += 1
        if self._parts > _QUERIES or not depth:
            raise Invalid(f"a query has at most {_QUERIES} parts and {_DEPTH} levels")
        match query.WhichOneof("query"):
            case "words" if len(query.words.text) <= _TEXT:
                return self._sought(query.words)
            case "all_of":
                return AllWords(tuple(self.read(inner, depth - 1) for inner in query.all_of.queries))
            case "any_of":
                return AnyWords(tuple(self.read(inner, depth - 1) for inner in query.any_of.queries))
            case "not":
                return NoWords(self.read(getattr(query, "not"), depth - 1))
        raise Invalid("the query for words is of another release or too long")

    def _sought(self, asked: pb.Words) -> SoughtWords:
        self._words += words(asked.text).count(" ") + 1
        if self._words > _MOST_WORDS:
            raise Invalid(f"a query has at most {_MOST_WORDS} words")
        return SoughtWords(asked.text, WordField(asked.field), asked.is_phrase, asked.is_prefix)
