"""The event of an accepted mail. It is made once, when the body is durable and all checks are done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from services.ingress.domain.client import SmtpClient
from services.ingress.domain.envelope import recipient
from services.ingress.domain.release_time import ReleaseTime
from shared.blobs.port import BlobRef
from shared.events.mail import LARGEST_RECEPTION, MailReceived, MailSubmitted, Message, RecordedCheck
from shared.eventstore.event import encode
from shared.protocol.address.address import Address
from shared.protocol.message.scan import Scan
from shared.protocol.smtp.body import BodyFlags
from shared.protocol.smtp.commands import SmtpTransaction
from shared.protocol.smtp.trace_header import Hop

Accepted = MailReceived | MailSubmitted
_SUBJECT = 1000
_MESSAGE_ID = 998
_REFERENCES = 50
_REFERENCES_ROOM = 16 * 1024
"""Octets of all references, as JSON."""


class Completed(msgspec.Struct, frozen=True):
    """The additions of acceptance to a message: header lines, and the values of fields that the message lacked."""

    prefix: bytes
    message_id: str = ""
    author: str = ""


def accepted(
    client: SmtpClient,
    transaction: SmtpTransaction,
    hop: Hop,
    message: Message,
    checks: tuple[RecordedCheck, ...],
    release: ReleaseTime,
    accounts: Mapping[Address, str],
) -> Accepted:
    """The event of a mail from another server, or from a user.

    `accounts` has the ids of the accounts that have an address of the envelope themselves.
    """
    mail = transaction.mail
    reverse_path = str(mail.reverse_path or "")
    recipients = tuple(recipient(rcpt, accounts.get(rcpt.forward_path, "")) for rcpt in transaction.recipients)
    ret, envid = mail.ret.value if mail.ret else "", mail.envid or ""
    seen = client.as_event(hop)
    if not client.is_authenticated:
        return MailReceived(hop.queue_id, reverse_path, recipients, message, seen, ret, envid, checks, mail.require_tls)
    return MailSubmitted(
        hop.queue_id,
        reverse_path,
        recipients,
        message,
        seen,
        client.user,
        client.account,
        ret,
        envid,
        checks,
        mail.require_tls,
        *release,
    )


def message_of(scan: Scan, blob: BlobRef, added: Completed, flags: BodyFlags, *, smtputf8: bool) -> Message:
    """The part of the event about the message."""
    author = scan.from_[0][1] if scan.from_ else added.author
    return Message(
        str(blob.id),
        blob.size,
        added.prefix,
        (scan.message_id or added.message_id)[:_MESSAGE_ID],
        scan.subject[:_SUBJECT],
        author[:_MESSAGE_ID],
        _newest(dict.fromkeys((*scan.references, *scan.in_reply_to))),
        flags.eight_bit,
        smtputf8,
    )


def surplus(event: Accepted) -> int:
    """Octets by which the event exceeds the limit of the bus; 0 when it fits."""
    return max(0, len(encode(event)) - LARGEST_RECEPTION)


def _newest(references: Iterable[str]) -> tuple[str, ...]:
    """The last references, as many as fit."""
    kept: list[str] = []
    room = _REFERENCES_ROOM
    for reference in reversed([*references][-_REFERENCES:]):
        room -= len(msgspec.json.encode(reference[:_MESSAGE_ID]))
        if room < 0:
            break
        kept.append(reference[:_MESSAGE_ID])
    return tuple(reversed(kept))
