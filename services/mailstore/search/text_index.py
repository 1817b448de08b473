"""Asks the text index which messages contain texts. Its answer is exact for the UIDs that it covers.

Without an answer a search reads the messages, so nothing here raises an error.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import structlog

from services.mailstore.search.compile import (
    BodyQuestion,
    FieldQuestion,
    FuzzyQuestion,
    SearchQuestion,
    TextQuestion,
)
from services.mailstore.search.compile import IndexedQuestion as IndexedQuestion
from services.mailstore.search.query_questions import AttachmentTextQuestion, PhraseQuestion
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError
from shared.protocol.imap.packed_ranges import unpack
from shared.protocol.imap.ranges import Ranges, common
from shared.rpc.mailfold.indexer.v1 import indexer_pb2 as pb
from shared.rpc.mailfold.indexer.v1.indexer_pb2_grpc import TextIndexStub

log = structlog.get_logger("search")
_MOST = 64
"""Questions of one request."""
_LONGEST = 65_536
"""Characters of a text that the index is asked for."""


class IndexAnswer(NamedTuple):
    """For which UIDs the answers hold, and the UIDs of each question's hits."""

    covered: Ranges
    hits: Mapping[IndexedQuestion, Ranges]


class RankAnswer(NamedTuple):
    """Messages that have words, best first, and by mailbox the UIDs that were looked at."""

    messages: Sequence[pb.RankedMessage]
    covered: Mapping[str, Ranges]


class IndexedRows:
    """The answer message by message, for a search that examines rows; UIDs are asked for in any order."""

    def __init__(self, answer: IndexAnswer, questions: Sequence[SearchQuestion]) -> None:
        self._covered = answer.covered
        self._hits = [
            (number, answer.hits[question])
            for number, question in enumerate(questions)
            if isinstance(question, IndexedQuestion) and question in answer.hits
        ]

    @property
    def covers(self) -> int:
        """How many of the questions it can answer."""
        return len(self._hits)

    def of(self, uid: int) -> dict[int, bool]:
        """The answers for a message, by the number of the question; none when the index does not cover it."""
        if not _contains(self._covered, uid):
            return {}
        return {number: _contains(hits, uid) for number, hits in self._hits}


def _contains(spans: Ranges, uid: int) -> bool:
    at = bisect_right(spans, (uid, 1 << 40)) - 1
    return at >= 0 and spans[at][1] >= uid


class TextIndex:
    """The index as the searches of a store see it. `seconds` is how long a search waits for an answer."""

    def __init__(self, channel: Channel, seconds: float) -> None:
        self._stub = TextIndexStub(channel)
        self._seconds = seconds
        self.answered = 0
        """Searches that the index helped with, since the start."""
        self.unanswered = 0
        """Searches that had to read messages because the index did not answer, since the start."""
        self.trouble = ""
        """Why it did not answer lately."""

    async def ask(
        self, account: str, mailbox: str, bounds: tuple[int, int], questions: Sequence[IndexedQuestion]
    ) -> IndexAnswer | None:
        """What the index says about a mailbox between two UIDs; None when it says nothing."""
        asked = tuple(question for question in questions if 0 < len(question.text) <= _LONGEST)[:_MOST]
        if not asked:
            return None
        request = pb.AnswerRequest(account=account, mailbox=mailbox, first=bounds[0], last=min(bounds[1], 0xFFFFFFFF))
        request.questions.extend(map(_to_wire, asked))
        covered: Ranges = ()
        pieces: list[list[Ranges]] = [[] for _ in asked]
        try:
            async for piece in self._stub.Answer(request, timeout=self._seconds):
                if piece.covered:
                    covered = common((bounds,), unpack(piece.covered))
                if piece.hits:
                    pieces[piece.question].append(unpack(piece.hits))
                    await asyncio.sleep(0)  # others get a turn between large pieces
        except ServiceError as error:
            if error.reason != "OFF":
                self._note(str(error))
            return None
        self.answered += 1
        self.trouble = ""
        # Most answers are a single piece, which is not copied.
        hits = (spans[0] if len(spans) == 1 else tuple(chain.from_iterable(spans)) for spans in pieces)
        return IndexAnswer(covered, dict(zip(asked, hits, strict=True)))

    async def rank(self, account: str, mailboxes: Sequence[str], query: pb.WordQuery, limit: int) -> RankAnswer | None:
        """The messages of mailboxes that have words, and what was looked at; None when the index says nothing."""
        request = pb.RankRequest(account=account, mailboxes=mailboxes, query=query, limit=limit, tell_covered=True)
        covered: dict[str, Ranges] = {}
        messages: list[pb.RankedMessage] = []
        try:
            async for batch in self._stub.Rank(request, timeout=self._seconds):
                covered |= {mailbox.mailbox: unpack(mailbox.covered) for mailbox in batch.mailboxes}
                messages += batch.messages
        except ServiceError as error:
            if error.reason != "OFF":
                self._note(str(error))
            return None
        self.trouble = ""
        return RankAnswer(messages, covered)

    def _note(self, trouble: str) -> None:
        self.unanswered += 1
        if not self.trouble:
            log.warning("search.without_index", error=trouble)
        self.trouble = trouble


def _to_wire(question: IndexedQuestion) -> pb.TextQuestion:
    match question:
        case FieldQuestion(name, text):
            return pb.TextQuestion(kind=pb.TextQuestion.FIELD, name=name, text=text)
        case BodyQuestion(text):
            return pb.TextQuestion(kind=pb.TextQuestion.BODY, text=text)
        case TextQuestion(text):
            return pb.TextQuestion(kind=pb.TextQuestion.TEXT, text=text)
        case FuzzyQuestion(field, text):
            return pb.TextQuestion(kind=pb.TextQuestion.WORDS, name=field, text=text)
        case PhraseQuestion(field, text, is_prefix):
            return pb.TextQuestion(kind=pb.TextQuestion.PHRASE, name=field, text=text, is_prefix=is_prefix)
        case AttachmentTextQuestion(text):
            return pb.TextQuestion(kind=pb.TextQuestion.ATTACHMENTS, text=text)
