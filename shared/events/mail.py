"""Events about accepted, refused and settled mails.

Their stream is the queue id; that of `mail.refused` is `refusals:<day>`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.events.signatures import ChosenSignature
from shared.eventstore.event import Event, stored, upcast

# The size of an event that travels over the bus, in octets. The bus refuses a larger one at every attempt.
MAX_PAYLOAD: Final = 1024 * 1024
"""The largest bus message with its header lines: the default of nats-server, and the limit of the embedded one."""
_HEADER_LINES: Final = 512
_VERDICT: Final = 160 * 1024
"""Octets that `mail.classified` adds to the reception that it contains."""
LARGEST_EVENT: Final = MAX_PAYLOAD - _HEADER_LINES
LARGEST_RECEPTION: Final = LARGEST_EVENT - _VERDICT
"""The largest `mail.received` or `mail.submitted`, encoded, for which the events derived from it still fit."""


class Recipient(msgspec.Struct, frozen=True, omit_defaults=True):
    """One accepted RCPT TO, with its DSN parameters (RFC 3461)."""

    address: str
    notify: str = ""
    orcpt: str = ""
    account: str = ""
    """The id of the account that had exactly this address when the mail was accepted: a later holder does not get it.
    Empty for other addresses, and while the ingress does not know the account yet."""


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """The accepted octets, by reference, and what the scan found in them."""

    blob: str
    size: int
    """The octets of the body blob, without the prefix."""
    prefix: bytes = b""
    """Header lines added at acceptance (Received, Authentication-Results), ending in CRLF."""
    message_id: str = ""
    subject: str = ""
    author: str = ""
    """The first address in From."""
    references: tuple[str, ...] = ()
    """The ids in References and In-Reply-To, for threading."""
    eight_bit: bool = False
    smtputf8: bool = False


class Client(msgspec.Struct, frozen=True, omit_defaults=True):
    """The SMTP client and its session."""

    address: str
    port: int = 0
    helo: str = ""
    protocol: str = ""
    """The `with` keyword of RFC 3848: ESMTP, ESMTPS, ESMTPSA…"""
    tls_version: str = ""
    tls_cipher: str = ""
    listener: str = ""
    """`smtp`, `submission` or `submissions`; `report` or `test-mail` for a mail that the server wrote itself."""


class DnsAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A DNS answer as a check used it."""

    name: str
    rdtype: str
    status: str
    records: tuple[str, ...] = ()


class RecordedCheck(msgspec.Struct, frozen=True, omit_defaults=True):
    """A check with its inputs and outcome, so that it can be understood and repeated."""

    name: str
    """`spf`, `dkim`, `dmarc`, `loop`, `sender`…"""
    result: str
    detail: dict[str, Any] = {}
    dns: tuple[DnsAnswer, ...] = ()


@stored("mail.received", schema=2)
class MailReceived(Event, frozen=True):
    """A mail from another server was accepted on port 25; it will be delivered or bounced."""

    queue_id: str
    reverse_path: str
    recipients: tuple[Recipient, ...]
    message: Message
    client: Client
    ret: str = ""
    envid: str = ""
    checks: tuple[RecordedCheck, ...] = ()
    require_tls: bool = False
    """Whether the sender asked for REQUIRETLS (RFC 8689)."""


@stored("mail.submitted", schema=3)
class MailSubmitted(Event, frozen=True):
    """A mail from an authenticated user was accepted."""

    queue_id: str
    reverse_path: str
    recipients: tuple[Recipient, ...]
    message: Message
    client: Client
    user: str
    """The user's id."""
    account: str
    """The account's id."""
    ret: str = ""
    envid: str = ""
    checks: tuple[RecordedCheck, ...] = ()
    require_tls: bool = False
    """Whether the sender asked for REQUIRETLS (RFC 8689)."""
    release_at: int = 0
    """Until when the ingress keeps the mail for itself, in UTC microseconds; 0: it is delivered at once."""
    hold_requested: bool = False
    """Whether the sender chose the time of release (RFC 4865); otherwise it is that of `outbound.undo_seconds`."""
    signature: ChosenSignature | None = None
    """The mail signature of the author's domain, for the copies that go to other servers."""


@upcast("mail.received", 1)
@upcast("mail.submitted", 1)
def _without_demands(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew neither REQUIRETLS nor a time of release, and no mail had them."""
    return data


@upcast("mail.submitted", 2)
def _without_signature(data: dict[str, Any]) -> dict[str, Any]:
    """Version 2 knew no mail signatures, and no mail had one."""
    return data


@stored("mail.released")
class MailReleased(Event, frozen=True):
    """A submitted mail that was kept for later is delivered from now on; its age counts from now."""

    queue_id: str


@stored("mail.cancelled")
class MailCancelled(Event, frozen=True):
    """A submitted mail that was kept for later was taken back; nobody gets it, and the reception has ended."""

    queue_id: str
    reason: str = ""


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
    """The internal cause, which the client is not told."""
    sender: str = ""
    recipient: str = ""
    checks: tuple[RecordedCheck, ...] = ()


@stored("mail.refused")
class MailRefused(Event, frozen=True):
    """The refusals of one session in one event.

    Under attack only the first keep their details, and the others are counted.
    """

    session: str
    client: Client
    refusals: tuple[Refusal, ...]
    more: int = 0
    """The number of refusals that are only counted."""


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """The outcome for one recipient."""

    recipient: str
    result: str
    """`delivered`, `held`, `queued`, `refused`, `bounced` or `discarded`."""
    detail: str = ""


@stored("mail.settled")
class MailSettled(Event, frozen=True):
    """Every recipient of a reception is delivered, queued or bounced, so the reception is released."""

    queue_id: str
    outcomes: tuple[Outcome, ...]


@stored("mail.held")
class MailHeld(Event, frozen=True):
    """A step of this reception is a dead letter; the reception is repeated rarely until that is resolved."""

    queue_id: str
    reason: str


@stored("mail.resumed")
class MailResumed(Event, frozen=True):
    """A held reception is repeated normally again."""

    queue_id: str
