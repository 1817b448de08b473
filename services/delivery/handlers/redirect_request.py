"""The call that puts a redirect of a script into the queue of mail to other servers."""

from __future__ import annotations

from services.delivery.domain.mail import AcceptedMail
from services.delivery.handlers.sealing import earlier_sets
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.rpc.mailfold.outbound.v1.outbound_pb2 import EnqueueRequest


def redirect_request(mail: AcceptedMail, step: Step, recipient: Recipient | None) -> EnqueueRequest:
    """A copy that the script of an account sends on: nobody's own mail, so no account's limits of sending count it.

    It is signed by the domain of the account, or of the author when that is one of ours, and sealed like other
    forwarded mail. NOTIFY and RET are those of the mail unless the script chooses others (RFC 6009 §4).
    """
    message = mail.message
    return EnqueueRequest(
        queue_id=mail.queue_id,
        recipient=step.recipient,
        index=step.index,
        blob=step.edited or message.blob,
        prefix=step.prefix,
        size=step.edited_size if step.edited else message.size,
        reverse_path=step.reverse_path,
        forward_path=step.address,
        notify=step.notify or (recipient.notify if recipient else ""),
        orcpt=recipient.orcpt if recipient else "",
        ret=step.ret or mail.ret,
        envid=mail.envid,
        eight_bit=message.eight_bit,
        smtputf8=message.smtputf8,
        message_id=message.message_id,
        sending_domain=_sending_domain(mail, step),
        require_tls=mail.require_tls,
        seals=None if mail.submitted else earlier_sets(mail),
    )


def _sending_domain(mail: AcceptedMail, step: Step) -> str:
    """The domain of the return path where that is ours; it is the account's."""
    return step.reverse_path.rpartition("@")[2] if step.original_sender else mail.sending_domain(step.recipient)
