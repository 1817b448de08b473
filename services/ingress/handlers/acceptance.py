"""The end of DATA: last checks, durable body and event, and the reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from services.ingress.adapters.directory import FollowedDirectory
from services.ingress.domain.accepted import Accepted, Completed, accepted, message_of, surplus
from services.ingress.domain.claims import UnclearClaim, claimed_addresses, first_author
from services.ingress.domain.client import SmtpClient
from services.ingress.domain.header import hop_count
from services.ingress.domain.prefix import completion, moment
from services.ingress.domain.recipient_sizes import RecipientSizes
from services.ingress.domain.release_time import AT_ONCE, date_time
from services.ingress.handlers.checks import Checked, SenderChecks, SpfAnswer
from services.ingress.handlers.dialogue_refusals import DialogueRefusals
from services.ingress.handlers.intake import Intake, refusal_of
from services.ingress.handlers.list_admission import ListAdmission
from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.releaser import Releaser
from services.ingress.handlers.repeater import Repeater
from services.ingress.handlers.submission_counts import SubmissionCounts
from services.ingress.handlers.waiting import NoRoomToWait, WaitingSubmissions
from shared.blobs.errors import BlobError
from shared.blobs.port import BlobRef, Blobs
from shared.clock import Clock
from shared.events.mail import MailSubmitted, RecordedCheck
from shared.events.signatures import ChosenSignature
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Provenance
from shared.grpc.errors import ServiceError
from shared.ids import IdKind, Ids
from shared.protocol.address.address import Address
from shared.protocol.message.scan import Scan
from shared.protocol.smtp import replies
from shared.protocol.smtp.body import BodyFlags
from shared.protocol.smtp.commands import SmtpTransaction
from shared.protocol.smtp.reply import Reply, with_cause
from shared.protocol.smtp.trace_header import Hop, received
from shared.routing.known_lists import KnownList


@dataclass(slots=True)
class Arrived:
    """A complete message before it is accepted or refused."""

    client: SmtpClient
    transaction: SmtpTransaction
    accounts: Mapping[Address, str]
    """The ids of the accounts that have an address of the envelope themselves."""
    flags: BodyFlags
    intake: Intake
    spf: SpfAnswer | None
    """The SPF evaluation; None for a user's message."""
    is_gone: Callable[[], bool]
    """Whether the client has gone, and so will send the message again."""
    sizes: RecipientSizes
    """What the recipients take."""
    posted: KnownList | None
    """The mailing list that is the only recipient; None for a user's message."""
    sole_account: str
    """The id of the account that alone gets the message; empty where others get it too, or it leaves this server."""


