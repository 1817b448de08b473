"""The texts of the attachments of a mail: kept ones, or read now and then kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from weakref import WeakValueDictionary

import apsw
import structlog

from services.indexer.extraction.message import attached_parts, attachments_of
from services.indexer.extraction.port import Attachment, Budget, ExtractionStatus, Extractor
from services.indexer.extraction.store import ExtractedStore, StoreBegunAnew
from services.indexer.extraction.stored_text import StoredAttachment
from services.indexer.settings import ExtractionSettings
from shared.blobs.port import Blob
from shared.protocol.message.scan import Scan

log = structlog.get_logger("extraction")

_LONGEST_NAME = 200


class AttachmentTexts:
    """Reads the attachments of each blob once, whoever holds copies of the mail."""

    def __init__(self, extractor: Extractor, store: ExtractedStore, settings: ExtractionSettings) -> None:
        self._extractor = extractor
        self._store = store
        self._settings = settings
        self._reading: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, account: str, blob: Blob, scan: Scan) -> tuple[StoredAttachment, ...]:
        """What is in the attachments of this mail of this account; a mail without attachments costs nothing.

        An attachment that cannot be read is in the result, with its status. Raises BlobError and ExtractorUnavailable,
        after which it is to be tried again.
        """
        if not self._settings.enabled or next(attached_parts(scan), None) is None:
            return ()
        key = str(blob.id)
        lock = self._reading.setdefault(key, asyncio.Lock())
        async with lock:
            kept = await asyncio.to_thread(self._kept, key, account)
            if kept is not None:
                return kept
            results = await self._extracted(blob, scan)
            await asyncio.to_thread(self._keep, key, account, results)
            return results

    async def _extracted(self, blob: Blob, scan: Scan) -> tuple[StoredAttachment, ...]:
        limits = self._settings
        budget = Budget(limits.characters, limits.attachments, limits.depth, limits.mail_seconds)
        results: list[StoredAttachment] = []
        attachments = attachments_of(blob, scan)
        for attachment in attachments:
            if budget.exhausted:
                results.append(_passed_over(attachment, attachments, budget))
                break
            text = await self._extractor.extract(attachment, budget)
            results.append(_result(attachment, text.status, text.text, text.detail))
        return tuple(results)

    def _kept(self, blob: str, account: str) -> tuple[StoredAttachment, ...] | None:
        """What is kept. Without it the attachments are read again, so no error of the store stops anything."""
        try:
            return self._store.attachments(blob, account, self._extractor.version)
        except StoreBegunAnew:
            return None  # The store has logged it.
        except apsw.Error as error:
            log.error("extraction.store_failed", error=str(error))
            return None

    def _keep(self, blob: str, account: str, results: tuple[StoredAttachment, ...]) -> None:
        try:
            try:
                self._store.keep(blob, account, self._extractor.version, results)
            except StoreBegunAnew:
                self._store.keep(blob, account, self._extractor.version, results)
        except apsw.Error as error:
            log.error("extraction.not_kept", blob=blob, error=str(error))


def _result(attachment: Attachment, status: ExtractionStatus, text: str, detail: str) -> StoredAttachment:
    return StoredAttachment(
        attachment.path, attachment.name[:_LONGEST_NAME], attachment.media_type[:_LONGEST_NAME], status, text, detail
    )


def _passed_over(attachment: Attachment, others: Iterator[Attachment], budget: Budget) -> StoredAttachment:
    """The result for all attachments that are not read any more. Want of time may pass, so they are tried again."""
    status = ExtractionStatus.TIMEOUT if budget.seconds <= 0 else ExtractionStatus.LIMIT
    count = 1 + sum(1 for _ in others)
    return _result(attachment, status, "", f"{budget.exhausted}: {count} attachments were passed over")
