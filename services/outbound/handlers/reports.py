"""Writes the notifications for the senders of mail: one for each mail and kind, stored before its event is appended."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.reported import ReportKind, reported
from services.outbound.domain.schedule import RetrySchedule
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.events.outbound import OutboundReportMade
from shared.eventstore.event import Event
from shared.ids import IdKind, Ids
from shared.protocol.dsn.report import Original, Reporter, Undelivered, build
from shared.protocol.message.scan import Scanner, encode_scan
from shared.scans import finished, report_failure, scan_of

log = structlog.get_logger("outbound")
_FULL = 256 * 1024
Decided = tuple[QueueEntry, Event]


class Reports:
    """Writes delivery status notifications (RFC 3464)."""

    def __init__(self, blobs: Blobs, schedule: RetrySchedule, clock: Clock, ids: Ids, host: str) -> None:
        self._blobs = blobs
        self._schedule = schedule
        self._clock = clock
        self._ids = ids
        self._host = host

    async def about(self, decided: Sequence[Decided]) -> list[tuple[str, Event]]:
        """The events of the notifications about these decisions, each with its stream; all are of one mail.

        Mail with the null reverse-path has none: there is nobody to notify (RFC 5321 §6.1).
        """
        first = decided[0][0].queued
        kinds = {kind: pairs for kind in ReportKind if (pairs := reported(decided, kind))}
        if not kinds:
            return []
        if not first.reverse_path:
            log.info("outbound.report_without_sender", queue_id=first.queue_id, kinds=[kind.value for kind in kinds])
            return []
        return [await self._made(kind, pairs) for kind, pairs in kinds.items()]

    async def _made(self, kind: ReportKind, pairs: Sequence[Decided]) -> tuple[str, Event]:
        queued = pairs[0][0].queued
        report = self._ids.new(IdKind.QUEUE)
        message_id, author = f"{report}@{self._host}", f"MAILER-DAEMON@{self._host}"
        original = await self._original(pairs[0][0])
        fates = tuple(_fate(entry, event, kind) for entry, event in pairs)
        data = build(original, fates, Reporter(self._host, self._clock.now(), message_id, f"mailfold-{report}"))
        blob, size = await self._stored(data)
        return report, OutboundReportMade(
            report,
            queued.queue_id,
            kind.value,
            tuple(entry.id for entry, _ in pairs),
            queued.reverse_path,
            author,
            "Undelivered Mail Returned to Sender",
            message_id,
            blob,
            size,
            eight_bit=not data.isascii(),
            require_tls=queued.require_tls,
        )

    async def _stored(self, data: bytes) -> tuple[str, int]:
        scanner = Scanner()
        scanner.feed(data)
        with self._blobs.writer() as writer:
            writer.write(data)
            reference = await writer.commit(encode_scan(await finished(scanner)))
        report_failure(scanner, reference.id)
        return str(reference.id), reference.size

    async def _original(self, entry: QueueEntry) -> Original:
        """The mail that the report is about; without header and body when its blob cannot be read."""
        queued = entry.queued
        header, body = b"", b""
        try:
            blob = await self._blobs.read(BlobId(queued.blob))
            end = (await scan_of(self._blobs, blob)).header_end
            header = queued.prefix + blob.read(0, end)
            if queued.ret.upper() == "FULL" and blob.body_size <= _FULL and not queued.require_tls:
                body = blob.read(end, blob.body_size)
        except BlobError as error:
            log.warning("outbound.original_unreadable", queue_id=queued.queue_id, error=str(error))
        header = header.rstrip(b"\r\n") + b"\r\n"
        return Original(queued.queue_id, queued.reverse_path, entry.at, header, body, queued.envid)


def _fate(entry: QueueEntry, event: Event, kind: ReportKind) -> Undelivered:
    status = getattr(event, "status", "2.0.0")
    reason = getattr(event, "reason", "the next server does not report on delivery")
    return Undelivered(entry.queued.forward_path, status, reason, kind.value, entry.queued.orcpt)
