"""Plans the refusal of a mail by a script after its acceptance (RFC 5429): a report to the sender, or the mail is kept.

`ereject` is answered by a delivery status notification, `reject` by a message disposition notification; they are never
exchanged (§2.3).
"""

from __future__ import annotations

import msgspec

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.plan import StepAction
from services.delivery.domain.script_chain import ScriptDecision
from services.delivery.handlers.script_mails import ScriptMails
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.protocol.automatic.disposition import RefusedMessage, refusal_report
from shared.protocol.automatic.fields import message_ids
from shared.protocol.automatic.mail import Identity, NamedAddress
from shared.protocol.dsn.action import DsnAction, is_reported
from shared.protocol.dsn.content import Original, RecipientReport, Reporter
from shared.protocol.dsn.report import build
from shared.protocol.languages.addressee import Addressee
from shared.protocol.sieve.actions import ErejectAction, RejectAction
from shared.protocol.smtp.codes import POSTMASTER
from shared.routing.resolution import Target

REFUSED = "5.7.1"
"""Delivery not authorized, message refused (RFC 5429 §2.1.1)."""
_MOST_TEXT = 16_000
"""Characters of a reason."""
_SHOWN = 200


class ScriptRefusals:
    """The plans. Every method raises BlobError or ServiceError when it must be tried again later."""

    def __init__(self, mails: ScriptMails) -> None:
        self._mails = mails

    async def step(self, mail: AcceptedMail, recipient: Recipient, target: Target, decision: ScriptDecision) -> Step:
        """The step that refuses the mail; the sender of it may hear of that (`may_be_refused`)."""
        action = decision.action
        assert isinstance(action, RejectAction | ErejectAction)
        reason = action.reason[:_MOST_TEXT]
        rule = "ereject" if isinstance(action, ErejectAction) else "reject"
        shown = " ".join(reason[:_SHOWN].split())
        if not is_reported(recipient.notify, DsnAction.FAILED):  # the sender wants no reports (RFC 3461 §4.1)
            return Step(
                recipient.address, 0, StepAction.REFUSE, target.account, reason=shown, rule=rule, line=action.line
            )
        to = await self._mails.addressee(mail.reverse_path)
        queue_id, identity = self._mails.new_identity(to)
        original = await self._original(mail)
        if isinstance(action, ErejectAction):
            data = self._status_report(original, recipient, reason, to, queue_id, identity)
        else:
            about = mail.message.message_id
            data = self._disposition(original, about, recipient, target, reason, to, queue_id, identity)
        step = await self._mails.step(
            data, queue_id, recipient.address, StepAction.REFUSE, target.account, mail.reverse_path, rule
        )
        return msgspec.structs.replace(step, subject=to.say("reject.subject"), reason=shown, line=action.line)

    async def _original(self, mail: AcceptedMail) -> Original:
        """The unedited message (RFC 5429 §2.4); the report leaves without REQUIRETLS, so then it has no header."""
        header = b"" if mail.require_tls else await self._mails.header_block(mail)
        return Original(
            mail.queue_id,
            mail.reverse_path,
            self._mails.now,
            header,
            envid=mail.envid,
            subject=mail.message.subject,
            smtputf8=mail.message.smtputf8,
            content_withheld=mail.require_tls,
        )

    def _status_report(
        self, original: Original, recipient: Recipient, reason: str, to: Addressee, queue_id: str, identity: Identity
    ) -> bytes:
        author = f"{POSTMASTER}@{recipient.address.rpartition('@')[2]}"
        report = RecipientReport(recipient.address, REFUSED, reason, orcpt=recipient.orcpt)
        reporter = Reporter(self._mails.host, author, self._mails.now, identity.message_id, f"mailfold-{queue_id}")
        return build(original, [report], reporter, to)

    def _disposition(
        self,
        original: Original,
        message_id: str,
        recipient: Recipient,
        target: Target,
        reason: str,
        to: Addressee,
        queue_id: str,
        identity: Identity,
    ) -> bytes:
        ids = message_ids(f"<{message_id}>")
        refusal = RefusedMessage(
            to.say("reject.subject"),
            f"{to.say('reject.text', recipient=recipient.address)}\n\n{reason}\n",
            recipient.address,
            recipient.orcpt,
            ids[0] if ids else "",
            self._mails.host,
        )
        boundary = f"mailfold-{queue_id}"
        return refusal_report(
            NamedAddress(target.address), NamedAddress(to.address, to.shown_name), refusal, original, identity, boundary
        )
