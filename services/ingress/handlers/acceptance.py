"""The end of DATA: the last checks, the body and the fact made durable, the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from services.ingress.adapters.directory import FollowedDirectory
from services.ingress.domain.claims import UnclearClaim, claimed_addresses
from services.ingress.domain.client import SmtpClient
from services.ingress.domain.envelope import recipient
from services.ingress.domain.prefix import completion, moment
from services.ingress.handlers.checks import SenderChecks, SpfAnswer
from services.ingress.handlers.intake import Intake, refusal_of
from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.repeater import Repeater
from shared.blobs.errors import BlobError
from shared.blobs.port import BlobRef
from shared.clock import Clock
from shared.events.limits import LARGEST_RECEPTION
from shared.events.mail import Check, MailReceived, MailSubmitted, Message
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Provenance, encode
from shared.grpc.errors import ServiceError
from shared.ids import Ids, Kind
from shared.protocol.message.scan import Scan
from shared.protocol.smtp import replies
from shared.protocol.smtp.body import BodyFlags
from shared.protocol.smtp.reply import Reply, with_cause
from shared.protocol.smtp.trace_header import Hop, received
from shared.protocol.smtp.transaction import Transaction

_SUBJECT = 1000
_MESSAGE_ID = 998
_REFERENCES = 50
_REFERENCES_ROOM = 16 * 1024
"""Octets, as JSON."""
_BLOB_ID = 128
"""Octets of the blob's id, which the event does not have yet when it is measured."""


@dataclass(slots=True)
class Arrived:
    """A complete message, before it is accepted or refused."""

    client: SmtpClient
    transaction: Transaction
    flags: BodyFlags
    intake: Intake
    spf: SpfAnswer | None
    is_gone: Callable[[], bool]
    """Whether the client has left and so will send it again."""


