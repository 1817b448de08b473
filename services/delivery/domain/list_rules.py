"""Decisions on posts: whether a list takes a mail, and whether its copies have another From."""

from __future__ import annotations

import msgspec

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.plan import StepAction
from shared.events.delivery import DeliveryListExpanded, Step
from shared.protocol.dmarc.evaluate import organisational_domain
from shared.protocol.mailing_list.identity import ListIdentity
from shared.protocol.mailing_list.post import NoPost
from shared.routing.known_lists import LEAVE, OWNER, KnownList, service_address

_DEMANDING = ("quarantine", "reject")


def identity_of(known: KnownList) -> ListIdentity:
    """What copies say about a list."""
    owner, leave = service_address(known.address, OWNER), service_address(known.address, LEAVE)
    return ListIdentity(known.address, known.description, owner, leave)


def as_posted(mail: AcceptedMail, part: DeliveryListExpanded, return_path: str) -> AcceptedMail:
    """A mail as the members of a list get it, which is what their scripts see."""
    message = mail.message
    changed = msgspec.structs.replace(
        message,
        blob=part.blob or message.blob,
        size=part.size if part.blob else message.size,
        prefix=part.header + message.prefix,
    )
    return msgspec.structs.replace(
        mail, reverse_path=return_path, message=changed, ret="", envid="", list_address=part.address
    )


def refused(mail: AcceptedMail, step: Step, reason: NoPost) -> Step:
    """The step of a list that does not take a mail.

    Our user is told. A mail from another server ends here, because its reverse-path may be forged; the ingress has
    refused what it could.
    """
    bounces = mail.submitted and bool(mail.reverse_path)
    return msgspec.structs.replace(
        step,
        action=StepAction.BOUNCE if bounces else StepAction.DISCARD,
        reason=reason.value,
        rule="5.4.6" if reason is NoPost.LOOP else "5.7.1",
    )


def counted(step: Step, status: str) -> Step:
    """The step for a post that has come back, with the status of its report (RFC 3464); none counts nothing."""
    if status:
        return msgspec.structs.replace(step, rule=status)
    return msgspec.structs.replace(step, action=StepAction.DISCARD, reason="it reports no failed delivery")


def must_rewrite_author(mail: AcceptedMail, known: KnownList) -> bool:
    """Whether copies with the author's From would fail the DMARC policy of the author's domain at their receivers.

    The list's domain signs them, so its own authors pass. The policy of another domain of ours is not known here.
    """
    author = mail.message.author.rpartition("@")[2].lower()
    ours = known.address.rpartition("@")[2]
    if not known.rewrite_author or not author or organisational_domain(author) == organisational_domain(ours):
        return False
    if mail.submitted:
        return True
    return mail.dmarc is not None and mail.dmarc.detail.get("policy") in _DEMANDING
