"""What the ingress records of the mails of a deleted account."""

from __future__ import annotations

import msgspec

from shared.erasure.mail_marks import Mark
from shared.events.mail import (
    Client,
    MailCancelled,
    MailHeld,
    MailReceived,
    MailSettled,
    MailSubmitted,
    Message,
)
from shared.eventstore.event import Event


def mark_of(event: Event, account: str, known: Mark) -> tuple[str, Mark]:
    """The queue id of an accepted mail, and whose it is; `known` is what delivery said of it.

    A mail that the account submitted is its own, whoever received it. What others submitted is theirs too.
    """
    match event:
        case MailSubmitted(queue_id=queue_id, account=submitter) if submitter:
            if submitter == account:
                return queue_id, Mark.WHOLE
            return queue_id, Mark.PART if known or _receives(event, account) else Mark.NONE
        case MailReceived() | MailSubmitted():
            if known or not _receives(event, account):
                return event.queue_id, Mark.NONE
            alone = all(recipient.account == account for recipient in event.recipients)
            return event.queue_id, Mark.WHOLE if alone else Mark.PART
        case _:
            return "", Mark.NONE


def _receives(event: MailReceived | MailSubmitted, account: str) -> bool:
    return any(recipient.account == account for recipient in event.recipients)


def without_contents(event: Event) -> Event | None:
    """An event of a mail that was only the account's, without addresses and texts."""
    match event:
        case MailReceived() | MailSubmitted():
            bare = msgspec.structs.replace(
                event,
                reverse_path="",
                recipients=(),
                message=Message("", event.message.size),
                client=Client("", listener=event.client.listener),
                envid="",
                checks=(),
            )
            return msgspec.structs.replace(bare, signature=None) if isinstance(bare, MailSubmitted) else bare
        case MailSettled():
            return msgspec.structs.replace(event, outcomes=())
        case MailHeld() | MailCancelled():
            return msgspec.structs.replace(event, reason="")
        case _:
            return None