class Acceptance:
    """Accepts or refuses complete messages."""

    def __init__(
        self,
        hostname: str,
        clock: Clock,
        ids: Ids,
        blobs: Blobs,
        checks: SenderChecks,
        directory: FollowedDirectory,
        receptions: Receptions,
        repeater: Repeater,
        waiting: WaitingSubmissions,
        releaser: Releaser,
        max_hops: int,
        lists: ListAdmission,
        counts: SubmissionCounts,
        scripts: DialogueRefusals,
    ) -> None:
        self._hostname = hostname
        self._clock = clock
        self._ids = ids
        self._blobs = blobs
        self._checks = checks
        self._directory = directory
        self._receptions = receptions
        self._repeater = repeater
        self._waiting = waiting
        self._releaser = releaser
        self._max_hops = max_hops
        self._counts = counts
        self._lists = lists
        self._scripts = scripts
        self.count = 0
        """Number of messages accepted since the start."""

    async def accept(self, arrived: Arrived) -> Reply:
        """The reply to the end of a message. A positive reply is returned only after the commit."""
        try:
            scan = await arrived.intake.finish()
            refusal = arrived.intake.failure or arrived.sizes.refusal_of_all(scan.size) or self._loop(arrived.intake)
            refusal = refusal or await self._impersonation(arrived)
            return refusal or await self._surplus(arrived.client) or await self._take(arrived, scan)
        except BlobError as error:
            return refusal_of(error)
        except NoRoomToWait as error:
            return with_cause(replies.too_much_held(), str(error))
        except StoreUnavailable as error:
            return with_cause(replies.try_later(), f"event store: {error}")
        except ServiceError as error:
            return with_cause(replies.try_later(), f"directory: {error}")
        finally:
            arrived.intake.abort()

    async def _take(self, arrived: Arrived, scan: Scan) -> Reply:
        """Make the body durable, then the event."""
        hop = self._hop(arrived, self._ids.new(IdKind.QUEUE))
        checked = await self._check(arrived, scan, hop)
        signature = await self._signature(arrived)
        refusal = await self._no_post(arrived, scan, checked)
        if refusal is not None:
            return refusal
        if arrived.is_gone():
            return with_cause(replies.try_later(), "the client left before the message was accepted")
        blob = await arrived.intake.commit(scan)
        event = self._event(arrived, scan, hop, blob, checked)
        if signature is not None and isinstance(event, MailSubmitted):
            event = msgspec.structs.replace(event, signature=signature)
        refusal = await self._late_refusal(arrived, event)
        if refusal is not None:
            await self._blobs.take_back(blob)
            return refusal
        await self._record(event, blob, arrived.client)
        if isinstance(event, MailSubmitted) and event.release_at:
            return replies.message_held(hop.queue_id, date_time(event.release_at))
        return replies.message_accepted(hop.queue_id)

    async def _late_refusal(self, arrived: Arrived, event: Accepted) -> Reply | None:
        """The refusal of a message whose body is durable, and is then taken back."""
        if too_much := surplus(event):  # the bus would refuse the event, and the mail would never be delivered
            return with_cause(replies.event_too_large(), f"{too_much} octets more than the bus carries")
        return await self._scripts.refusal(event, arrived.sole_account)

    async def _record(self, event: Accepted, blob: BlobRef, client: SmtpClient) -> None:
        provenance = Provenance(client.actor(), correlation=event.queue_id)
        try:
            recorded = await self._receptions.accept(event, provenance, self._waiting.check_of(event))
        except NoRoomToWait:
            await self._blobs.take_back(blob)
            raise
        except StoreUnavailable as error:
            if not error.in_doubt:
                await self._blobs.take_back(blob)
            raise
        self.count += 1
        if isinstance(event, MailSubmitted) and event.release_at:
            self._releaser.accepted(event.release_at)
        else:
            self._repeater.accepted(recorded, event.queue_id)

    def _loop(self, intake: Intake) -> Reply | None:
        """Refuse a message that loops (RFC 5321 §6.3)."""
        hops = hop_count(intake.header)
        return with_cause(replies.routing_loop(), f"{hops} Received fields") if hops > self._max_hops else None

    async def _impersonation(self, arrived: Arrived) -> Reply | None:
        """Refuse a user's message with another user as author or sender, or whose log-in has ended."""
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

    async def _surplus(self, client: SmtpClient) -> Reply | None:
        """Count a mail; refuse it when the account submits more than it may."""
        within = await self._counts.take(client)
        return None if within else replies.too_much_submitted(client.mails_an_hour)

    async def _no_post(self, arrived: Arrived, scan: Scan, checked: Checked) -> Reply | None:
        """Refuse a message from another server that its mailing list does not take."""
        if arrived.posted is None:
            return None
        author = scan.from_[0][1] if scan.from_ else ""
        reverse_path = arrived.transaction.mail.reverse_path
        header = arrived.intake.header
        return await self._lists.at_end(arrived.posted, header, reverse_path, checked, author, scan.size)

    def _hop(self, arrived: Arrived, queue_id: str) -> Hop:
        transaction = arrived.transaction
        only = transaction.recipients[0].forward_path if len(transaction.recipients) == 1 else None
        smtputf8 = transaction.mail.smtputf8
        if only is not None and not smtputf8 and not only.is_ascii:
            only = None
        return arrived.client.hop(
            self._hostname, queue_id, moment(self._clock.now()), smtputf8=smtputf8, recipient=only
        )

    async def _check(self, arrived: Arrived, scan: Scan, hop: Hop) -> Checked:
        client, mail, intake = arrived.client, arrived.transaction.mail, arrived.intake
        if client.is_authenticated:
            author = mail.reverse_path or client.account_address
            lines = completion(intake.header, hop.queue_id, self._hostname, author, self._clock.now())
            return Checked((RecordedCheck("sender", "pass", {"user": client.user}),), lines)
        assert intake.authorship is not None
        assert arrived.spf is not None
        return await self._checks.verdicts(client, mail.reverse_path, intake.authorship, arrived.spf, scan.message_id)

    async def _signature(self, arrived: Arrived) -> ChosenSignature | None:
        """The mail signature for the copies of a user's message that leave this server. Raises ServiceError."""
        client = arrived.client
        if not client.is_authenticated:
            return None
        sender = arrived.transaction.mail.reverse_path or client.account_address
        author = first_author(arrived.intake.header, sender)
        return await self._directory.signature_for(client.user, author) if author is not None else None

    def _event(self, arrived: Arrived, scan: Scan, hop: Hop, blob: BlobRef, checked: Checked) -> Accepted:
        client, mail = arrived.client, arrived.transaction.mail
        added = Completed(received(hop) + checked.lines)
        if client.is_authenticated:
            author = str(mail.reverse_path or client.account_address)
            added = msgspec.structs.replace(added, message_id=f"{hop.queue_id}@{self._hostname}", author=author)
        message = message_of(scan, blob, added, arrived.flags, smtputf8=mail.smtputf8)
        release = self._waiting.release_of(mail.hold) if client.is_authenticated else AT_ONCE
        return accepted(client, arrived.transaction, hop, message, checked.checks, release, arrived.accounts)


def _not_author() -> Reply:
    """The refusal for reasons of policy: 550 at the end of the message (RFC 5321 §4.3.2)."""
    return msgspec.structs.replace(replies.sender_not_owned(), code=550)
