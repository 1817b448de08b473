"""A message while it comes in: header read and cleaned, body to the blob store, the scanner and the DKIM verifier,
piece by piece.
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
"""Octets worked on at a time."""


class Intake:
    """Holds at most the header and one piece. Why it fails is said at the end of the message: until then the client
    sends on anyway."""

    def __init__(
        self, writer: BlobWriter, header_limit: int, authserv_ids: Set[str], *, submitted: bool = False
    ) -> None:
        """`submitted`: the message is a user's, not another server's."""
        self._writer = writer
        self._scanner = Scanner()
        self._block: HeaderBlock | None = HeaderBlock(header_limit)
        self._header_limit = header_limit
        self._authserv_ids = authserv_ids
        self._submitted = submitted
        self.header = b""
        """As received, its blank line included; empty until it is complete."""
        self.authorship: Authorship | None = None
        """Of a received message, once its header is complete."""
        self.failure: Reply | None = None
        """Why the message cannot be accepted, as far as is known."""

    def feed(self, data: bytes) -> None:
        """The next octets of the message. Never raises."""
        for start in range(0, len(data), _PIECE):
            if self.failure is None:
                self._feed(data[start : start + _PIECE] if len(data) > _PIECE else data)

    async def finish(self) -> Scan:
        """The message is complete: its scan."""
        if self._block is not None and self.failure is None:
            self._begin_body(self._block.rest(), b"")
        return await finished(self._scanner)

    async def commit(self, scan: Scan) -> BlobRef:
        """Make the cleaned message durable. Raises BlobError."""
        stored = await self._writer.commit(encode_scan(scan))
        report_failure(self._scanner, stored.id)
        return stored

    def abort(self) -> None:
        """Forget it."""
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
            self.authorship = authorship_of(header)
        self._keep(clean + body)
        if self.authorship is not None and body:
            self.authorship.verifier.feed(body)

    def _body(self, piece: bytes) -> None:
        self._keep(piece)
        if self.authorship is not None:
            self.authorship.verifier.feed(piece)

    def _keep(self, octets: bytes) -> None:
        try:
            self._writer.write(octets)
        except BlobError as error:
            self.failure = refusal_of(error)
            return
        self._scanner.feed(octets)


def refusal_of(error: BlobError) -> Reply:
    """452 4.3.1 when the disk is full, else 451 4.3.0."""
    reply = replies.storage_full() if isinstance(error, BlobStoreFull) else replies.try_later()
    return with_cause(reply, str(error))
