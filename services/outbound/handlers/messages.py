"""Brings a message into the form that a server takes, and signs that form: what is signed is what is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from services.outbound.domain.handled_signature import HandledSignature, handled
from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.sending import RelayUse
from services.outbound.handlers.mail_signatures import MailSignatures
from services.outbound.handlers.sealing import NO_KEYS, SealedForms, Sealer
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.events.signatures import ChosenSignature
from shared.grpc.errors import ServiceError
from shared.protocol.dkim.profile import BOTH, UNSIGNED, SigningProfile
from shared.protocol.dkim.sign import hash_body, signatures
from shared.protocol.dkim.signing_key import SigningKey
from shared.protocol.message.mail_signature.outcome import PlacedSignature
from shared.protocol.message.outgoing.header import is_tls_optional
from shared.protocol.message.outgoing.message import FinalMessage, OutgoingMessage, PeerForms, Unsendable
from shared.protocol.message.outgoing.segments import Ranges
from shared.protocol.message.scan import Scan
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
        signature: HandledSignature | None = None,
        sealer: Sealer | None = None,
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
        self.signature = signature
        """What became of the mail signature; None when none was chosen."""
        self._sealer = sealer
        self.seal = ""
        """The ARC set of the last form, or why it has none; empty while there is no form that needs a set."""

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
            self.seal = NO_KEYS if self._sealer is not None else ""
            return SignedMessage(b"", final)
        if self._sealer is not None:
            sealed = self._sealer.sealed(peer, final, self._keys, self._profile, self._now)
            self.seal = sealed.text
            return SignedMessage(sealed.fields, final)
        return SignedMessage(self._sign(final.header, final.body()), final)

    def _sign(self, header: bytes, body: Iterable[bytes]) -> bytes:
        return signatures(header, hash_body(body), self._keys, self._now, self._profile)


class MessagePreparer:
    """Prepares messages from their blobs."""

    def __init__(self, blobs: Blobs, clock: Clock, signatures: MailSignatures, hostname: str) -> None:
        self._blobs = blobs
        self._hostname = hostname
        self._sealed = SealedForms()
        self._clock = clock
        self._signatures = signatures

    async def prepare(self, mail: ReadyMail) -> PreparedMessage | RecipientOutcome:
        """The message of a mail, or why it cannot be read."""
        queued = mail.entries[0].queued
        try:
            blob = await self._blobs.read(BlobId(queued.blob))
            scan = await scan_of(self._blobs, blob)
            header = queued.prefix + blob.read(0, scan.header_end)
            message, signature = await self._signed(queued.signature, header, scan, blob.iterate)
        except BlobError as error:
            return _deferred(f"the message cannot be read from the store: {error}")
        except ServiceError as error:
            return _deferred(f"the mail signature cannot be read: {error}")
        keys, profile = mail.sending.keys, _profile(mail.sending.relay)
        now, is_optional = self._clock.now(), is_tls_optional(header)
        return PreparedMessage(
            message,
            blob.body_size,
            keys,
            profile,
            now,
            is_tls_optional=is_optional,
            signature=signature,
            sealer=Sealer(queued, self._hostname, self._sealed) if queued.seals is not None else None,
        )

    async def _signed(
        self, chosen: ChosenSignature | None, header: bytes, scan: Scan, read: Ranges
    ) -> tuple[OutgoingMessage, HandledSignature | None]:
        """The message with the mail signature that was chosen, if it can have one, and what became of that."""
        if chosen is None:
            return OutgoingMessage(header, scan, read), None
        outcome = await self._signatures.place(chosen, header, scan, read)
        if isinstance(outcome, PlacedSignature):
            return OutgoingMessage(outcome.header, outcome.scan, outcome.read), handled(outcome)
        return OutgoingMessage(header, scan, read), handled(outcome)


def _deferred(reason: str) -> RecipientOutcome:
    return RecipientOutcome(SendingResult.DEFERRED, "4.3.0", reason, Cause.OURS)


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
