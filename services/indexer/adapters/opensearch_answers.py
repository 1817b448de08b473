"""Answers exact questions: OpenSearch says which documents may contain a text, the texts that they keep decide."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, Protocol

import numpy as np

from services.indexer.adapters.header_fields import octets_of
from services.indexer.adapters.opensearch_candidates import Clause, candidates, fetch, gram_question
from services.indexer.adapters.opensearch_documents import TextOwner, compared_text, stored_of
from services.indexer.adapters.opensearch_index import TextIndexInOpenSearch
from services.indexer.adapters.opensearch_mapping import FIELDS
from services.indexer.adapters.opensearch_notes import NotedPlaces, TextSize
from services.indexer.adapters.verification import InField, InSections, Matcher
from services.indexer.domain.document import IndexQuestion, SearchedPart
from services.indexer.domain.engine import TextAnswer
from services.indexer.domain.places import NONE, Numbers, among, as_numbers, gaps_between, ranges_of

_AT_ONCE = 400
"""Documents that are fetched with one request."""
_OCTETS = 4 * 1024 * 1024
"""Octets of texts that are fetched with one request, unless a single document has more."""
_TOGETHER = 3
"""Requests for texts that run at the same time."""


class Sizes(Protocol):
    """Gives the sizes of at most 500 documents."""

    async def __call__(self, documents: Sequence[int]) -> Mapping[int, TextSize]: ...


class OpenSearchFinder:
    """Finds those of some documents, which ascend, that contain texts. Its methods raise IndexUnavailable."""

    def __init__(
        self, index: TextIndexInOpenSearch, owner: TextOwner, documents: Numbers, sizes: Sizes, executor: Executor
    ) -> None:
        self._index = index
        self._owner = owner
        self._documents = documents
        self._sizes = sizes
        self._executor = executor

    async def find(self, question: IndexQuestion) -> Numbers:
        """The documents for which the answer is yes, ascending."""
        if not len(self._documents):
            return self._documents
        match question.kind:
            case SearchedPart.FIELD:
                return await self._in_field(question)
            case SearchedPart.BODY:
                return await self._in_text("body", "main", question.text, self._documents)
            case SearchedPart.ATTACHMENTS:
                return await self._in_text("attachment", "more", question.text, self._documents)
            case SearchedPart.TEXT:
                return await self._anywhere(question.text)

    async def _in_field(self, question: IndexQuestion) -> Numbers:
        asked = gram_question(question.text)
        path = FIELDS.get(question.name)
        possible = await self._candidates(asked.within(path) if path else asked.within("head", "beside"))
        if path and asked.is_exact:
            return possible
        return await self._verified("top", possible, InField(octets_of(question.text), octets_of(question.name)))

    async def _anywhere(self, text: str) -> Numbers:
        asked = gram_question(text)
        headers = await self._candidates(asked.within("head"))
        if not asked.is_exact:
            headers = await self._verified("top", headers, InSections(octets_of(text), 2))
        rest = self._documents[~among(self._documents, headers)]
        return np.union1d(headers, await self._in_text("body", "main", text, rest))

    async def _in_text(self, field: str, part: str, text: str, documents: Numbers) -> Numbers:
        if not len(documents):
            return documents
        asked = gram_question(text)
        possible = await self._candidates(asked.within(field))
        possible = possible[among(possible, documents)]
        return possible if asked.is_exact else await self._verified(part, possible, InSections(octets_of(text), 1))

    async def _candidates(self, clause: Clause) -> Numbers:
        bounds = int(self._documents[0]), int(self._documents[-1])
        possible = await candidates(self._index, self._owner, bounds, clause)
        return possible[among(possible, self._documents)]

    async def _verified(self, part: str, possible: Numbers, matcher: Matcher) -> Numbers:
        """Those of the documents, which ascend, whose texts match."""
        hits: list[int] = []
        waiting: list[Sequence[int]] = []
        for start in range(0, len(possible), _AT_ONCE):
            numbers: list[int] = possible[start : start + _AT_ONCE].tolist()
            waiting += _pieces(numbers, await self._sizes(numbers), part)
            while len(waiting) >= _TOGETHER:
                hits += await self._compare(waiting[:_TOGETHER], part, matcher)
                del waiting[:_TOGETHER]
        hits += await self._compare(waiting, part, matcher)
        return as_numbers(sorted(hits)) if hits else NONE

    async def _compare(self, pieces: Sequence[Sequence[int]], part: str, matcher: Matcher) -> list[int]:
        results = await asyncio.gather(*(self._matching(numbers, part, matcher) for numbers in pieces))
        return [number for numbers in results for number in numbers]

    async def _matching(self, numbers: Sequence[int], part: str, matcher: Matcher) -> list[int]:
        rows = await fetch(self._index, self._owner, numbers, part)
        ids = {self._owner.id(number): number for number in numbers}
        run = asyncio.get_running_loop().run_in_executor
        return await run(self._executor, _holding, rows, ids, part, matcher)


def _pieces(numbers: Sequence[int], known: Mapping[int, TextSize], part: str) -> Iterator[Sequence[int]]:
    piece: list[int] = []
    total = 0
    for number in numbers:
        size = known.get(number, TextSize(0, 0))
        octets = size.attached if part == "more" else size.octets
        if piece and total + octets > _OCTETS:
            yield piece
            piece, total = [], 0
        piece.append(number)
        total += octets
    if piece:
        yield piece


def _holding(rows: Sequence[Mapping[str, Any]], ids: Mapping[str, int], part: str, matcher: Matcher) -> list[int]:
    stored = stored_of(rows)
    return [ids[name] for name in stored if matcher.holds(*compared_text(stored[name], part))]


async def answer_in_opensearch(
    noted: NotedPlaces, hidden: Numbers, finder: OpenSearchFinder, questions: Sequence[IndexQuestion]
) -> TextAnswer:
    """The answers for places. Those of `hidden` documents are not covered: a search does not see them as they are.

    Raises IndexUnavailable.
    """
    places = noted.places
    answers = {
        question: ranges_of(places.uids[among(places.documents, await finder.find(question))])
        for question in dict.fromkeys(questions)
    }
    unseen = places.uids[among(places.documents, hidden)]
    covered = gaps_between(noted.first, noted.last, np.union1d(noted.missing, unseen))
    return TextAnswer(covered, [answers[question] for question in questions])
