"""Whether texts occur in a message: its own header first, then piece by piece what BODY and TEXT look at, until the
search is decided. Others are served between the pieces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from services.mailstore.search.candidate import Candidate
from services.mailstore.search.compile import Compiled
from shared.turns import Turns

PAGE = 65536
"""Characters in which texts are looked for at a time."""
_DECODING = 3
"""What decoding an octet costs, in octets looked at: transfer encoding, charset, case, HTML."""


class TextReader:
    """Answers the questions of one search about its candidates."""

    def __init__(self, compiled: Compiled, turns: Turns) -> None:
        self._test = compiled.test
        self._questions = tuple(enumerate(compiled.questions))
        self._turns = turns

    async def decide(self, candidate: Candidate) -> bool:
        """Whether the message matches. Raises BlobError."""
        verdict = self._test(candidate)
        if verdict is None:
            verdict = await self._by_header(candidate)
        if verdict is None:
            verdict = await self._by_texts(candidate)
        return bool(verdict)

    async def _by_header(self, candidate: Candidate) -> bool | None:
        """Answers what asks for single fields."""
        values: dict[str, list[str]] = {}
        for number, question in self._questions:
            if question.source == "date":
                day = candidate.sent_day
                candidate.answers[number] = day is not None and question.holds(day)
            elif question.source == "field":
                if question.name not in values:
                    values[question.name] = await _values(candidate, question.name)
                    await self._turns.spend(octets=candidate.header_octets * _DECODING)
                found = values[question.name]
                candidate.answers[number] = any(question.text in value for value in found)
                await self._turns.spend(octets=sum(map(len, found)), keys=1)
        return self._test(candidate)

    async def _by_texts(self, candidate: Candidate) -> bool | None:
        """Header lines, body, headers of parts: where TEXT looks, in the order of what is most often asked for."""
        texts, bodies = self._asked_of("text"), self._asked_of("body")
        if texts and (verdict := await self._seek(candidate, await _header(candidate), dict(texts))) is not None:
            return verdict
        for pieces, needles in ((candidate.body, texts | bodies), (candidate.part_headers, texts)):
            open_needles = {number: text for number, text in needles.items() if number not in candidate.answers}
            if open_needles and (verdict := await self._seek(candidate, pieces(), open_needles)) is not None:
                return verdict
        for number in texts | bodies:
            candidate.answers.setdefault(number, False)
        return self._test(candidate)

    def _asked_of(self, source: str) -> dict[int, str]:
        return {number: question.text for number, question in self._questions if question.source == source}

    async def _seek(self, candidate: Candidate, pieces: Iterator[str], needles: dict[int, str]) -> bool | None:
        """Look for the texts in the pieces; the verdict as soon as there is one."""
        for page in pages(pieces, max(map(len, needles.values())) - 1):
            found = await self._found(page, needles)
            for number in found:
                candidate.answers[number] = True
                del needles[number]
            if found and (verdict := self._test(candidate)) is not None:
                return verdict
            if not needles:
                return None
        return None

    async def _found(self, page: str, needles: Mapping[int, str]) -> list[int]:
        found = []
        await self._turns.spend(octets=len(page) * _DECODING)
        for number, text in needles.items():
            if text in page:
                found.append(number)
            await self._turns.spend(octets=len(page), keys=1)
        return found


async def _values(candidate: Candidate, name: str) -> list[str]:
    """What a field says. A large header is read beside the loop: addresses by the thousand have no pages."""
    if candidate.header_octets > PAGE:
        return await asyncio.to_thread(candidate.values, name)
    return candidate.values(name)


async def _header(candidate: Candidate) -> Iterator[str]:
    if candidate.header_octets > PAGE:
        return iter(await asyncio.to_thread(list, candidate.header()))
    return candidate.header()


def pages(pieces: Iterator[str], overlap: int, least: int = PAGE) -> Iterator[str]:
    """The pieces put together to `least` characters or more, every page beginning with the end of the one before."""
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
