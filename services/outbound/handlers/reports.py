"""Writes the notifications for the senders of mail: one for each mail and kind, stored before its event is appended."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import structlog

from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.reported import REPORT_KINDS, EntryDecision, decisions_to_report
from services.outbound.domain.schedule import RetrySchedule
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.events.outbound import OutboundQueued, OutboundReportFailed, OutboundReportMade
from shared.eventstore.event import Event
from shared.ids import IdKind, Ids
from shared.owner.addressees import AddresseeOf
from shared.protocol.dsn.action import DsnAction
from shared.protocol.dsn.content import Original, RecipientReport, Reporter
from shared.protocol.dsn.for_people import subject_of
from shared.protocol.dsn.report import MOST_RECIPIENTS, build
from shared.protocol.dsn.returned import RETURNED_MESSAGE
from shared.protocol.languages.addressee import Addressee
from shared.protocol.smtp.codes import POSTMASTER
from shared.scans import scan_of, store_message

log = structlog.get_logger("outbound")
_ERROR = 300
"""Characters of an error that an event keeps."""
_REPLY = re.compile(r"[2-5][0-9]{2} ")


class Reports:
    """Writes delivery status notifications (RFC 3464)."""

    def __init__(
        self,
        blobs: Blobs,
        schedule: RetrySchedule,
        clock: Clock,
        ids: Ids,
        host: str,
        addressee_of: AddresseeOf,
    ) -> None:
        self._blobs = blobs
        self._schedule = schedule
        self._clock = clock
        self._ids = ids
        self._host = host
        self._addressee_of = addressee_of

    async def about(self, decisions: Sequence[EntryDecision]) -> list[tuple[str, Event]]:
        """The events of the notifications about these decisions, each with its stream; all are of one mail.

        Mail with the null reverse-path has none: there is nobody to notify (RFC 5321 §6.1).
        """
        first = decisions[0][0].queued
        kinds = {kind: pairs for kind in REPORT_KINDS if (pairs := decisions_to_report(decisions, kind))}
        if not kinds:
            return []
        if not first.reverse_path:
            log.info("outbound.report_without_sender", queue_id=first.queue_id, kinds=[kind.value for kind in kinds])
            return []
        return [
            await self._written(kind, pairs[start : start + MOST_RECIPIENTS])
            for kind, pairs in kinds.items()
            for start in range(0, len(pairs), MOST_RECIPIENTS)
        ]

    async def _written(self, kind: DsnAction, pairs: Sequence[EntryDecision]) -> tuple[str, Event]:
        """The event of a notification, or of its failure.

        An unforeseen error must not keep the outcome of an attempt from being recorded: the notification is made once
        more without the content of the mail, and is given up after that. Raises BlobError.
        """
        queued, report = pairs[0][0].queued, self._ids.new(IdKind.QUEUE)
        try:
            return report, await self._write(report, kind, pairs, await self._original(pairs[0][0]))
        except BlobError:
            raise
        except Exception:
            log.exception("outbound.report_without_content", queue_id=queued.queue_id, report=report)
        try:
            return report, await self._write(report, kind, pairs, _without_content(pairs[0][0]))
        except BlobError:
            raise
        except Exception as error:
            log.exception("outbound.report_failed", queue_id=queued.queue_id, report=report)
            entries, reason = tuple(entry.id for entry, _ in pairs), repr(error)[:_ERROR]
            return report, OutboundReportFailed(
                report, queued.queue_id, kind.value, entries, queued.reverse_path, reason
            )

    async def _write(
        self, report: str, kind: DsnAction, pairs: Sequence[EntryDecision], original: Original
    ) -> OutboundReportMade:
        queued = pairs[0][0].queued
        author = f"{POSTMASTER}@{queued.sending_domain or self._host}"
        reporter = Reporter(self._host, author, self._clock.now(), f"{report}@{self._host}", f"mailfold-{report}")
        entries = tuple(self._reported(entry, event, kind) for entry, event in pairs)
        to = await self._addressee(queued)
        data = build(original, entries, reporter, to)
        reference = await store_message(self._blobs, data)
        return OutboundReportMade(
            report,
            queued.queue_id,
            kind.value,
            tuple(entry.id for entry, _ in pairs),
            queued.reverse_path,
            author,
            subject_of(kind, to.language),
            reporter.message_id,
            str(reference.id),
            reference.size,
            eight_bit=not data.isascii(),
            require_tls=queued.require_tls,
        )

    async def _addressee(self, queued: OutboundQueued) -> Addressee:
        """Who reads the report. What our users submitted has a sender here; the others are not asked for."""
        return await self._addressee_of(queued.reverse_path) if queued.account else Addressee(queued.reverse_path)

    async def _original(self, entry: QueueEntry) -> Original:
        """The mail that the report is about; without header and body when its blob cannot be read."""
        queued = entry.queued
        header, body, subject = b"", b"", ""
        try:
            blob = await self._blobs.read(BlobId(queued.blob))
            scan = await scan_of(self._blobs, blob)
            subject = scan.subject
            if not queued.require_tls:  # the report leaves without REQUIRETLS, so it has no header (RFC 8689 §5)
                header = queued.prefix + blob.read(0, scan.header_end)
            if queued.ret.upper() == "FULL" and blob.body_size <= RETURNED_MESSAGE:
                body = blob.read(scan.header_end, blob.body_size)
        except BlobError as error:
            log.warning("outbound.original_unreadable", queue_id=queued.queue_id, error=str(error))
        return msgspec.structs.replace(_without_content(entry), header=header, body=body, subject=subject)

    def _reported(self, entry: QueueEntry, event: Event, kind: DsnAction) -> RecipientReport:
        """What the report says of one recipient: the remote's own words, and who said them.

        The reply in the attempt may be about another recipient of the same transaction; the reason is this one's.
        """
        attempt = getattr(event, "attempt", None)
        last = attempt.hosts[-1] if attempt is not None and attempt.hosts else None
        reason = getattr(event, "reason", "")
        return RecipientReport(
            entry.queued.forward_path,
            getattr(event, "status", "2.0.0"),
            reason or "the next server does not report on delivery",
            kind,
            entry.queued.orcpt,
            last.host if last is not None else "",
            reason if last is not None and _REPLY.match(reason) else "",
            attempt.at if attempt is not None else None,
            self._schedule.expires_at(entry.since) if kind is DsnAction.DELAYED else None,
        )


def _without_content(entry: QueueEntry) -> Original:
    """The mail that the report is about, without header, body and subject."""
    queued = entry.queued
    return Original(
        queued.queue_id,
        queued.reverse_path,
        entry.at,
        b"",
        envid=queued.envid,
        smtputf8=queued.smtputf8,
        content_withheld=queued.require_tls,
    )
