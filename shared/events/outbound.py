"""Events of the outbound queue.

The stream of an entry (one recipient of one mail) is the entry id; that of a report is the report's queue id; that of
the switch and of the hold rules is `queue`; that of a domain's MTA-STS policy is `sts/<domain>`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from shared.events.signatures import ChosenSignature
from shared.eventstore.event import Event, stored, upcast


class HostAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One connection of an attempt: to one address of one host."""

    host: str
    address: str = ""
    port: int = 25
    stage: str = ""
    """The step at which it ended: `policy`, `connect`, `form`, or a stage of the session such as `EHLO` or `RCPT`."""
    code: int = 0
    """The reply code; 0 without a reply."""
    reply: str = ""
    """The remote's own words with their enhanced status, or why there is no reply."""
    tls: str = ""
    """The version and cipher; empty in the clear."""
    authenticated_by: str = ""
    """How the certificate was verified: `dane`, `mta-sts`, `web-pki`; empty when it was not."""
    policy: str = ""
    """Which policy asked for TLS, with its inputs."""
    milliseconds: int = 0
    policy_type: str = ""
    """The policy type for TLS reports: `tlsa`, `sts` or `no-policy-found` (RFC 8460 §4.4); empty: it is not counted."""
    tls_result: str = ""
    """`success` or the kind of failure (RFC 8460 §4.3); empty where the connection is not counted, or was for an
    earlier recipient."""
    is_family_refused: bool = False
    """Whether the server refused our address, so that an address of the other family (IPv4, IPv6) is tried once."""


class SendingAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attempt to send an entry."""

    number: int
    at: int
    """When it began, in UTC microseconds."""
    route: str = ""
    """`mx example.org`, or `relay NAME` with the relay's host."""
    hosts: tuple[HostAttempt, ...] = ()
    """The connections, in order; the last decided."""
    milliseconds: int = 0
    steps: dict[str, int] = {}
    """Milliseconds of each step: `connect` and `transaction`."""
    transcript: tuple[str, ...] = ()
    """The lines of the last connection, bounded, without credentials and message text. Of the recipients of one
    transaction only the first has it."""
    seal: str = ""
    """The ARC set that the message got, or why it got none; empty for a message that needs none."""


