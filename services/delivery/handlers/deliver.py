"""Delivers one mail: plans it once, carries out the plan, settles it.

A repeated mail carries out the recorded plan; nothing is decided again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeVar, assert_never

import msgspec

from services.delivery.domain.forwarding import with_return_paths
from services.delivery.domain.mail import AcceptedMail, notice_prefix, prefix
from services.delivery.domain.script_effects import REDIRECT, SENT_COPY
from services.delivery.domain.size_limits import within_limits
from services.delivery.domain.step_action import StepAction
from services.delivery.domain.step_order import by_recipient, in_order
from services.delivery.domain.success import successes_to_report
from services.delivery.handlers.list_copies import ListCopies
from services.delivery.handlers.list_posts import ListPosts
from services.delivery.handlers.notices import FailedStep, Notices
from services.delivery.handlers.recipient_routes import RecipientRoutes
from services.delivery.handlers.record import DeliveryRecord, outcomes_of, record_of
from services.delivery.handlers.redirect_request import redirect_request
from services.delivery.handlers.script_ports import OutwardEffects
from services.delivery.handlers.scripted_planning import ScriptedPlanning
from services.delivery.handlers.sealing import earlier_sets
from shared.clock import Clock
from shared.events.delivery import DeliveryBounced, DeliveryPlanned, DeliveryReported, DeliverySettled, Step
from shared.events.mail import Outcome, Recipient
from shared.events.signatures import ChosenSignature
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import VersionConflict
from shared.failures import deciding
from shared.grpc.call import acting
from shared.grpc.channel import Channel
from shared.grpc.errors import LimitReached, NotFound
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import DeliverRequest
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub
from shared.rpc.mailfold.outbound.v1.outbound_pb2 import EnqueueRequest, Signature
from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub

ACTOR = Actor("service", "delivery")
T = TypeVar("T")


class Deliverer:
    """Carries out the delivery of mails."""

    def __init__(
        self,
        store: EventStore,
        routes: RecipientRoutes,
        notices: Notices,
        mailstore: Channel,
        outbound: Channel,
        clock: Clock,
        lists: ListPosts,
        copies: ListCopies,
        planning: ScriptedPlanning,
        effects: OutwardEffects,
    ) -> None:
        self._store = store
        self._routes = routes
        self._notices = notices
        self._mailstore = MailstoreStub(mailstore)
        self._outbound = OutboundStub(outbound)
        self._clock = clock
        self._lists = lists
        self._copies = copies
        self._planning = planning
        self._effects = effects

    async def deliver(self, mail: AcceptedMail) -> tuple[Outcome, ...]:
        """Deliver one mail completely, and return the outcomes when it is settled.

        Raises when a step must be tried again later.
        """
        provenance = Provenance(ACTOR, correlation=mail.origin or mail.queue_id)
        with acting(provenance):
            record = await self._recorded_plan(mail, provenance)
            while record.settled is None:
                failures = await self._carry_out(mail, record)
                if failures:
                    record = await self._bounce(mail, record, failures, provenance)
                else:
                    record = await self._distribute(mail, record, provenance)
                    record = await self._report_or_settle(mail, record, provenance)
        return record.settled

    async def _carry_out(self, mail: AcceptedMail, record: DeliveryRecord) -> list[FailedStep]:
        """Try the steps of every recipient, also after others have failed; returns the permanent failures.

        Raises an error that must be tried again, or else a refusal.
        """
        recipients = {recipient.address: recipient for recipient in reversed(mail.recipients)}
        bounced = frozenset(bounce.recipient for bounce in record.bounced)
        tries = (
            self._in_order(mail, steps, recipients.get(address), is_bounced=address in bounced)
            for address, steps in by_recipient(record.steps).items()
        )
        return [failed for failures in await _all_or_deciding(tries) for failed in failures]

    async def _in_order(
        self, mail: AcceptedMail, steps: Sequence[Step], recipient: Recipient | None, *, is_bounced: bool
    ) -> list[FailedStep]:
        """Carry out the steps of a recipient: what is stored, then what leaves, then what is remembered.

        Nothing is remembered of a mail that could not be stored: the sender may send it again.
        """
        failures: list[FailedStep] = []
        for phase in in_order(steps):
            if phase[0].action == StepAction.REMEMBER and (failures or is_bounced):
                break
            tries = (self._step(mail, step, recipient) for step in phase)
            failures += [failed for failed in await _all_or_deciding(tries) if failed is not None]
        return failures

    async def _recorded_plan(self, mail: AcceptedMail, provenance: Provenance) -> DeliveryRecord:
        record = record_of(await self._store.read_stream(mail.queue_id))
        if record.planned:
            return record
        routes = await self._routes.of(mail)
        steps, ways, _ = await self._planning.plan(mail, routes)
        if mail.reverse_path:  # nobody would get a report about a report that is too large
            steps = within_limits(steps, mail.message.size, self._routes.size_limit_of)
        steps = with_return_paths(steps, await self._routes.return_paths(mail, routes))
        steps = await self._lists.judged(mail, steps)
        return await self._append(mail, record, [DeliveryPlanned(mail.queue_id, steps, ways)], provenance)

    async def _distribute(self, mail: AcceptedMail, record: DeliveryRecord, provenance: Provenance) -> DeliveryRecord:
        """Give the mail to the members of its lists: some are decided on and served, then the next."""
        while record.settled is None:
            if record.lists.last is not None:
                await self._copies.carry_out(mail, record.lists.last)
            part = await self._lists.next_part(mail, record)
            if part is None:
                return record
            record = await self._append(mail, record, [part], provenance)
        return record

    async def _report_or_settle(
        self, mail: AcceptedMail, record: DeliveryRecord, provenance: Provenance
    ) -> DeliveryRecord:
        """Add the reports of success that the sender asked for, which are then carried out; else settle the mail."""
        if record.settled is not None:
            return record
        notices = () if record.is_reported else await self._notices.successes(mail, record.steps, record.next_index)
        if not notices:
            return await self._settle(mail, record, provenance)
        reported = tuple(report.recipient for report in successes_to_report(mail, record.steps))
        return await self._append(mail, record, [DeliveryReported(mail.queue_id, reported, notices)], provenance)

    async def _settle(self, mail: AcceptedMail, record: DeliveryRecord, provenance: Provenance) -> DeliveryRecord:
        outcomes = outcomes_of([recipient.address for recipient in mail.recipients], record)
        return await self._append(mail, record, [DeliverySettled(mail.queue_id, outcomes)], provenance)

    async def _bounce(
        self, mail: AcceptedMail, record: DeliveryRecord, failures: list[FailedStep], provenance: Provenance
    ) -> DeliveryRecord:
        """Record all failures of a round together and report them in one notification.

        A notification that fails is reported to nobody.
        """
        notices = await self._notices.steps(
            mail, [failure for failure in failures if not failure.step.blob], record.next_index
        )
        events = [
            DeliveryBounced(mail.queue_id, step.recipient, step.index, reason, status)
            for step, reason, status in failures
        ]
        events[0] = msgspec.structs.replace(events[0], steps=notices)
        return await self._append(mail, record, events, provenance)

    async def _append(
        self, mail: AcceptedMail, record: DeliveryRecord, events: Sequence[Event], provenance: Provenance
    ) -> DeliveryRecord:
        """Append a decision that is based on `record`.

        When another run of the same mail has appended first, the decision of that run is used.
        """
        try:
            added = await self._store.write(
                lambda transaction: transaction.append(mail.queue_id, events, provenance, expected=record.version)
            )
        except VersionConflict:
            return record_of(await self._store.read_stream(mail.queue_id))
        return record_of(added, record)

    async def _step(self, mail: AcceptedMail, step: Step, recipient: Recipient | None) -> FailedStep | None:
        """Carry out one step; returns its failure when it can never succeed.

        Raises ValueError for an action that this release does not know; the step then becomes a dead letter.
        """
        action = StepAction(step.action)
        match action:
            case StepAction.STORE if step.rule == SENT_COPY:
                return await self._effects.carry_out(mail, step)
            case StepAction.STORE:
                return await self._store_copy(mail, step)
            case StepAction.ENQUEUE:
                await self._outbound.Enqueue(_enqueue(mail, step, recipient))
                return None
            case StepAction.BOUNCE:
                return FailedStep(step, step.reason, step.rule)
            case StepAction.LEAVE:
                await self._copies.leave(mail, step)
                return None
            case StepAction.COUNT:
                await self._copies.count(mail, step, step.rule)
                return None
            case StepAction.HOLD:
                await self._copies.moderation.hold(mail, step)
                return None
            case StepAction.DECIDE:
                await self._copies.moderation.decide_by_mail(step)
                return None
            case StepAction.REFUSE | StepAction.ANSWER | StepAction.NOTIFY | StepAction.REMEMBER:
                return await self._effects.carry_out(mail, step)
            case StepAction.DISCARD | StepAction.LIST:
                return None
            case _:
                assert_never(action)

    async def _store_copy(self, mail: AcceptedMail, step: Step) -> FailedStep | None:
        try:
            await self._mailstore.Deliver(_copy(mail, step, self._clock.now()))
        except LimitReached as full:
            return FailedStep(step, full.message, "5.2.2")
        except NotFound as gone:
            return FailedStep(step, gone.message, "5.1.1")
        return None


async def _all_or_deciding(tries: Iterable[Awaitable[T]]) -> list[T]:
    """The results, when all have some. Raises the error that decides about the mail, after all have ended."""
    waiting = list(tries)
    if len(waiting) == 1:  # most mails have a single recipient and a single step, which need no task
        return [await waiting[0]]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    if errors:
        raise deciding(errors)
    return [result for result in results if not isinstance(result, BaseException)]


def _copy(mail: AcceptedMail, step: Step, now: int) -> DeliverRequest:
    message = mail.message
    own = not step.blob
    return DeliverRequest(
        account=step.account,
        queue_id=mail.queue_id,
        recipient=step.recipient,
        index=step.index,
        mailbox=step.mailbox,
        spam=step.spam,
        blob=step.blob or step.edited or message.blob,
        size=(step.edited_size if step.edited else message.size) if own else step.size,
        prefix=prefix(mail, step) if own else notice_prefix(step),
        flags=step.flags,
        internal_date=now,
        message_id=message.message_id if own else step.message_id,
        quota_bytes=step.quota_bytes,
        quota_messages=step.quota_messages,
        references=message.references if own else (message.message_id,),
        subject=message.subject if own else "",
        create=step.create,
        mailbox_id=step.mailbox_id,
        special_use=step.special_use,
    )


def _enqueue(mail: AcceptedMail, step: Step, recipient: Recipient | None) -> EnqueueRequest:
    if step.rule == REDIRECT:
        return redirect_request(mail, step, recipient)
    message, own = mail.message, not step.blob
    return EnqueueRequest(
        queue_id=mail.queue_id,
        recipient=step.recipient,
        index=step.index,
        blob=step.blob or message.blob,
        prefix=message.prefix if own else b"",
        size=message.size if own else step.size,
        reverse_path=(step.reverse_path or mail.reverse_path) if own else "",
        forward_path=step.address,
        notify=(recipient.notify if recipient and own else ""),
        orcpt=(recipient.orcpt if recipient and own else ""),
        ret=mail.ret if own else "",
        envid=mail.envid if own else "",
        eight_bit=message.eight_bit,
        smtputf8=message.smtputf8,
        message_id=message.message_id if own else step.message_id,
        sending_domain=mail.sending_domain(step.recipient) if own else step.message_id.rpartition("@")[2],
        account=mail.account if own else "",
        require_tls=mail.require_tls and own,
        signature=_signature(mail.signature) if own else None,
        seals=earlier_sets(mail) if own and not mail.submitted else None,
    )


def _signature(chosen: ChosenSignature | None) -> Signature | None:
    if chosen is None:
        return None
    return Signature(id=chosen.id, values=chosen.values, signs_automatic=chosen.signs_automatic)
