"""The step of the indexer in the erasure of a deleted account."""

from __future__ import annotations

import asyncio

import apsw

from services.indexer.domain.engine import IndexUnavailable
from services.indexer.extraction.store import ExtractedStore
from services.indexer.handlers.generations import Generations
from shared.bus.bus import Bus
from shared.erasure.log_erasure import Advanced, Erased
from shared.erasure.worker import ErasureWorker
from shared.grpc.channel import Channel


class IndexErasure:
    """Drops the account from every index, and the texts of its attachments that nobody else has."""

    def __init__(
        self, service: str, directory: Channel, bus: Bus, generations: Generations, extracted: ExtractedStore
    ) -> None:
        self._generations = generations
        self._extracted = extracted
        self.worker = ErasureWorker(service, directory, bus, {"erase": self._erase})

    async def _erase(self, erased: Erased, _advanced: Advanced) -> str:
        try:
            await self._generations.drop_account(erased.account)
            while await asyncio.to_thread(self._extracted.erase, erased.account):
                pass
        except (IndexUnavailable, apsw.Error) as error:
            return f"the text index is not available: {error}"
        return ""