class SignedText(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text of a mail in which the mail signature was placed."""

    part: str
    """Its BODY number."""
    subtype: str
    position: str
    """`end` or `above-quotation`."""
    encoding: str = ""
    """Its Content-Transfer-Encoding afterwards."""
    charset: str = ""


class EarlierSets(msgspec.Struct, frozen=True, omit_defaults=True):
    """The ARC sets with which a mail came (RFC 8617), as they were validated when it was received."""

    status: str = "none"
    """`none`, `pass` or `fail`."""
    instance: int = 0
    """The highest instance value; 0 without sets."""
    is_ended: bool = False
    """Whether the newest seal says that the chain has failed, so that nobody adds a set."""


@stored("outbound.queued", schema=5)
class OutboundQueued(Event, frozen=True):
    """A copy for another server was put into the queue; it will be sent or bounced."""

    entry: str
    queue_id: str
    recipient: str
    index: int
    blob: str
    prefix: bytes
    size: int
    reverse_path: str
    forward_path: str
    notify: str = ""
    orcpt: str = ""
    ret: str = ""
    envid: str = ""
    eight_bit: bool = False
    smtputf8: bool = False
    message_id: str = ""
    sending_domain: str = ""
    """The domain of ours that sends the mail: it signs, and its relay is used."""
    account: str = ""
    """The account that submitted the mail; empty for forwarded mail and reports."""
    release_at: int = 0
    """When a mail that the sender holds back is released (RFC 4865), in UTC microseconds; 0: at once."""
    require_tls: bool = False
    """Whether the sender asked for REQUIRETLS (RFC 8689)."""
    is_new_recipient: bool = False
    """Whether the account was not known to have written to this recipient before."""
    signature: ChosenSignature | None = None
    """The mail signature that the message gets when it is sent."""
    seals: EarlierSets | None = None
    """What the seal of this copy vouches for, beside the results in the prefix; None: the copy is not sealed."""


@upcast("outbound.queued", 4)
def _without_seals(data: dict[str, Any]) -> dict[str, Any]:
    """Version 4 knew no seals, and no mail was sealed."""
    return data


@upcast("outbound.queued", 3)
def _without_signature(data: dict[str, Any]) -> dict[str, Any]:
    """Version 3 knew no mail signatures, and no mail had one."""
    return data


@upcast("outbound.queued", 2)
def _without_new_recipient(data: dict[str, Any]) -> dict[str, Any]:
    """Version 2 did not say whether a recipient is new; then it does not count as new."""
    return data


@upcast("outbound.queued", 1)
def _without_sender(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew neither the sending domain nor a time of release; the domain of the reverse-path stands in."""
    return {**data, "sending_domain": str(data.get("reverse_path", "")).rpartition("@")[2]}


@stored("outbound.signature_placed")
class OutboundSignaturePlaced(Event, frozen=True):
    """A mail that was sent to another server got the mail signature of its domain, before it was signed with DKIM."""

    entry: str
    queue_id: str
    signature: str
    texts: tuple[SignedText, ...]


@stored("outbound.signature_skipped")
class OutboundSignatureSkipped(Event, frozen=True):
    """A mail was sent without the mail signature of its domain, as it was stored."""

    entry: str
    queue_id: str
    signature: str
    reason: str
    """A value of `SkipReason`, or `missing` when its version is not known."""
    part: str = ""
    """The BODY number of the part that is the reason."""


@stored("outbound.delivered")
class OutboundDelivered(Event, frozen=True):
    """The next server accepted the mail for this recipient."""

    entry: str
    queue_id: str
    recipient: str
    attempt: SendingAttempt
    relayed: bool = False
    """Whether the sender asked for a report of success that the next server cannot send (RFC 3461 §5.2.2)."""


@stored("outbound.deferred")
class OutboundDeferred(Event, frozen=True):
    """An attempt failed for now; the next one is due later."""

    entry: str
    queue_id: str
    recipient: str
    attempt: SendingAttempt
    due: int
    """When the next attempt is due, in UTC microseconds."""
    status: str
    """The enhanced status code, such as `4.4.1` (RFC 3463)."""
    reason: str
    cause: str = "recipient"
    """Whose fault it is: `recipient`, `destination` or `ours` (a fault of this server)."""
    perhaps_delivered: bool = False
    """Whether the connection broke after the message and before its reply, so that the mail may arrive twice."""
    destination_blocked_until: int = 0
    """When the whole destination is tried again, in UTC microseconds; 0: it is not blocked."""


@stored("outbound.delayed")
class OutboundDelayed(Event, frozen=True):
    """The entry has waited so long that its sender is notified, unless the sender asked for no such notification."""

    entry: str
    queue_id: str
    recipient: str
    status: str
    reason: str


@stored("outbound.bounced")
class OutboundBounced(Event, frozen=True):
    """The mail will not reach this recipient: the next server refused it, or it cannot be sent."""

    entry: str
    queue_id: str
    recipient: str
    status: str
    reason: str
    attempt: SendingAttempt | None = None
    """None when an operator bounced it."""


@stored("outbound.expired")
class OutboundExpired(Event, frozen=True):
    """The time for attempts is over."""

    entry: str
    queue_id: str
    recipient: str
    status: str
    reason: str
    attempt: SendingAttempt | None = None


@stored("outbound.held", schema=2)
class OutboundHeld(Event, frozen=True):
    """The entry is not tried until it is released."""

    entry: str
    queue_id: str
    reason: str
    until: int = 0
    """When it is released by itself, in UTC microseconds; 0: only an operator releases it."""
    account: str = ""
    """The account that is above a limit; empty where another reason holds the entry."""


@upcast("outbound.held", 1)
def _without_account(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 did not say whether a limit holds the entry."""
    return data


@stored("outbound.limit_exceeded")
class OutboundLimitExceeded(Event, frozen=True):
    """An account went above a limit while none of its mail was held; its owner will be notified once."""

    account: str
    queue_id: str
    """The first mail that is held."""
    address: str
    """The address that is notified: the reverse-path of the mail."""
    sending_domain: str
    reason: str
    """The limit, in words."""


@stored("outbound.owner_notified")
class OutboundOwnerNotified(Event, frozen=True):
    """The owner of an account was sent the notification about a limit."""

    account: str
    queue_id: str
    report: str
    """The queue id of the notification; empty where nothing waited any more."""
    mails: int
    """Mails that waited."""
    until: int
    """When the last of them is released, in UTC microseconds; 0: an operator releases them."""


@stored("outbound.released")
class OutboundReleased(Event, frozen=True):
    """A held entry is due; its age begins now."""

    entry: str
    queue_id: str


@stored("outbound.rescheduled")
class OutboundRescheduled(Event, frozen=True):
    """An operator asked for an attempt now."""

    entry: str
    queue_id: str
    due: int


@stored("outbound.cancelled")
class OutboundCancelled(Event, frozen=True):
    """The entry was taken out of the queue without a report."""

    entry: str
    queue_id: str
    reason: str = ""


@stored("outbound.report_made")
class OutboundReportMade(Event, frozen=True):
    """A delivery status notification for a sender is written; it will be submitted like a mail."""

    report: str
    """The queue id of the notification."""
    queue_id: str
    """The queue id of the mail that it is about."""
    kind: str
    """`failed`, `delayed`, `relayed`, `delivered` or `expanded`; `held` for the notification about a limit."""
    entries: tuple[str, ...]
    to: str
    author: str
    subject: str
    message_id: str
    blob: str
    size: int
    prefix: bytes = b""
    eight_bit: bool = False
    require_tls: bool = False


@stored("outbound.report_submitted")
class OutboundReportSubmitted(Event, frozen=True):
    """The ingress has accepted the notification."""

    report: str
    queue_id: str


@stored("outbound.report_failed")
class OutboundReportFailed(Event, frozen=True):
    """A notification could not be written because of an error in this server; its sender is not notified."""

    report: str
    """The id that the notification would have had."""
    queue_id: str
    """The queue id of the mail that it is about."""
    kind: str
    entries: tuple[str, ...]
    to: str
    reason: str


@stored("outbound.paused")
class OutboundPaused(Event, frozen=True):
    """An operator stopped all sending; mail is still accepted and kept."""

    reason: str = ""


@stored("outbound.resumed")
class OutboundResumed(Event, frozen=True):
    """An operator resumed sending."""


@stored("outbound.hold_rule_added")
class OutboundHoldRuleAdded(Event, frozen=True):
    """New mail that fits the rule is held. An empty field fits everything."""

    rule: str
    sender: str = ""
    recipient: str = ""
    reason: str = ""


@stored("outbound.hold_rule_removed")
class OutboundHoldRuleRemoved(Event, frozen=True):
    """The rule ends; what it held stays held until it is released."""

    rule: str


@stored("outbound.sts_policy_fetched")
class OutboundStsPolicyFetched(Event, frozen=True):
    """The MTA-STS policy of a domain was fetched; it is valid for its age (RFC 8461 §3.2)."""

    domain: str
    id: str
    mode: str
    """`enforce`, `testing` or `none`."""
    mx: tuple[str, ...]
    max_age: int
    """Seconds."""
    fetched: int
    """When it was fetched, in UTC microseconds."""


@stored("outbound.sts_policy_failed")
class OutboundStsPolicyFailed(Event, frozen=True):
    """A domain says that it has an MTA-STS policy, and the policy cannot be fetched. Repeats are not recorded."""

    domain: str
    id: str
    result: str
    """`sts-policy-fetch-error`, `sts-policy-invalid` or `sts-webpki-invalid` (RFC 8460 §4.3.2)."""
    reason: str


@stored("outbound.rows_forgotten")
class OutboundRowsForgotten(Event, frozen=True):
    """The oldest rows of a table that would grow without end were forgotten.

    A row is forgotten when its place in the order of the table is before `before`; rows that earlier events would add
    there are not added, so that the table follows from the events in any order of their streams.
    """

    table: str
    """`sent_entry`, `sent_mail`, `known_recipient`, `tls_result`, `sts_policy` or `sts_failure`."""
    before: str
    account: str = ""
    """The account whose rows were forgotten; empty where the table has one order for all."""
