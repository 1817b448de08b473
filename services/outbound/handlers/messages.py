"""Brings a message into the form in which it is sent, and signs that form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult
from services.outbound.domain.ready import ReadyMail
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blob, Blobs
from shared.clock import Clock


@dataclass(frozen=True, slots=True)
class PreparedMessage:
    """A message ready to be sent: what is signed is what is sent."""

    head: bytes
    """Signatures and header fields, before the rest of the blob."""
    blob: Blob
    start: int
    size: int
    eight_bit: bool = False
    binary: bool = False
    smtputf8: bool = False

    def pieces(self) -> Iterable[bytes]:
        """The octets in order, in pieces."""
        return self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        yield self.head
        yield from self.blob.iterate(self.start, self.blob.body_size)


class MessagePreparer:
    """Prepares messages from their blobs."""

    def __init__(self, blobs: Blobs, clock: Clock) -> None:
        self._blobs = blobs
        self._clock = clock

    async def prepare(self, mail: ReadyMail) -> PreparedMessage | RecipientOutcome:
        """The message in its final form, or why it cannot be sent."""
        queued = mail.entries[0].queued
        try:
            blob = await self._blobs.read(BlobId(queued.blob))
        except BlobError as error:
            return RecipientOutcome(
                SendingResult.DEFERRED, "4.3.0", f"the message cannot be read from the store: {error}", Cause.OURS
            )
        size = len(queued.prefix) + blob.body_size
        return PreparedMessage(queued.prefix, blob, 0, size, queued.eight_bit, smtputf8=queued.smtputf8)
