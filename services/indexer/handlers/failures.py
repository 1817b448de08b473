"""Attachments whose text was not read: they are listed, and read again when the extractor is another one."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from services.indexer.extraction.port import Extractor
from services.indexer.extraction.store import ExtractedStore
from services.indexer.handlers.generations import Generations
from services.indexer.handlers.indexing import NOT_NOW
from shared.background import BackgroundTask, woken_within
from shared.rpc.mailfold.indexer.v1 import upkeep_pb2 as pb

_ACCOUNTS_SHOWN = 3
_AT_ONCE = 100
_PAUSE = 60.0


class AttachmentFailures:
    """The failures, and the background task that has them read again."""

    def __init__(self, service: str, store: ExtractedStore, extractor: Extractor, generations: Generations) -> None:
        self._store = store
        self._extractor = extractor
        self._generations = generations
        self._wake = asyncio.Event()
        self._after = ""
        """The blob up to which this pass has come."""
        self._task = BackgroundTask(service, "failures", self._turn, not_now=NOT_NOW)

    @property
    def version(self) -> str:
        """The version of the extractor."""
        return self._extractor.version

    def start(self) -> None:
        """Begin."""
        self._task.start()

    async def stop(self) -> None:
        """Stop."""
        await self._task.stop()

    async def octets(self) -> int:
        """The size of the texts on disk."""
        return await asyncio.to_thread(lambda: self._store.octets)

    async def listed(self, limit: int, after: tuple[str, str]) -> list[pb.ExtractionFailure]:
        """Failures behind a blob and a path."""

        def work() -> list[pb.ExtractionFailure]:
            return [
                pb.ExtractionFailure(
                    blob=failure.blob,
                    path=failure.path,
                    name=failure.name,
                    media_type=failure.media_type,
                    status=failure.status.value,
                    detail=failure.detail,
                    version=failure.version,
                    tries=failure.tries,
                    accounts=self._store.accounts(failure.blob, _ACCOUNTS_SHOWN),
                )
                for failure in self._store.failures(limit, after)
            ]

        return await asyncio.to_thread(work)

    async def retry(self, blob: str) -> int:
        """Have the failures of a blob, or all, read again soon; returns the number of messages."""
        count = await asyncio.to_thread(self._store.retry, blob)
        self._wake.set()
        return count

    async def _turn(self) -> None:
        """Name the messages to be read again to the indexes of all accounts that have them: a page of them, and after
        the last page a pause, because they are pending until they were read."""
        if not self._after:
            self._wake.clear()
        blobs = await asyncio.to_thread(self._store.pending, self.version, _AT_ONCE, self._after)
        accounts: dict[str, list[str]] = defaultdict(list)
        for blob in blobs:
            for account in await asyncio.to_thread(self._store.accounts, blob):
                accounts[account].append(blob)
        for working in self._generations.all():
            for account, its_blobs in accounts.items():
                await working.engine.await_again(account, its_blobs)
                working.attachments.added(account)
        self._after = blobs[-1] if len(blobs) == _AT_ONCE else ""
        if not self._after:
            await woken_within(self._wake, _PAUSE)
