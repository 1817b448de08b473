"""Stores the copies that owners keep of what their scripts send (RFC 8580)."""

from __future__ import annotations

import structlog

from services.delivery.domain.mail import notice_prefix
from services.delivery.handlers.script_memories import MemoryKind, ScriptMemories
from shared.clock import Clock
from shared.events.delivery import Step
from shared.grpc.channel import Channel
from shared.grpc.errors import LimitReached, NotFound
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import DeliverRequest
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub

log = structlog.get_logger("sieve")


class SentCopies:
    """Stores copies, after the mails of which they are. Every method raises what must be tried again later."""

    def __init__(self, memories: ScriptMemories, mailstore: Channel, clock: Clock) -> None:
        self._memories = memories
        self._mailstore = MailstoreStub(mailstore)
        self._clock = clock

    async def store(self, queue_id: str, step: Step) -> None:
        """Store the copy of what a mail has sent; a repeat stores nothing new.

        There is none of a response that another mail has sent instead, nor in an account that is full or gone: the
        sender of the mail, which is delivered, must not get a report about a copy.
        """
        if step.memory and await self._memories.is_held(step.account, MemoryKind.VACATION, step.memory, but=queue_id):
            return
        try:
            await self._mailstore.Deliver(self._request(queue_id, step))
        except (LimitReached, NotFound) as refused:
            log.info("sieve.no_sent_copy", queue_id=queue_id, account=step.account, reason=refused.message)

    def _request(self, queue_id: str, step: Step) -> DeliverRequest:
        return DeliverRequest(
            account=step.account,
            queue_id=queue_id,
            recipient=step.recipient,
            index=step.index,
            mailbox=step.mailbox,
            blob=step.blob,
            size=step.size,
            prefix=notice_prefix(step),
            flags=step.flags,
            internal_date=self._clock.now(),
            message_id=step.message_id,
            quota_bytes=step.quota_bytes,
            quota_messages=step.quota_messages,
            create=step.create,
            mailbox_id=step.mailbox_id,
            special_use=step.special_use,
        )
