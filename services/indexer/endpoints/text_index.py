"""Serves the TextIndex contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from weakref import WeakValueDictionary

from services.indexer.domain.document import IndexQuestion, SearchedPart
from services.indexer.domain.engine import IndexUnavailable, TextEngine
from services.indexer.domain.word_query import AllWords, AnyWords, NoWords, SoughtWords, WordField, WordQuery
from services.indexer.handlers.generations import Generations
from shared.grpc.errors import Invalid, NotNow, Unavailable
from shared.protocol.imap.packed_ranges import pack, pack_pieces
from shared.rpc.mailfold.indexer.v1 import indexer_pb2 as pb
from shared.rpc.mailfold.indexer.v1.indexer_pb2_grpc import TextIndexServicer

_QUESTIONS = 64
_TEXT = 65_536
"""Characters of a question."""
_QUERIES = 500
"""Parts of a query for words."""
_DEPTH = 50
_RANKED = 100_000
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
        questions = [_question(question) for question in request.questions]
        bounds = request.first, request.last
        try:
            async with self._room(request.account):
                answer = await self._engine().answer(request.account, request.mailbox, bounds, questions)
        except IndexUnavailable as error:
            raise Unavailable(str(error)) from error
        yield pb.AnswerPiece(covered=pack(answer.covered))
        for number, hits in enumerate(answer.hits):
            for piece in pack_pieces(hits):
                yield pb.AnswerPiece(question=number, hits=piece)

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
        limit = min(request.limit or _RANKED, _RANKED)
        try:
            async with self._room(request.account):
                ranked = await self._engine().rank(request.account, request.mailboxes, query, limit)
        except IndexUnavailable as error:
            raise Unavailable(str(error)) from error
        for start in range(0, len(ranked), _BATCH):
            yield pb.RankedBatch(
                messages=[
                    pb.RankedMessage(mailbox=mailbox, uid=uid, score=score)
                    for mailbox, uid, score in ranked[start : start + _BATCH]
                ]
            )


def _question(question: pb.TextQuestion) -> IndexQuestion:
    """Raises Invalid."""
    if question.kind not in {kind.value for kind in SearchedPart} or not 0 < len(question.text) <= _TEXT:
        raise Invalid("a question has a known kind and a text of bounded length")
    return IndexQuestion(SearchedPart(question.kind), question.text, question.name)


class _QueryReader:
    """Reads a query for words and counts its parts."""

    def __init__(self) -> None:
        self._parts = 0

    def read(self, query: pb.WordQuery, depth: int) -> WordQuery:
        """Raises Invalid."""
        self._parts += 1
        if self._parts > _QUERIES or not depth:
            raise Invalid(f"a query has at most {_QUERIES} parts and {_DEPTH} levels")
        match query.WhichOneof("query"):
            case "words" if len(query.words.text) <= _TEXT:
                words = query.words
                return SoughtWords(words.text, WordField(words.field), words.is_phrase, words.is_prefix)
            case "all_of":
                return AllWords(tuple(self.read(inner, depth - 1) for inner in query.all_of.queries))
            case "any_of":
                return AnyWords(tuple(self.read(inner, depth - 1) for inner in query.any_of.queries))
            case "not":
                return NoWords(self.read(getattr(query, "not"), depth - 1))
        raise Invalid("the query for words is of another release or too long")
