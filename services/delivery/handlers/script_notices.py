"""Plans the notices of owners about their scripts: at most one a day of each kind for an account."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.plan import StepAction
from services.delivery.domain.script_chain import FailedScript, ScriptDecision
from services.delivery.domain.script_effects import NOTICE
from services.delivery.domain.script_notice_texts import (
    failure_paragraphs,
    message_paragraph,
    notify_paragraphs,
    redirect_paragraphs,
    refusal_paragraphs,
)
from services.delivery.handlers.script_mails import ScriptMails
from services.delivery.handlers.script_memories import DAY, MemoryKind, ScriptMemories
from services.delivery.handlers.script_redirects import NotRedirected
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.protocol.dsn.content import Reporter
from shared.protocol.dsn.notice import plain_notice
from shared.protocol.languages.addressee import Addressee
from shared.protocol.sieve.actions import NotifyAction
from shared.protocol.smtp.codes import POSTMASTER
from shared.routing.resolution import Target

Paragraphs = Callable[[Addressee], Iterable[str]]


class NoticeKind(StrEnum):
    """The kinds of notices; the values are parts of keys of texts, and what is remembered."""

    FAILED = "failed"
    REDIRECT = "redirect"
    NOTIFY = "notify"
    REFUSAL = "refusal"


class ScriptNotices:
    """The plans. Every method raises BlobError, ServiceError or StoreUnavailable when it must be tried again later."""

    def __init__(self, memories: ScriptMemories, mails: ScriptMails) -> None:
        self._memories = memories
        self._mails = mails

    async def of_failure(
        self, mail: AcceptedMail, recipient: Recipient, target: Target, failed: FailedScript
    ) -> tuple[Step, ...]:
        """The step that tells the owner of an error; none when the owner has heard of one today."""
        line = failed.failure.line
        return await self._step(
            mail, recipient, target, NoticeKind.FAILED, lambda to: failure_paragraphs(failed, to), line
        )

    async def of_redirect(
        self, mail: AcceptedMail, recipient: Recipient, target: Target, refused: NotRedirected, *, keeps: bool
    ) -> tuple[Step, ...]:
        """The step that tells the owner of a redirect that is not done."""
        decision, address, reason = refused

        def paragraphs(to: Addressee) -> Iterable[str]:
            return redirect_paragraphs(decision, address, reason, to, keeps=keeps)

        return await self._step(mail, recipient, target, NoticeKind.REDIRECT, paragraphs, decision.action.line)

    async def of_notify(
        self, mail: AcceptedMail, recipient: Recipient, target: Target, refused: ScriptDecision
    ) -> tuple[Step, ...]:
        """The step that tells the owner of a notification above the limit."""
        action = refused.action
        assert isinstance(action, NotifyAction)

        def paragraphs(to: Addressee) -> Iterable[str]:
            return notify_paragraphs(refused, action.recipients, to)

        return await self._step(mail, recipient, target, NoticeKind.NOTIFY, paragraphs, action.line)

    async def of_refusal(
        self, mail: AcceptedMail, recipient: Recipient, target: Target, refused: ScriptDecision
    ) -> tuple[Step, ...]:
        """The step that tells the owner of a message that is kept and not refused."""
        return await self._step(
            mail,
            recipient,
            target,
            NoticeKind.REFUSAL,
            lambda to: refusal_paragraphs(refused, to),
            refused.action.line,
        )

    async def _step(
        self,
        mail: AcceptedMail,
        recipient: Recipient,
        target: Target,
        kind: NoticeKind,
        paragraphs: Paragraphs,
        line: int,
    ) -> tuple[Step, ...]:
        if await self._memories.is_held(target.account, MemoryKind.NOTICE, kind, but=mail.queue_id):
            return ()
        to = await self._mails.addressee(target.address)
        to = to._replace(address=target.address)
        queue_id, identity = self._mails.new_identity(to)
        host, domain = self._mails.host, target.address.rpartition("@")[2]
        reporter = Reporter(host, f"{POSTMASTER}@{domain}", self._mails.now, identity.message_id, "")
        subject = to.say(f"script.{kind.value}.subject")
        whole = [
            to.say("mail_system", host=host),
            *paragraphs(to),
            message_paragraph(mail, to),
            to.say("script.once"),
        ]
        data = plain_notice(to, subject, whole, reporter)
        step = await self._mails.step(
            data, queue_id, recipient.address, StepAction.NOTIFY, target.account, target.address, NOTICE
        )
        remembered = msgspec.structs.replace(step, subject=subject, memory=kind.value, memory_seconds=DAY, line=line)
        return (remembered,)
