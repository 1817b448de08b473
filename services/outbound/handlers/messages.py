"""Brings a message into the form that a server takes, and signs that form: what is signed is what is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.sending import RelayUse
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.protocol.dkim.profile import BOTH, UNSIGNED, SigningProfile
from shared.protocol.dkim.sign import hash_body, signatures
from shared.protocol.dkim.signing_key import SigningKey
from shared.protocol.message.outgoing.header import is_tls_optional
from shared.protocol.message.outgoing.message import FinalMessage, OutgoingMessage, PeerForms, Unsendable
from shared.scans import scan_of

_SMALL = 256 * 1024
"""Octets of a message that is formed and signed on the event loop; a larger one is handled in a thread."""


class SignedMessage(msgspec.Struct, frozen=True):
    """A message in its final form for a server."""

    signatures: bytes
    final: FinalMessage

    @property
    def size(self) -> int:
        """Its octets."""
        return len(self.signatures) + self.final.size

    def pieces(self) -> Iterator[bytes]:
        """Its octets in pieces; the header comes with the beginning of the body."""
        body = iter(self.final.body())
        yield self.signatures + self.final.header + next(body, b"")
        yield from body


class PreparedMessage:
    """A message of which the form for each server is made once."""

    def __init__(
        self,
        message: OutgoingMessage,
        size: int,
        keys: Sequence[SigningKey],
        profile: SigningProfile,
        now: int,
        *,
        is_tls_optional: bool = False,
    ) -> None:
        self._message = message
        self.size = size
        """Its octets as they are stored."""
        self._keys = keys
        self._profile = profile
        self._now = now
        self._forms: dict[PeerForms, SignedMessage | Unsendable] = {}
        self.is_tls_optional = is_tls_optional
        """Whether the sender wants the mail to be sent even where the destination's TLS is broken (RFC 8689 §5)."""

    async def form(self, peer: PeerForms) -> SignedMessage | Unsendable:
        """The message for a server that takes these forms, signed, or why it cannot be sent there."""
        if peer not in self._forms:
            in_thread = self.size > _SMALL
            self._forms[peer] = await asyncio.to_thread(self._make, peer) if in_thread else self._make(peer)
        return self._forms[peer]

    def _make(self, peer: PeerForms) -> SignedMessage | Unsendable:
        final = self._message.form(peer)
        if isinstance(final, Unsendable):
            return final
        if not self._keys or not self._profile.key_types:
            return SignedMessage(b"", final)
        return SignedMessage(self._sign(final.header, final.body()), final)

    def _sign(self, header: bytes, body: Iterable[bytes]) -> bytes:
        return signatures(header, hash_body(body), self._keys, self._now, self._profile)


class MessagePreparer:
    """Prepares messages from their blobs."""

    def __init__(self, blobs: Blobs, clock: Clock) -> None:
        self._blobs = blobs
        self._clock = clock

    async def prepare(self, mail: ReadyMail) -> PreparedMessage | RecipientOutcome:
        """The message of a mail, or why it cannot be read."""
        queued = mail.entries[0].queued
        try:
            blob = await self._blobs.read(BlobId(queued.blob))
            scan = await scan_of(self._blobs, blob)
        except BlobError as error:
            reason = f"the message cannot be read from the store: {error}"
            return RecipientOutcome(SendingResult.DEFERRED, "4.3.0", reason, Cause.OURS)
        header = queued.prefix + blob.read(0, scan.header_end)
        message = OutgoingMessage(header, scan, blob.iterate)
        keys, profile = mail.sending.keys, _profile(mail.sending.relay)
        now, is_optional = self._clock.now(), is_tls_optional(header)
        return PreparedMessage(message, blob.body_size, keys, profile, now, is_tls_optional=is_optional)


def _profile(relay: RelayUse | None) -> SigningProfile:
    """How a route wants messages signed: a relay may refuse two signatures, or write fields anew."""
    if relay is None:
        return BOTH
    omitted = frozenset(name.encode() for name in relay.unsigned_names)
    match relay.signatures:
        case "none":
            return UNSIGNED
        case "rsa":
            return SigningProfile(("rsa",), omitted)
        case _:
            return SigningProfile(BOTH.key_types, omitted)