class Acceptance:
    """Takes responsibility for messages, or says why not."""

    def __init__(
        self,
        hostname: str,
        clock: Clock,
        ids: Ids,
        checks: SenderChecks,
        directory: FollowedDirectory,
        receptions: Receptions,
        repeater: Repeater,
        max_hops: int,
    ) -> None:
        self._hostname = hostname
        self._clock = clock
        self._ids = ids
        self._checks = checks
        self._directory = directory
        self._receptions = receptions
        self._repeater = repeater
        self._max_hops = max_hops
        self.count = 0
        """Messages accepted since the start."""

    async def accept(self, arrived: Arrived) -> Reply:
        """The answer to the end of a message. A positive one comes after the commit that makes it true."""
        try:
            return await self._accept(arrived)
        except BlobError as error:
            return refusal_of(error)
        except StoreUnavailable as error:
            return with_cause(replies.try_later(), f"event store: {error}")
        except ServiceError as error:
            return with_cause(replies.try_later(), f"directory: {error}")
        finally:
            arrived.intake.abort()

    async def _accept(self, arrived: Arrived) -> Reply:
        intake = arrived.intake
        scan = await intake.finish()
        refusal = intake.failure or self._loop(intake) or await self._author(arrived)
        if refusal is not None:
            return refusal
        queue_id = self._ids.new(Kind.QUEUE)
        hop = self._hop(arrived, queue_id)
        event = await (
            self._submitted(arrived, scan, hop)
            if arrived.client.is_authenticated
            else self._received(arrived, scan, hop)
        )
        if arrived.is_gone():
            return with_cause(replies.try_later(), "the client left before the message was accepted")
        octets = len(encode(event)) + _BLOB_ID
        if octets > LARGEST_RECEPTION:  # the bus would refuse it, so nobody would ever be told of the mail
            return with_cause(replies.event_too_large(), f"{octets} octets of {LARGEST_RECEPTION}")
        blob = await intake.commit(scan)
        event = msgspec.structs.replace(event, message=_at(event.message, blob))
        recorded = await self._receptions.accept(event, Provenance(arrived.client.actor(), correlation=queue_id))
        self.count += 1
        self._repeater.accepted(recorded, queue_id)
        return replies.message_accepted(queue_id)

    def _loop(self, intake: Intake) -> Reply | None:
        """RFC 5321 section 6.3."""
        hops = intake.hops
        return with_cause(replies.routing_loop(), f"{hops} Received fields") if hops > self._max_hops else None

    async def _author(self, arrived: Arrived) -> Reply | None:
        """A user's message names no other people as its author or sender (A12), while the log-in is valid."""
        if not arrived.client.is_authenticated:
            return None
        ended = self._directory.ended(arrived.client.log_in)
        if ended is not None:
            return replies.log_in_ended(ended)
        try:
            addresses = claimed_addresses(arrived.intake.header)
        except UnclearClaim as error:
            return with_cause(replies.header_malformed(), str(error))
        refused = await self._directory.not_owned(arrived.client.user, addresses) if addresses else []
        return with_cause(_not_author(), f"not the user's: {', '.join(refused)[:500]}") if refused else None

    def _hop(self, arrived: Arrived, queue_id: str) -> Hop:
        transaction = arrived.transaction
        only = transaction.recipients[0].forward_path if len(transaction.recipients) == 1 else None
        smtputf8 = transaction.mail.smtputf8
        if only is not None and not smtputf8 and not only.is_ascii:
            only = None
        return arrived.client.hop(
            self._hostname, queue_id, moment(self._clock.now()), smtputf8=smtputf8, recipient=only
        )

    async def _received(self, arrived: Arrived, scan: Scan, hop: Hop) -> MailReceived:
        mail = arrived.transaction.mail
        assert arrived.spf is not None
        verdicts = await self._checks.verdicts(
            arrived.client, mail.reverse_path, arrived.intake, arrived.spf, scan.message_id
        )
        return MailReceived(
            hop.queue_id,
            str(mail.reverse_path or ""),
            tuple(map(recipient, arrived.transaction.recipients)),
            _message(scan, arrived, received(hop) + verdicts.field),
            arrived.client.as_event(hop),
            mail.ret.value if mail.ret else "",
            mail.envid or "",
            verdicts.checks,
        )

    async def _submitted(self, arrived: Arrived, scan: Scan, hop: Hop) -> MailSubmitted:
        client, mail = arrived.client, arrived.transaction.mail
        author = mail.reverse_path or client.account_address
        added = completion(arrived.intake.header, hop.queue_id, self._hostname, author, self._clock.now())
        return MailSubmitted(
            hop.queue_id,
            str(mail.reverse_path or ""),
            tuple(map(recipient, arrived.transaction.recipients)),
            _message(scan, arrived, received(hop) + added, f"{hop.queue_id}@{self._hostname}", str(author)),
            client.as_event(hop),
            client.user,
            client.account,
            mail.ret.value if mail.ret else "",
            mail.envid or "",
            (Check("sender", "pass", {"user": client.user}),),
        )


def _not_author() -> Reply:
    """RFC 5321 section 4.3.2: the end of a message is refused for policy with 550."""
    return msgspec.structs.replace(replies.sender_not_owned(), code=550)


def _message(scan: Scan, arrived: Arrived, prefix: bytes, message_id: str = "", author: str = "") -> Message:
    """What the fact keeps of the message. `message_id` and `author` are those we give it when it has none."""
    author = scan.from_[0][1] if scan.from_ else author
    return Message(
        "",
        scan.size,
        prefix,
        (scan.message_id or message_id)[:_MESSAGE_ID],
        scan.subject[:_SUBJECT],
        author[:_MESSAGE_ID],
        _references(scan),
        arrived.flags.eight_bit,
        arrived.transaction.mail.smtputf8,
    )


def _references(scan: Scan) -> tuple[str, ...]:
    """The newest of those that the message refers to, as many as there is room for."""
    kept: list[str] = []
    room = _REFERENCES_ROOM
    for reference in tuple(dict.fromkeys((*scan.references, *scan.in_reply_to)))[: -_REFERENCES - 1 : -1]:
        room -= len(msgspec.json.encode(reference[:_MESSAGE_ID]))
        if room < 0:
            break
        kept.append(reference[:_MESSAGE_ID])
    return tuple(reversed(kept))


def _at(message: Message, blob: BlobRef) -> Message:
    return msgspec.structs.replace(message, blob=str(blob.id), size=blob.size)
