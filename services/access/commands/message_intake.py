"""Receives one message of an APPEND or REPLACE into the blob store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager

import structlog

from services.access.commands.append_room import AppendRoom, IntakeRefused
from services.access.commands.append_stream import AppendStream
from services.access.commands.url_octets import url_octets
from services.access.session.channel import SessionEnded
from services.access.session.refusals import blob_refusal, refusal_code
from services.access.session.session import ImapSession
from shared.blobs.errors import BlobError, BlobTooLarge
from shared.blobs.port import BlobRef, BlobWriter
from shared.grpc.errors import ServiceError
from shared.protocol.imap import response
from shared.protocol.imap.append_pieces import LiteralPart, MessageEnd, MessageStart, UrlPart
from shared.protocol.imap.dates import epoch_micros, minutes_east
from shared.protocol.imap.frame_event import AppendLiteral, LiteralChunk, LiteralEnd
from shared.protocol.imap.message_url import MAX_URL, InvalidUrl
from shared.protocol.imap.response_code import Code, badurl
from shared.protocol.message.scan import Scanner, encode_scan
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.scans import finished, report_failure

log = structlog.get_logger("access")
_PIECE = 65536
"""Octets that are scanned in one turn of the event loop."""


class PartLimit:
    """Counts the parts of all messages of one command."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts = 0

    def count(self) -> None:
        """Count a part. Raises IntakeRefused."""
        self._parts += 1
        if self._parts > self._most:
            raise IntakeRefused(f"The messages of one APPEND have at most {self._most} parts", Code.LIMIT)


class MessageIntake:
    """Receives one message, whole or in parts (RFC 4469).

    The memory it needs is bounded by the spool of the blob writer and one chunk.
    """

    def __init__(
        self, session: ImapSession, start: MessageStart, stream: AppendStream, room: AppendRoom, parts: PartLimit
    ) -> None:
        self._session = session
        self._start = start
        self._stream = stream
        self._room = room
        self._parts = parts
        self._scanner = Scanner()
        self._octets = 0

    async def take(self) -> tuple[pb.AppendMessage, BlobRef]:
        """Receive the message; returns it with its durable body. Raises IntakeRefused, SessionEnded."""
        backend = self._session.backend
        try:
            with ExitStack() as promises, backend.blobs.writer(backend.settings.append_limit) as writer:
                await self._take_parts(writer, promises)
                return await self._commit(writer)
        except BlobTooLarge as error:
            raise IntakeRefused(str(error), Code.TOOBIG) from error
        except BlobError as error:
            code, text = blob_refusal(error)
            raise IntakeRefused(text, code) from error

    async def _take_parts(self, writer: BlobWriter, promises: ExitStack) -> None:
        while not isinstance(piece := await self._stream.next(), MessageEnd):
            if self._start.is_catenated:
                self._parts.count()
            match piece:
                case LiteralPart(is_url=True):
                    await self._copy(await self._url(), writer, promises)
                case LiteralPart():
                    await self._receive(writer, promises)
                case UrlPart(url):
                    await self._copy(url, writer, promises)
                case _:
                    raise SessionEnded("Out of step")

    async def _receive(self, writer: BlobWriter, promises: ExitStack) -> None:
        """Receive a literal. A bare LF is kept; NUL is allowed only in a literal8 (RFC 3516 §4.4)."""
        announced = self._stream.literal
        self._promise(announced.size, promises)
        async for data in self._chunks(announced):
            if not announced.binary and b"\0" in data:
                raise IntakeRefused("NUL is not allowed in a message", condition="BAD")
            await self._write(data, writer)

    async def _copy(self, url: bytes, writer: BlobWriter, promises: ExitStack) -> None:
        """Copy the octets that a URL names. The whole APPEND fails when they cannot be read (RFC 4469 §5)."""
        with _as_refusals(url):
            piece = await url_octets(self._session, url)
            self._promise(piece.size, promises)
            for data in piece.pieces:
                await self._write(data, writer)

    async def _url(self) -> bytes:
        """A URL that is sent as a literal."""
        announced = self._stream.literal
        if announced.size > MAX_URL:
            raise IntakeRefused(f"A URL has at most {MAX_URL} octets", condition="BAD")
        return b"".join([data async for data in self._chunks(announced)])

    async def _chunks(self, announced: AppendLiteral) -> AsyncIterator[bytes]:
        channel = self._session.channel
        channel.framer.accept_literal()
        if announced.waiting:
            channel.write(response.continuation())
        while not isinstance(event := await channel.event(), LiteralEnd):
            if not isinstance(event, LiteralChunk):
                raise SessionEnded("Out of step")
            yield event.data

    def _promise(self, octets: int, promises: ExitStack) -> None:
        """Check that the message may have so many octets more, before they are sent. Raises IntakeRefused."""
        limit = self._session.backend.settings.append_limit
        self._octets += octets
        if self._octets > limit:
            raise IntakeRefused(f"A message has at most {limit} octets", Code.TOOBIG)  # RFC 4469, RFC 7889
        if not self._octets and not self._start.is_catenated:
            raise IntakeRefused("A message has at least one octet")
        self._room.check(self._octets)
        self._check_disk(octets)
        promises.enter_context(self._session.backend.room.promised(octets))

    def _check_disk(self, octets: int = 0) -> None:
        """Check the disk: below the reserve, the remaining space is for mail that is already accepted."""
        if shortage := self._session.backend.room.shortage(octets):
            log.warning("access.append_without_room", session=self._session.id, octets=octets, shortage=shortage)
            raise IntakeRefused("The server's disk is nearly full; try again later", Code.UNAVAILABLE)

    async def _write(self, data: bytes, writer: BlobWriter) -> None:
        writer.write(data)
        for start in range(0, len(data), _PIECE):
            self._scanner.feed(data[start : start + _PIECE])
            await self._session.backend.turns.spend(octets=min(len(data) - start, _PIECE))

    async def _commit(self, writer: BlobWriter) -> tuple[pb.AppendMessage, BlobRef]:
        if not self._octets:
            raise IntakeRefused("A message has at least one octet")
        self._check_disk()
        scanned = await finished(self._scanner)
        ref = await writer.commit(encode_scan(scanned))
        report_failure(self._scanner, ref.id)
        self._room.take(self._octets)
        date = self._start.internal_date
        message = pb.AppendMessage(
            blob=ref.id,
            size=ref.size,
            flags=self._start.flags,
            message_id=scanned.message_id,
            subject=scanned.subject,
            internal_date=epoch_micros(date) if date else self._session.backend.clock.now(),
            zone=minutes_east(date) if date else 0,
            references=scanned.references or scanned.in_reply_to[:1],
        )
        return message, ref


@contextmanager
def _as_refusals(url: bytes) -> Iterator[None]:
    """Raise IntakeRefused BADURL for a URL that names nothing, and other refusals for what cannot be read now."""
    try:
        yield
    except InvalidUrl as error:
        raise IntakeRefused(str(error), badurl(url)) from error
    except ServiceError as error:
        raise IntakeRefused(error.message, refusal_code(error) or b"") from error
