"""Writes whole generated mails: vacation responses (RFC 5230 §5) and notifications (RFC 5436 §2)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.protocol.automatic.content import given_entity, text_entity
from shared.protocol.automatic.fields import field, mailbox_words, references, text_field

IMPORTANCES = {1: "high", 3: "low"}


class NamedAddress(msgspec.Struct, frozen=True):
    """A display name and an address."""

    address: str
    name: str = ""

    @property
    def words(self) -> list[str]:
        """The words of the mailbox in a field."""
        return mailbox_words(self.name, self.address)


class Identity(msgspec.Struct, frozen=True):
    """What makes a generated mail one mail: its id without brackets and the value of Date."""

    message_id: str
    date: str


class AnsweredMessage(msgspec.Struct, frozen=True):
    """The message that is answered: its id, and the ids before it, with brackets."""

    message_id: str = ""
    references: tuple[str, ...] = ()


def vacation_response(
    sender: NamedAddress,
    to: NamedAddress,
    subject: str,
    reason: str,
    answered: AnsweredMessage,
    identity: Identity,
    *,
    is_mime: bool = False,
) -> bytes:
    """A vacation response. No program answers it (RFC 3834 §5, RFC 5230 §5.6)."""
    header = [
        field("From", sender.words),
        field("To", to.words),
        text_field("Subject", subject) or text_field("Subject", "Automated reply"),
        field("Date", [identity.date]),
        field("Message-ID", [f"<{identity.message_id}>"]),
    ]
    if answered.message_id:
        header.append(field("In-Reply-To", [answered.message_id]))
        header.append(field("References", references(answered.references, answered.message_id)))
    header.append(field("Auto-Submitted", ["auto-replied"]))
    header.append(field("X-Auto-Response-Suppress", ["All"]))
    header.append(field("MIME-Version", ["1.0"]))
    return b"".join(header) + (given_entity(reason) if is_mime else text_entity(reason))


def notification(
    sender: NamedAddress,
    recipients: Sequence[str],
    owner: str,
    text: tuple[str, str],
    importance: int,
    others: Sequence[tuple[str, str]],
    identity: Identity,
) -> bytes:
    """A notification of RFC 5436; `text` is subject and body, `others` are the fields that its URI sets.

    Auto-Submitted names the owner, so that whoever gets it knows who asked for it (§2.7.1).
    """
    subject, body = text
    to = [", ".join(f"<{recipient}>" for recipient in recipients)]
    header = [
        field("From", sender.words),
        field("To", to[0].split(" ")),
        text_field("Subject", subject),
        field("Date", [identity.date]),
        field("Message-ID", [f"<{identity.message_id}>"]),
        field("Auto-Submitted", ["auto-notified;", f'owner-email="{_quoted(owner)}"']),
    ]
    if importance in IMPORTANCES:
        header.append(field("Importance", [IMPORTANCES[importance]]))
    header += [text_field(name.title(), value) for name, value in others if name.lower() not in _OWN]
    header.append(field("MIME-Version", ["1.0"]))
    return b"".join(header) + text_entity(body)


_OWN = frozenset(
    {
        *("from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "auto-submitted", "importance"),
        *("received", "return-path", "mime-version", "dkim-signature", "in-reply-to", "delivered-to", "reply-to"),
        *("authentication-results", "x-sieve-redirected-from", "disposition-notification-to"),
    }
)
"""Fields that a URI cannot set: they are ours, or make programs act (RFC 5436 §2.3, §5)."""


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
