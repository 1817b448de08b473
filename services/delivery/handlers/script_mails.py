"""The mails that scripts generate: built once, stored, recorded in a step, and handed over to the ingress by it."""

from __future__ import annotations

import asyncio

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.plan import StepAction
from shared.blobs.blob_id import BlobId
from shared.blobs.port import Blob, Blobs
from shared.clock import Clock
from shared.events.delivery import Step
from shared.grpc.channel import Channel
from shared.ids import IdKind, Ids
from shared.owner.addressees import AddresseeOf
from shared.protocol.automatic.mail import Identity
from shared.protocol.languages.addressee import Addressee
from shared.protocol.sieve.mail.header import MOST_HEADER_OCTETS, SieveHeader, parse_block
from shared.rpc.mailfold.ingress.v1.ingress_pb2 import SubmitReportRequest
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub
from shared.scans import scan_of, store_message

_AT_ONCE = 1 << 15
"""Octets of a header that are parsed on the event loop."""


class ScriptMails:
    """Stores and hands over. Every method raises BlobError or ServiceError when it must be tried again later."""

    def __init__(
        self, blobs: Blobs, ingress: Channel, addressee_of: AddresseeOf, clock: Clock, ids: Ids, host: str
    ) -> None:
        self._blobs = blobs
        self._ingress = IngressStub(ingress)
        self._addressee_of = addressee_of
        self._clock = clock
        self._ids = ids
        self.host = host

    async def header_block(self, mail: AcceptedMail) -> bytes:
        """The header of the mail as it was received, up to the octets that are examined."""
        return await self._header_block(await self._blobs.read(BlobId(mail.message.blob)))

    async def header(self, mail: AcceptedMail) -> SieveHeader:
        """The fields of the mail as it was received."""
        block = await self.header_block(mail)
        return parse_block(block) if len(block) <= _AT_ONCE else await asyncio.to_thread(parse_block, block)

    async def addressee(self, address: str) -> Addressee:
        """The user who gets mail to an address; only the address for others."""
        return await self._addressee_of(address)

    @property
    def now(self) -> int:
        """The present time in UTC microseconds."""
        return self._clock.now()

    def new_identity(self, writer: Addressee) -> tuple[str, Identity]:
        """The queue id of a new mail, with its Message-ID and its date in the zone of who writes it."""
        queue_id = self._ids.new(IdKind.QUEUE)
        return queue_id, Identity(f"{queue_id}@{self.host}", writer.date(self._clock.now()))

    async def step(
        self, data: bytes, queue_id: str, recipient: str, action: StepAction, account: str, to: str, rule: str
    ) -> Step:
        """The step that hands over a mail to an address; its message is stored."""
        reference = await store_message(self._blobs, data)
        return Step(
            recipient,
            0,
            action,
            account=account,
            address=to,
            blob=reference.id,
            size=reference.size,
            message_id=f"{queue_id}@{self.host}",
            generated=queue_id,
            rule=rule,
        )

    async def hand_over(self, step: Step) -> None:
        """Hand over the mail of a step with the null reverse-path. A repeat changes nothing."""
        blob = await self._blobs.read(BlobId(step.blob))
        block = await self._header_block(blob)
        authors = parse_block(block[:_AT_ONCE]).address_parts(b"from", "full")
        is_ascii = is_ascii_body(blob) if step.size <= _AT_ONCE else await asyncio.to_thread(is_ascii_body, blob)
        await self._ingress.SubmitReport(
            SubmitReportRequest(
                queue_id=step.generated,
                to=step.address,
                author=authors[0].decode("utf-8", "replace") if authors else "",
                subject=step.subject,
                message_id=step.message_id,
                blob=step.blob,
                size=step.size,
                prefix=step.prefix,
                eight_bit=not is_ascii,
                smtputf8=not (block.isascii() and step.address.isascii()),
            )
        )

    async def _header_block(self, blob: Blob) -> bytes:
        end = (await scan_of(self._blobs, blob)).header_end
        return blob.read(0, min(end, MOST_HEADER_OCTETS))


def is_ascii_body(blob: Blob) -> bool:
    """Whether a message has no octets above 127; it reads the whole message."""
    return all(bytes(piece).isascii() for piece in blob.iterate(0, blob.body_size))
