"""Receives one message of an APPEND into the blob store."""

from __future__ import annotations

from typing import Literal

import structlog

from services.access.session.channel import SessionEnded
from services.access.session.refusals import blob_refusal
from services.access.session.session import ImapSession
from shared.blobs.errors import BlobError, BlobTooLarge
from shared.blobs.port import BlobRef, BlobWriter
from shared.protocol.imap import response
from shared.protocol.imap.commands import AppendMessage
from shared.protocol.imap.dates import epoch_micros, minutes_east
from shared.protocol.imap.frame_event import AppendLiteral, LiteralChunk, LiteralEnd
from shared.protocol.imap.response_code import Code, ResponseCode
from shared.protocol.message.scan import Scanner, encode_scan
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.scans import finished, report_failure

log = structlog.get_logger("access")
_PIECE = 65536
"""Octets that are scanned in one turn of the event loop."""


class IntakeRefused(Exception):
    """A message is refused, and with it the whole APPEND."""

    def __init__(self, text: str, code: ResponseCode = b"", condition: Literal["NO", "BAD"] = "NO") -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.condition: Literal["NO", "BAD"] = condition


class AppendIntake:
    """Receives one announced message.

    The memory it needs is bounded by the spool of the blob writer and one chunk.
    """

    def __init__(self, session: ImapSession, options: AppendMessage) -> None:
        self._session = session
        self._options = options
        self._scanner = Scanner()

    async def take(self, announced: AppendLiteral) -> tuple[pb.AppendMessage, BlobRef]:
        """Receive the message; returns it with its durable body. Raises IntakeRefused, SessionEnded."""
        backend = self._session.backend
        self._check(announced.size)
        channel = self._session.channel
        channel.framer.accept_literal()
        if announced.waiting:
            channel.write(response.continuation())
        try:
            with backend.room.promised(announced.size), backend.blobs.writer(backend.settings.append_limit) as writer:
                await self._read(writer, allow_nul=announced.binary)
                return await self._commit(writer)
        except BlobTooLarge as error:
            raise IntakeRefused(str(error), Code.TOOBIG) from error
        except BlobError as error:
            code, text = blob_refusal(error)
            raise IntakeRefused(text, code) from error

    def _check(self, octets: int) -> None:
        limit = self._session.backend.settings.append_limit
        if octets > limit:
            raise IntakeRefused(f"A message has at most {limit} octets", Code.TOOBIG)  # RFC 4469, RFC 7889
        if not octets:
            raise IntakeRefused("A message has at least one octet")
        self._check_disk(octets)

    def _check_disk(self, octets: int = 0) -> None:
        """Check the disk: below the reserve, the remaining space is for mail that is already accepted."""
        if shortage := self._session.backend.room.shortage(octets):
            log.warning("access.append_without_room", session=self._session.id, octets=octets, shortage=shortage)
            raise IntakeRefused("The server's disk is nearly full; try again later", Code.UNAVAILABLE)

    async def _read(self, writer: BlobWriter, *, allow_nul: bool) -> None:
        """Write the message to the blob. A bare LF is kept; NUL is allowed only in a literal8 (RFC 3516 §4.4)."""
        channel = self._session.channel
        while not isinstance(event := await channel.event(), LiteralEnd):
            if not isinstance(event, LiteralChunk):
                raise SessionEnded("Out of step")
            if not allow_nul and b"\0" in event.data:
                raise IntakeRefused("NUL is not allowed in a message", condition="BAD")
            writer.write(event.data)
            await self._scan(event.data)

    async def _scan(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE):
            self._scanner.feed(data[start : start + _PIECE])
            await self._session.backend.turns.spend(octets=min(len(data) - start, _PIECE))

    async def _commit(self, writer: BlobWriter) -> tuple[pb.AppendMessage, BlobRef]:
        self._check_disk()
        scanned = await finished(self._scanner)
        ref = await writer.commit(encode_scan(scanned))
        report_failure(self._scanner, ref.id)
        date = self._options.internal_date
        message = pb.AppendMessage(
            blob=ref.id,
            size=ref.size,
            flags=self._options.flags,
            message_id=scanned.message_id,
            subject=scanned.subject,
            internal_date=epoch_micros(date) if date else self._session.backend.clock.now(),
            zone=minutes_east(date) if date else 0,
            references=scanned.references or scanned.in_reply_to[:1],
        )
        return message, ref
