"""Carries out decisions about lists: copies for members, bounces that are counted, and members who leave."""

from __future__ import annotations

import asyncio

from services.delivery.domain.list_rules import as_posted
from services.delivery.domain.mail import AcceptedMail, prefix
from services.delivery.domain.script_effects import REDIRECT, SENT_COPY
from services.delivery.domain.step_action import StepAction
from services.delivery.domain.step_order import in_order
from services.delivery.handlers.list_posts import poster_of
from services.delivery.handlers.moderation import Moderation
from services.delivery.handlers.redirect_request import redirect_request
from services.delivery.handlers.script_ports import OutwardEffects
from services.delivery.handlers.sealing import earlier_sets
from shared.clock import Clock
from shared.events.delivery import DeliveryListExpanded, Step
from shared.failures import deciding
from shared.grpc.channel import Channel
from shared.grpc.errors import LimitReached, NotFound
from shared.rpc.mailfold.directory.v1 import lists_pb2 as pb
from shared.rpc.mailfold.directory.v1.lists_pb2_grpc import ListsStub
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import DeliverRequest
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub
from shared.rpc.mailfold.outbound.v1.outbound_pb2 import EnqueueRequest
from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub

_AT_ONCE = 50


class ListCopies:
    """Carries out. Every method raises an error that must be tried again, or else a refusal."""

    def __init__(
        self,
        directory: Channel,
        mailstore: Channel,
        outbound: Channel,
        clock: Clock,
        moderation: Moderation,
        effects: OutwardEffects,
    ) -> None:
        self._effects = effects
        self._lists = ListsStub(directory)
        self._mailstore = MailstoreStub(mailstore)
        self._outbound = OutboundStub(outbound)
        self._clock = clock
        self.moderation = moderation
        """Holds posts."""

    async def carry_out(self, mail: AcceptedMail, part: DeliveryListExpanded) -> None:
        """Carry out every step of a part, also after one has failed.

        What cannot be delivered to a member is counted for the member and reported to nobody: the author cannot help
        it, and must not learn who the members are.
        """
        undelivered: set[str] = set()
        for phase in in_order(part.steps):
            errors: list[BaseException] = []
            for start in range(0, len(phase), _AT_ONCE):
                tries = (self._step(mail, part, step, undelivered) for step in phase[start : start + _AT_ONCE])
                results = await asyncio.gather(*tries, return_exceptions=True)
                errors += [result for result in results if isinstance(result, BaseException)]
            if errors:
                raise deciding(errors)

    async def count(self, mail: AcceptedMail, step: Step, status: str) -> None:
        """Count a bounce of the member whom a step names. A list or member that has gone counts none."""
        request = pb.CountBounceRequest(name=step.list_id, member=step.member, status=status, queue_id=mail.queue_id)
        try:
            await self._lists.CountBounce(request)
        except NotFound:
            return

    async def leave(self, mail: AcceptedMail, step: Step) -> None:
        """End the membership of the author of a mail."""
        try:
            await self._lists.LeaveByMail(poster_of(mail, step.list_id))
        except NotFound:
            return

    async def _step(self, mail: AcceptedMail, part: DeliveryListExpanded, step: Step, undelivered: set[str]) -> None:
        """Carry out a step. Nothing is remembered for accounts whose copy was `undelivered`, which are added."""
        match step.action:
            case StepAction.STORE if step.rule == SENT_COPY:
                await self._effects.carry_out(mail, step)
            case StepAction.STORE:
                if not await self._store(mail, part, step):
                    undelivered.add(step.account)
            case StepAction.ENQUEUE:
                await self._outbound.Enqueue(_enqueue(mail, part, step))
            case StepAction.COUNT:
                await self.count(mail, step, step.rule)
            case StepAction.HOLD:
                await self.moderation.hold(mail, step)
            case StepAction.REFUSE | StepAction.ANSWER | StepAction.NOTIFY:
                await self._effects.carry_out(as_posted(mail, part, step.reverse_path), step)
            case StepAction.REMEMBER if step.account not in undelivered:
                await self._effects.carry_out(as_posted(mail, part, step.reverse_path), step)

    async def _store(self, mail: AcceptedMail, part: DeliveryListExpanded, step: Step) -> bool:
        """Store the copy of a member; False when that is counted as a bounce."""
        try:
            await self._mailstore.Deliver(_copy(mail, part, step, self._clock.now()))
        except LimitReached:
            await self.count(mail, step, "5.2.2")
        except NotFound:
            await self.count(mail, step, "5.1.1")
        else:
            return True
        return False


def _copy(mail: AcceptedMail, part: DeliveryListExpanded, step: Step, now: int) -> DeliverRequest:
    message = mail.message
    return DeliverRequest(
        account=step.account,
        queue_id=mail.queue_id,
        recipient=step.recipient,
        index=step.index,
        mailbox=step.mailbox,
        spam=step.spam,
        blob=step.edited or part.blob or message.blob,
        size=step.edited_size if step.edited else part.size if part.blob else message.size,
        prefix=prefix(mail, step, part.header),
        flags=step.flags,
        internal_date=now,
        message_id=message.message_id,
        quota_bytes=step.quota_bytes,
        quota_messages=step.quota_messages,
        references=message.references,
        subject=message.subject,
        create=step.create,
        mailbox_id=step.mailbox_id,
        special_use=step.special_use,
    )


def _enqueue(mail: AcceptedMail, part: DeliveryListExpanded, step: Step) -> EnqueueRequest:
    """A copy for another server: a new envelope, so that no notification about members reaches the author."""
    if step.rule == REDIRECT:
        return redirect_request(as_posted(mail, part, step.reverse_path), step, None)
    message = mail.message
    return EnqueueRequest(
        queue_id=mail.queue_id,
        recipient=step.recipient,
        index=step.index,
        blob=part.blob or message.blob,
        prefix=part.header + message.prefix,
        size=part.size if part.blob else message.size,
        reverse_path=step.reverse_path,
        forward_path=step.address,
        eight_bit=message.eight_bit,
        smtputf8=message.smtputf8,
        message_id=message.message_id,
        sending_domain=part.address.rpartition("@")[2],
        require_tls=mail.require_tls,
        seals=earlier_sets(mail),
    )
