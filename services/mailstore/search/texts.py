"""Decides whether texts occur in a message.

The message's own header is read first, then piece by piece what BODY and TEXT examine, until the search is decided.
Other requests are served between the pieces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from services.mailstore.search.candidate import Candidate
from services.mailstore.search.compile import (
    BodyQuestion,
    Compiled,
    DateQuestion,
    FieldQuestion,
    FuzzyQuestion,
    TextQuestion,
)
from services.mailstore.search.query_questions import (
    PHRASE_PLACES,
    AttachmentQuestion,
    AttachmentTextQuestion,
    FilenameQuestion,
    PhraseQuestion,
)
from shared.protocol.message.needles import Needles
from shared.protocol.search.fuzzy import FuzzyField, FuzzyPiece, fuzzy_pieces, occur_fuzzily
from shared.turns import Turns

PAGE = 65536
"""Characters that are searched at a time."""
_DECODING = 3
"""The cost of decoding an octet (transfer encoding, charset, case, HTML), in octets examined."""

_MAKING_WORDS = 12
"""The cost of making words of an octet, in octets examined."""
_PLACES = {
    FuzzyField.ANYWHERE: (0, 1, 2, 3),
    FuzzyField.SUBJECT: (0,),
    FuzzyField.FROM: (1,),
    FuzzyField.TO: (2,),
    FuzzyField.BODY: (3,),
}
"""The places in WordTexts."""
_BODY_PLACE = 3


class TextReader:
    """Answers the questions of one search about its candidates."""

    def __init__(self, compiled: Compiled, turns: Turns) -> None:
        self._test = compiled.test
        self._turns = turns
        numbered = tuple(enumerate(compiled.questions))
        self._of_header = [
            (number, question) for number, question in numbered if isinstance(question, DateQuestion | FieldQuestion)
        ]
        self._text = {number: question.text for number, question in numbered if isinstance(question, TextQuestion)}
        self._body = {number: question.text for number, question in numbered if isinstance(question, BodyQuestion)}
        self._of_structure = [
            (number, question)
            for number, question in numbered
            if isinstance(question, AttachmentQuestion | AttachmentTextQuestion | FilenameQuestion)
        ]
        self._fuzzy = [
            (number, _PLACES[question.field], fuzzy_pieces(question.text))
            for number, question in numbered
            if isinstance(question, FuzzyQuestion)
        ]
        self._fuzzy += [
            (number, PHRASE_PLACES[question.field], (question.piece,))
            for number, question in numbered
            if isinstance(question, PhraseQuestion)
        ]
        self._in_fields = Needles(question.text for _, question in numbered if isinstance(question, FieldQuestion))
        self._in_texts = Needles((self._text | self._body).values())

    @property
    def needs_scan(self) -> bool:
        """Whether the search is likely to need more than the header."""
        return bool(self._text or self._body or self._fuzzy or self._of_structure)

    async def decide(self, candidate: Candidate) -> bool:
        """Whether the message matches. Raises BlobError."""
        verdict = None
        if self._of_structure:
            self._answer_by_structure(candidate)
            verdict = self._test(candidate)
        if verdict is None and self._of_header:
            await self._answer_by_header(candidate)
            verdict = self._test(candidate)
        if verdict is None and self._fuzzy:
            await self._answer_by_words(candidate)
            verdict = self._test(candidate)
        if verdict is None:
            verdict = await self._by_texts(candidate)
        return bool(verdict)

    def _answer_by_structure(self, candidate: Candidate) -> None:
        """Answer the questions about attachments, whose texts are known to the index alone."""
        for number, question in self._of_structure:
            if number in candidate.answers:
                continue
            match question:
                case AttachmentQuestion():
                    candidate.answers[number] = candidate.has_attachments
                case FilenameQuestion(text):
                    candidate.answers[number] = any(text in name for name in candidate.filenames)
                case _:
                    candidate.answers[number] = False
        self._turns.count(keys=len(self._of_structure))

    async def _answer_by_header(self, candidate: Candidate) -> None:
        """Answer the questions about single header fields."""
        values: dict[str, list[str]] = {}
        for number, question in self._of_header:
            if number in candidate.answers:
                continue
            if isinstance(question, DateQuestion):
                day = candidate.sent_day
                candidate.answers[number] = day is not None and question.holds(day)
                continue
            texts = values.get(question.name)
            if texts is None:
                texts = values[question.name] = await self._values(candidate, question.name)
            candidate.answers[number] = any(question.text in text for text in texts)
            self._turns.count(octets=sum(map(len, texts)), keys=1)
            if self._turns.is_spent:
                await self._turns.spend()

    async def _answer_by_words(self, candidate: Candidate) -> None:
        """Answer the questions of FUZZY keys. The words of a large message are made beside the event loop."""
        asked = [question for question in self._fuzzy if question[0] not in candidate.answers]
        with_body = any(_BODY_PLACE in places for _, places, _ in asked)
        octets = candidate.header_octets + (candidate.text_octets if with_body else 0)
        if octets > PAGE // 2:
            candidate.answers.update(await asyncio.to_thread(_fuzzy_answers, candidate, asked, with_body))
            await self._turns.spend(files=1)
        else:
            candidate.answers.update(_fuzzy_answers(candidate, asked, with_body))
            await self._turns.spend(octets=octets * (_MAKING_WORDS + sum(len(pieces) for _, _, pieces in asked)))

    async def _values(self, candidate: Candidate, name: str) -> list[str]:
        """The values of a field.

        A large header is read beside the event loop, because thousands of addresses cannot be paged.
        """
        octets = candidate.header_octets
        self._turns.count(octets=octets * _DECODING)
        if octets > PAGE:
            return await asyncio.to_thread(candidate.values, name, self._in_fields)
        return candidate.values(name, self._in_fields)

    async def _by_texts(self, candidate: Candidate) -> bool | None:
        """Search header lines, body and headers of parts, in the order in which TEXT is most often satisfied."""
        if self._text:
            verdict = await self._seek(candidate, await self._header(candidate), dict(self._text))
            if verdict is not None:
                return verdict
        both = self._text | self._body
        for pieces, needles in ((candidate.body, both), (candidate.part_headers, self._text)):
            open_needles = {number: text for number, text in needles.items() if number not in candidate.answers}
            if open_needles:
                verdict = await self._seek(candidate, pieces(self._in_texts), open_needles)
                if verdict is not None:
                    return verdict
        for number in both:
            candidate.answers.setdefault(number, False)
        return self._test(candidate)

    async def _header(self, candidate: Candidate) -> Iterator[str]:
        """The lines of the header, counted once. The lines of a large header are read beside the event loop."""
        octets = candidate.header_octets
        self._turns.count(octets=octets)
        if octets > PAGE:
            return iter(await asyncio.to_thread(list, candidate.header(self._in_texts)))
        return candidate.header(self._in_texts)

    async def _seek(self, candidate: Candidate, pieces: Iterator[str], needles: dict[int, str]) -> bool | None:
        """Search the pieces for the texts; returns the verdict as soon as it is known."""
        for page in pages(pieces, max(map(len, needles.values())) - 1):
            self._turns.count(octets=len(page) * _DECODING)
            is_answered = False
            for number in await self._occurring(page, needles):
                candidate.answers[number] = is_answered = True
                del needles[number]
            if is_answered and (verdict := self._test(candidate)) is not None:
                return verdict
            if not needles:
                return None
        return None

    async def _occurring(self, page: str, needles: Mapping[int, str]) -> list[int]:
        """The texts that occur in a page."""
        numbers = []
        for number, text in needles.items():
            if self._turns.is_spent:
                await self._turns.spend()
            if text in page:
                numbers.append(number)
            self._turns.count(octets=len(page), keys=1)
        return numbers


def _fuzzy_answers(
    candidate: Candidate, asked: Sequence[tuple[int, Sequence[int], Sequence[FuzzyPiece]]], with_body: bool
) -> dict[int, bool]:
    words = candidate.words(with_body=with_body)
    return {number: occur_fuzzily(pieces, [words[place] for place in places]) for number, places, pieces in asked}


def pages(pieces: Iterator[str], overlap: int, least: int = PAGE) -> Iterator[str]:
    """The pieces joined to pages of `least` characters or more; every page begins with the end of the page before."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= least + overlap:
            page = "".join(held)
            yield page
            held = [page[len(page) - overlap :] if overlap else ""]
            size = overlap
    if held:
        yield "".join(held)
