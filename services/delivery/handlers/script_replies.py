"""Plans vacation responses (RFC 5230) and notifications (RFC 5436): mails that a script writes itself."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import structlog

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.plan import StepAction
from services.delivery.domain.script_chain import ScriptDecision
from services.delivery.domain.script_effects import NOTIFY, SENT_COPY, VACATION, may_be_answered
from services.delivery.handlers.script_mails import ScriptMails
from services.delivery.handlers.script_memories import MemoryKind, ScriptMemories
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.owner.followed_book import FollowedBook
from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.automatic.fields import message_ids
from shared.protocol.automatic.mail import AnsweredMessage, NamedAddress, notification, vacation_response
from shared.protocol.message.addresses import display_pairs, parse_addresses
from shared.protocol.sieve.actions import NotifyAction, SentCopy, VacationAction
from shared.protocol.sieve.mail.header import SieveHeader
from shared.protocol.srs.inner import inner_sender
from shared.routing.resolution import ResolutionKind, Target

log = structlog.get_logger("sieve")
_MOST_SUBJECT = 1000


class DailyLimits(NamedTuple):
    """What the scripts of an account may send in a day."""

    answers: int
    notifications: int


class ScriptReplies:
    """The plans. Every method raises BlobError, ServiceError or StoreUnavailable when it must be tried again later."""

    def __init__(self, book: FollowedBook, memories: ScriptMemories, mails: ScriptMails, most: DailyLimits) -> None:
        self._book = book
        self._memories = memories
        self._mails = mails
        self._most = most

    async def vacation(
        self, mail: AcceptedMail, recipient: Recipient, target: Target, decision: ScriptDecision
    ) -> tuple[Step, ...]:
        """The step that answers, and that of its copy; none when no answer is due to this sender now."""
        action = decision.action
        assert isinstance(action, VacationAction)
        if not may_be_answered(mail, target.account):
            return ()
        memory = f"{inner_sender(mail.reverse_path).lower()} {action.memory}"
        if action.seconds and await self._memories.is_held(
            target.account, MemoryKind.VACATION, memory, but=mail.queue_id
        ):
            return ()
        if not await self._memories.admitted(
            target.account, MemoryKind.ANSWER, ["answer"], mail.queue_id, self._most.answers
        ):
            log.info("sieve.answers_above_limit", queue_id=mail.queue_id, account=target.account)
            return ()
        writer = await self._mails.addressee(target.address)
        queue_id, identity = self._mails.new_identity(writer)
        header = await self._mails.header(mail)
        sender = await self._sender(action.sender, target, writer.shown_name)
        to = visible_recipient(mail.reverse_path, header)
        data = vacation_response(
            sender, to, action.subject, action.reason, answered(header), identity, is_mime=action.is_mime
        )
        step = await self._mails.step(
            data, queue_id, recipient.address, StepAction.ANSWER, target.account, mail.reverse_path, VACATION
        )
        step = msgspec.structs.replace(
            step, subject=action.subject, memory=memory, memory_seconds=action.seconds, line=action.line
        )
        return (step, *_sent_copy(step, target, action.fcc))

    async def notifications(
        self, mail: AcceptedMail, recipient: Recipient, target: Target, decision: ScriptDecision
    ) -> tuple[tuple[Step, ...], bool]:
        """The steps that notify, and that of their copy; and whether all of it is within the limit of the day."""
        action = decision.action
        assert isinstance(action, NotifyAction)
        wishes = {f"{action.line} {action.method} {address}": address for address in action.recipients}
        admitted = await self._memories.admitted(
            target.account, MemoryKind.NOTIFY, list(wishes), mail.queue_id, self._most.notifications
        )
        chosen = [address for wish, address in wishes.items() if wish in admitted]
        steps = [await self._notifying(recipient, target, action, address) for address in chosen]
        copies = _sent_copy(steps[0], target, action.fcc) if steps else ()
        return (*steps, *copies), len(chosen) == len(wishes)

    async def _notifying(self, recipient: Recipient, target: Target, action: NotifyAction, address: str) -> Step:
        writer = await self._mails.addressee(target.address)
        queue_id, identity = self._mails.new_identity(writer)
        sender = await self._sender(action.sender, target, writer.shown_name)
        subject = action.subject or action.message.partition("\n")[0]
        data = notification(
            sender,
            action.recipients,
            target.address,
            (subject, action.message),
            action.importance,
            action.fields,
            identity,
        )
        step = await self._mails.step(
            data, queue_id, recipient.address, StepAction.NOTIFY, target.account, address, NOTIFY
        )
        return msgspec.structs.replace(step, subject=subject[:_MOST_SUBJECT], line=action.line)

    async def _sender(self, given: str, target: Target, name: str) -> NamedAddress:
        """Who a mail is from: what the script says when it is an address of the owner, else that of the account."""
        named = _mailbox(given)
        if named is not None:
            try:
                resolution = await self._book.resolve(parse_address(named.address))
            except AddressError:
                return NamedAddress(target.address, name)
            if resolution.kind is ResolutionKind.ACCOUNTS and any(
                end.account == target.account for end in resolution.targets
            ):
                return NamedAddress(named.address, named.name or name)
        return NamedAddress(target.address, name)


def visible_recipient(reverse_path: str, header: SieveHeader) -> NamedAddress:
    """Who is named in To of an answer: the person of From or Sender who has the envelope sender, below SRS and tags."""
    inner = inner_sender(reverse_path).lower()
    for name in (b"from", b"sender"):
        for value in header.raw_values(name)[:1]:
            for shown, address in display_pairs(parse_addresses(value)):
                if address.lower() in (inner, reverse_path.lower()):
                    return NamedAddress(address, shown)
    return NamedAddress(inner_sender(reverse_path))


def answered(header: SieveHeader) -> AnsweredMessage:
    """The ids of the message that is answered (RFC 5322 §3.6.4)."""
    own = _ids(header, b"message-id")
    earlier = _ids(header, b"references") or _ids(header, b"in-reply-to")
    return AnsweredMessage(own[0] if own else "", tuple(earlier))


def _ids(header: SieveHeader, name: bytes) -> list[str]:
    return [
        message_id
        for value in header.raw_values(name)[:1]
        for message_id in message_ids(value.decode("utf-8", "replace"))
    ]


def _mailbox(given: str) -> NamedAddress | None:
    pairs = display_pairs(parse_addresses(given.encode("utf-8", "replace"))) if given else ()
    return NamedAddress(pairs[0][1], pairs[0][0]) if len(pairs) == 1 else None


def _sent_copy(step: Step, target: Target, copy: SentCopy | None) -> tuple[Step, ...]:
    """The step that stores a generated mail in a mailbox of its owner (RFC 8580 §3)."""
    if copy is None:
        return ()
    stored = Step(
        step.recipient,
        0,
        StepAction.STORE,
        account=target.account,
        address=target.address,
        mailbox=copy.mailbox,
        flags=copy.flags,
        create=copy.create,
        mailbox_id=copy.mailbox_id,
        special_use=copy.special_use,
        blob=step.blob,
        size=step.size,
        message_id=step.message_id,
        memory=step.memory,
        quota_bytes=target.quota_bytes,
        quota_messages=target.quota_messages,
        rule=SENT_COPY,
        line=step.line,
    )
    return (stored,)
