"""Receives a message: reads and cleans the header, then passes the body on piece by piece.

The body goes to the blob store, the scanner and the DKIM verifier.
"""

from __future__ import annotations

from collections.abc import Set

from services.ingress.domain.authorship import Authorship, authorship_of
from services.ingress.domain.header import is_overlong, without_blind, without_forged
from services.ingress.domain.header_block import HeaderBlock
from shared.blobs.errors import BlobError, BlobStoreFull
from shared.blobs.port import BlobRef, BlobWriter
from shared.protocol.message.scan import Scan, Scanner, encode_scan
from shared.protocol.smtp import replies
from shared.protocol.smtp.reply import Reply, with_cause
from shared.scans import finished, report_failure

_PIECE = 65536
"""Octets that are processed at a time."""


class Intake:
    """Holds at most the header and one piece.

    A failure is reported at the end of the message, because the client sends on until then.
    """

    def __init__(
        self,
        writer: BlobWriter,
        header_limit: int,
        authserv_ids: Set[str],
        *,
        submitted: bool = False,
        is_sent_on: bool = False,
    ) -> None:
        """`submitted` says that the message comes from a user and not from another server, and `is_sent_on` that
        copies of it leave this server again."""
        self._writer = writer
        self._scanner = Scanner()
        self._block: HeaderBlock | None = HeaderBlock(header_limit)
        self._header_limit = header_limit
        self._authserv_ids = authserv_ids
        self._submitted = submitted
        self._is_sent_on = is_sent_on
        self.header = b""
        """The header as received, with its blank line; empty until it is complete."""
        self.authorship: Authorship | None = None
        """The author and signatures of a received message, once its header is complete."""
        self.failure: Reply | None = None
        """Why the message cannot be accepted, as far as known."""

    def feed(self, data: bytes) -> None:
        """Take the next octets of the message. Never raises."""
        for start in range(0, len(data), _PIECE):
            if self.failure is None:
                self._feed(data[start : start + _PIECE] if len(data) > _PIECE else data)

    async def finish(self) -> Scan:
        """End the message; returns its scan."""
        if self._block is not None and self.failure is None:
            self._begin_body(self._block.rest(), b"")
        return await finished(self._scanner)

    async def commit(self, scan: Scan) -> BlobRef:
        """Make the cleaned message durable. Raises BlobError."""
        stored = await self._writer.commit(encode_scan(scan))
        report_failure(self._scanner, stored.id)
        return stored

    def abort(self) -> None:
        """Discard the message."""
        self._writer.abort()

    def _feed(self, piece: bytes) -> None:
        if self._block is None:
            self._body(piece)
            return
        complete = self._block.feed(piece)
        if complete is not None:
            self._begin_body(*complete)
        elif self._block.is_too_large:
            self.failure = replies.header_too_large(self._header_limit)

    def _begin_body(self, header: bytes, body: bytes) -> None:
        self._block = None
        self.header = header
        if is_overlong(header):
            self.failure = replies.too_many_header_fields()
            return
        clean = without_forged(header, self._authserv_ids)
        if self._submitted:
            clean = without_blind(clean)
        else:
            self.authorship = authorship_of(header, is_sent_on=self._is_sent_on)
        self._keep(clean + body)
        if self.authorship is not None and body:
            self.authorship.feed(body)

    def _body(self, piece: bytes) -> None:
        self._keep(piece)
        if self.authorship is not None:
            self.authorship.feed(piece)

    def _keep(self, octets: bytes) -> None:
        try:
            self._writer.write(octets)
        except BlobError as error:
            self.failure = refusal_of(error)
            return
        self._scanner.feed(octets)


def refusal_of(error: BlobError) -> Reply:
    """The refusal for an error of the blob store: 452 4.3.1 when the disk is full, else 451 4.3.0."""
    reply = replies.storage_full() if isinstance(error, BlobStoreFull) else replies.try_later()
    return with_cause(reply, str(error))
