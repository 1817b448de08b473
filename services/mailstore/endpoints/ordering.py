"""Serves the Ordering contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.handlers import load, queries
from services.mailstore.listing.pages import Listing
from services.mailstore.listing.summaries import Summaries
from services.mailstore.ordering.kept import KeptOrders
from services.mailstore.ordering.matches import MatchingSummaries
from services.mailstore.ordering.memory import MEGAOCTET
from services.mailstore.ordering.sorting import Sorter
from services.mailstore.ordering.threads import Threader
from services.mailstore.search.relevancy import FuzzyScores, Relevancy
from services.mailstore.search.scan import Searcher
from services.mailstore.search.text_index import TextIndex
from services.mailstore.settings import MailstoreSettings
from shared.blobs.port import Blobs
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.mailstore.v1 import ordering_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.ordering_pb2_grpc import OrderingServicer
from shared.turns import Turns

_BATCH = 1000
"""UIDs in one batch."""
_AT_ONCE = 4
"""Orderings that hold their keys at once; further ones wait."""


class OrderingEndpoint(OrderingServicer):
    """Answers the access service."""

    def __init__(
        self,
        store: EventStore,
        blobs: Blobs,
        turns: Turns,
        limits: MailstoreSettings,
        listing: Listing,
        index: TextIndex | None = None,
    ) -> None:
        self._store = store
        self.kept = KeptOrders(limits.kept_ordering_megaoctets * MEGAOCTET)
        searcher = Searcher(store, blobs, turns, limits.search_texts, listing, index)
        matching = MatchingSummaries(store, searcher, Summaries(store, blobs, turns, listing), turns)
        self._sorter = Sorter(matching, turns, limits.ordering_megaoctets, self.kept)
        self._threader = Threader(matching, turns, limits.ordering_megaoctets, self.kept)
        self._relevancy = Relevancy(index)
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def Sort(self, request: pb.SortRequest, context: Any) -> AsyncIterator[pb.SortBatch]:
        version = await self._version(request.account, request.mailbox)
        with as_contract_errors():
            async with self._room:
                scores = await self._scores(request)
                if scores is not None and _sorts_by_relevancy(request):
                    sort = partial(self._sorter.sort_by_scores, scores=scores)
                else:
                    sort = self._sorter.sort  # type: ignore[assignment]
                outcome = await sort(request.mailbox, request.key, request.now, request.criteria)
        uids, given = outcome.uids, scores.of if scores is not None and request.with_relevancy else None
        for start in range(0, max(len(uids), 1), _BATCH):
            piece = uids[start : start + _BATCH]
            batch = pb.SortBatch(uids=piece, relevancy=bytes(map(given, piece)) if given is not None else b"")
            if not start:
                batch.highest_modseq, batch.version = outcome.highest_modseq, version
            yield batch

    async def _scores(self, request: pb.SortRequest) -> FuzzyScores | None:
        """The scores of the mailbox's messages, if the request needs them."""
        if not request.with_relevancy and not _sorts_by_relevancy(request):
            return None
        return await self._relevancy.scores(request.account, request.mailbox, request.key)

    async def Thread(self, request: pb.ThreadRequest, context: Any) -> AsyncIterator[pb.ThreadBatch]:
        version = await self._version(request.account, request.mailbox)
        with as_contract_errors():
            async with self._room:
                pieces = await self._threader.threads(request.mailbox, request.key, request.now, request.algorithm)
        yield pb.ThreadBatch(version=version)
        for piece in pieces:
            yield pb.ThreadBatch(threads=piece)

    async def _version(self, account: str, mailbox: str) -> int:
        """The version of the account before the messages are read. Raises NotFound."""
        with as_contract_errors():
            await self._store.read(lambda reader: load.mailbox_by_id(reader, account, mailbox))
        return await self._store.read(lambda reader: queries.version_of(reader, account))


def _sorts_by_relevancy(request: pb.SortRequest) -> bool:
    return any(criterion.field == pb.SortCriterion.RELEVANCY for criterion in request.criteria)
