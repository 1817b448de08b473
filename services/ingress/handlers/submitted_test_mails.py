"""Writes and accepts the test mails of an operator."""

from __future__ import annotations

from services.ingress.adapters.directory import FollowedDirectory
from services.ingress.domain.test_mail import SUBJECT, test_mail_text
from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.repeater import Repeater
from shared.blobs.errors import BlobError
from shared.blobs.port import BlobRef, Blobs
from shared.clock import Clock
from shared.events.mail import Client, MailSubmitted, Message, Recipient
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Provenance
from shared.grpc.errors import Invalid, Unavailable
from shared.ids import IdKind, Ids
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError
from shared.routing.resolution import ResolutionKind
from shared.scans import store_message

_OURS = (ResolutionKind.ACCOUNTS, ResolutionKind.OUTGOING_ONLY)


class SubmittedTestMails:
    """Accepts a test mail as a reception, so that it is handled like the mail of a user.

    It counts for no account. Its sender is an address of this server, so that nobody writes in the name of others.
    """

    def __init__(
        self,
        hostname: str,
        clock: Clock,
        ids: Ids,
        blobs: Blobs,
        directory: FollowedDirectory,
        receptions: Receptions,
        repeater: Repeater,
    ) -> None:
        self._hostname = hostname
        self._clock = clock
        self._ids = ids
        self._blobs = blobs
        self._directory = directory
        self._receptions = receptions
        self._repeater = repeater

    async def accept(self, sender: str, recipient: str, provenance: Provenance) -> MailSubmitted:
        """Write and accept a test mail. Raises Invalid, Unavailable, StoreUnavailable."""
        from_, to = _address(sender), _address(recipient)
        kind = await self._directory.kind(from_)
        if kind not in _OURS:
            raise Invalid(f"{from_} is not an address of this server ({kind}); a test mail is sent from one of yours")
        queue_id = self._ids.new(IdKind.QUEUE)
        data = test_mail_text(from_, to, f"{queue_id}@{self._hostname}", self._hostname, self._clock.now())
        blob = await self._stored(data)
        event = _event(queue_id, from_, to, blob, f"{queue_id}@{self._hostname}", eight_bit=not data.isascii())
        await self._record(event, blob, provenance)
        return event

    async def _stored(self, data: bytes) -> BlobRef:
        try:
            return await store_message(self._blobs, data)
        except BlobError as error:
            raise Unavailable(f"the mail cannot be stored: {error}") from error

    async def _record(self, event: MailSubmitted, blob: BlobRef, provenance: Provenance) -> None:
        of_mail = Provenance(provenance.actor, provenance.cause, event.queue_id)
        try:
            recorded = await self._receptions.accept(event, of_mail)
        except StoreUnavailable as error:
            if not error.in_doubt:
                await self._blobs.take_back(blob)
            raise
        self._repeater.accepted(recorded, event.queue_id)


def _event(
    queue_id: str, sender: Address, recipient: Address, blob: BlobRef, message_id: str, *, eight_bit: bool
) -> MailSubmitted:
    smtputf8 = not (sender.is_ascii and recipient.is_ascii)
    message = Message(
        str(blob.id), blob.size, b"", message_id, SUBJECT, str(sender), eight_bit=eight_bit, smtputf8=smtputf8
    )
    client = Client("", listener="test-mail")
    return MailSubmitted(queue_id, str(sender), (Recipient(str(recipient)),), message, client, user="", account="")


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except AddressError as error:
        raise Invalid(f"{text[:200]!a} is not an address: {error}") from error
