"""Brings the text of attachments into the index after the messages, because reading an attachment may take long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from services.indexer.domain.engine import TextEngine
from services.indexer.extraction.attachments import AttachmentTexts
from services.indexer.extraction.port import ExtractorUnavailable
from services.indexer.extraction.store import ExtractedStore
from services.indexer.extraction.stored_text import StoredAttachment
from services.indexer.handlers.account_locks import AccountLocks
from services.indexer.handlers.indexing import NOT_NOW
from shared.background import BackgroundTask, woken_within
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobDamaged, BlobMissing
from shared.blobs.port import Blobs
from shared.protocol.message.folding import fold
from shared.scans import scan_of

log = structlog.get_logger("indexer")
_AT_ONCE = 20
"""Messages whose attachments are read before they are handed over."""
_IDLE_SECONDS = 30.0


class Attachments:
    """The background task. Accounts with new messages come first; the others are looked at in turn."""

    def __init__(
        self,
        service: str,
        engine: TextEngine,
        texts: AttachmentTexts,
        store: ExtractedStore,
        blobs: Blobs,
        locks: AccountLocks,
    ) -> None:
        self._engine = engine
        self._store = store
        self._texts = texts
        self._blobs = blobs
        self._locks = locks
        self._waiting: dict[str, None] = {}
        self._has_looked = False
        self._wake = asyncio.Event()
        self._task = BackgroundTask(service, "attachments", self._turn, not_now=(*NOT_NOW, ExtractorUnavailable))

    def start(self) -> None:
        """Begin with a look at all accounts."""
        self._task.start()

    async def stop(self) -> None:
        """Stop; messages whose attachments are not read yet wait in the index."""
        await self._task.stop()

    @property
    def waiting(self) -> int:
        """Accounts that may have attachments to be read."""
        return len(self._waiting)

    async def swept(self, account: str) -> None:
        """Give up the texts of messages that left an account; to be called under its lock.

        Raises IndexUnavailable, and apsw.Error for a broken store of texts.
        """
        await self._release(account)

    def added(self, account: str) -> None:
        """Note an account that has messages with attachments."""
        self._waiting[account] = None
        self._wake.set()

    async def _turn(self) -> None:
        if not self._has_looked:
            self._waiting.update(dict.fromkeys(await self._engine.accounts()))
            self._has_looked = True
        account = next(iter(self._waiting), None)
        if account is None:
            self._wake.clear()
            await woken_within(self._wake, _IDLE_SECONDS)
            return
        del self._waiting[account]  # before it is read, so that what comes in meanwhile is noted
        has_more = True
        try:
            has_more = not await self._read_some(account)
        finally:
            if has_more:  # the others come first, also when it failed
                self._waiting[account] = None

    async def _read_some(self, account: str) -> bool:
        """Read the attachments of some messages; whether these were all."""
        awaiting = await self._engine.awaiting(account, _AT_ONCE)
        texts: dict[bytes, str] = {}
        for key, blob in awaiting.items():
            texts[key] = await self._text(account, blob)
            self._task.advanced()
        if texts:
            async with self._locks.of(account):
                await self._engine.add_attachments(account, texts)
                await self._release(account)
        return len(awaiting) < _AT_ONCE

    async def _release(self, account: str) -> None:
        """Give up texts of messages that the account does not have: it may have been erased while they were read."""
        await asyncio.to_thread(self._store.release_others, account, await self._engine.attached(account))

    async def _text(self, account: str, blob_id: str) -> str:
        """The folded text of the attachments of a message, with their names."""
        try:
            blob = await self._blobs.read(BlobId(blob_id))
            stored = await self._texts.read(account, blob, await scan_of(self._blobs, blob))
        except (BlobMissing, BlobDamaged) as error:
            log.warning("indexer.attachments_unread", blob=blob_id, error=str(error))
            return ""
        return await asyncio.to_thread(_joined, stored)


def _joined(attachments: Sequence[StoredAttachment]) -> str:
    return fold("".join(f"{part.name}\n{part.text}\n" for part in attachments))
