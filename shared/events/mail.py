"""Events about mails at the door: accepted, refused, settled. Stream: the queue id (`mail.refused`:
`refusals:<day>`)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.eventstore.event import Event, stored

# How large an event that travels over the bus may be, in octets. The bus refuses a larger one each time.
MAX_PAYLOAD: Final = 1024 * 1024
"""A message with its header lines: what nats-server allows by default, and what the embedded one is set to."""
_HEADER_LINES: Final = 512
_VERDICT: Final = 128 * 1024
"""What `mail.classified` has around the reception that it carries on."""
LARGEST_EVENT: Final = MAX_PAYLOAD - _HEADER_LINES
LARGEST_RECEPTION: Final = LARGEST_EVENT - _VERDICT
"""`mail.received` or `mail.submitted`, encoded: what is derived from it still fits."""


class Recipient(msgspec.Struct, frozen=True, omit_defaults=True):
    """One accepted RCPT TO, with its DSN parameters (RFC 3461)."""

    address: str
    notify: str = ""
    orcpt: str = ""


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """The accepted bytes, by reference, and what the scan says of them."""

    blob: str
    size: int
    """Octets of the body blob, without the prefix."""
    prefix: bytes = b""
    """Header lines added at acceptance (Received, Authentication-Results), ending in CRLF."""
    message_id: str = ""
    subject: str = ""
    author: str = ""
    """The first address of From:."""
    references: tuple[str, ...] = ()
    """Ids of References and In-Reply-To, for threading."""
    eight_bit: bool = False
    smtputf8: bool = False


class Client(msgspec.Struct, frozen=True, omit_defaults=True):
    """The SMTP client and its session."""

    address: str
    port: int = 0
    helo: str = ""
    protocol: str = ""
    """The `with` word of RFC 3848: ESMTP, ESMTPS, ESMTPSA…"""
    tls_version: str = ""
    tls_cipher: str = ""
    listener: str = ""
    """`smtp`, `submission` or `submissions`."""


class DnsAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A DNS answer that a check used, as it was used."""

    name: str
    rdtype: str
    status: str
    records: tuple[str, ...] = ()


class RecordedCheck(msgspec.Struct, frozen=True, omit_defaults=True):
    """One check with its inputs and its outcome: enough to understand it, and to take it again."""

    name: str
    """`spf`, `dkim`, `dmarc`, `loop`, `sender`…"""
    result: str
    detail: dict[str, Any] = {}
    dns: tuple[DnsAnswer, ...] = ()


@stored("mail.received")
class MailReceived(Event, frozen=True):
    """A mail from another server was accepted on port 25: it will be delivered or bounced."""

    queue_id: str
    reverse_path: str
    recipients: tuple[Recipient, ...]
    message: Message
    client: Client
    ret: str = ""
    envid: str = ""
    checks: tuple[RecordedCheck, ...] = ()


@stored("mail.submitted")
class MailSubmitted(Event, frozen=True):
    """A mail from an authenticated user was accepted."""

    queue_id: str
    reverse_path: str
    recipients: tuple[Recipient, ...]
    message: Message
    client: Client
    user: str
    """User id."""
    account: str
    """Account id."""
    ret: str = ""
    envid: str = ""
    checks: tuple[RecordedCheck, ...] = ()


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """One 4xx or 5xx reply."""

    reference: str
    at: int
    stage: str
    """`connect`, `helo`, `auth`, `mail`, `rcpt`, `data`, `message`."""
    code: int
    enhanced: str
    text: str
    cause: str = ""
    """The private cause: not told to the client."""
    sender: str = ""
    recipient: str = ""
    checks: tuple[RecordedCheck, ...] = ()


@stored("mail.refused")
class MailRefused(Event, frozen=True):
    """Refusals of one session, folded together; under attack only the first ones keep their detail and the rest are
    counted.
    """

    session: str
    client: Client
    refusals: tuple[Refusal, ...]
    more: int = 0
    """Refusals that are counted and not kept."""


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one recipient."""

    recipient: str
    result: str
    """`delivered`, `queued`, `bounced` or `discarded`."""
    detail: str = ""


@stored("mail.settled")
class MailSettled(Event, frozen=True):
    """Every recipient of a reception is delivered, queued or bounced: the reception is released."""

    queue_id: str
    outcomes: tuple[Outcome, ...]


@stored("mail.held")
class MailHeld(Event, frozen=True):
    """A step of this reception lies in a dead letter list; it is repeated no more until that is re-driven."""

    queue_id: str
    reason: str


@stored("mail.resumed")
class MailResumed(Event, frozen=True):
    """A held reception moves again."""

    queue_id: str
